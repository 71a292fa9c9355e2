/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_RECEIVE_H
#define KE_RECEIVE_H

#include <linux/ktime.h>
#include <linux/types.h>

struct iov_iter;
struct ke_client;
struct ke_user_buf;

/* Events that are taken from a queue at one go. */
#define KE_RUN_MAX	16U

/* A receive. */
struct ke_recv_req {
	bool leases;
	bool waits;			/* if there is nothing now */
	ktime_t *deadline;		/* if it waits; CLOCK_MONOTONIC; NULL: no limit */
	struct ke_user_buf *bufs;		/* where events go, one each */
	struct iov_iter *iter;		/* instead of them: records */
	unsigned int n;			/* events that it wants, KE_RUN_MAX at most */
	unsigned int done;		/* out: events that it has got */
	s32 id;				/* out, of watched IDs: theirs, if it has got any */
	u32 needed;			/* out, after -EMSGSIZE: length of the payload */
};

/*
 * Receives the oldest event of @id. Returns 0, -ENOMSG, -EMSGSIZE, -EFAULT, -EPERM,
 * -ETIMEDOUT, -ERESTARTSYS, -EINTR after a fatal signal, or -ENOMEM.
 */
int ke_receive(struct ke_client *client, s32 id, struct ke_recv_req *req);

/* The same from any ID that @client watches; 0 if there was at least one event. */
int ke_receive_watched(struct ke_client *client, struct ke_recv_req *req);

/* Returns 1 if a receive of @id would find an event now, 0, or -EPERM. */
int ke_receive_poll(struct ke_client *client, s32 id);

/*
 * Whether a receive of any watched ID would find one. Callers that are to be woken for the next
 * are in ready_list.wait already.
 */
bool ke_receive_poll_watched(struct ke_client *client);

/* The same for a caller that does not wait, with that ID in @id. */
bool ke_receive_find_watched(struct ke_client *client, s32 *id);

#endif /* KE_RECEIVE_H */
