/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_RECEIVE_H
#define KE_RECEIVE_H

#include <linux/ktime.h>
#include <linux/types.h>

struct iov_iter;
struct ke_client;
struct ke_user_buf;

/* Events taken from a queue per hold of its lock. */
#define KE_RUN_MAX	16U

/* A receive in progress. */
struct ke_recv_req {
	bool leases;			/* lease events instead of consuming them */
	bool waits;			/* wait for an event */
	ktime_t *deadline;		/* of the wait; CLOCK_MONOTONIC; NULL: no limit */
	struct ke_user_buf *bufs;	/* one per event */
	struct iov_iter *iter;		/* for records, instead of bufs; or NULL */
	unsigned int n;			/* events wanted from watched IDs, KE_RUN_MAX at most */
	unsigned int done;		/* out: events received; ke_receive() expects 0 */
	s32 id;				/* out, from watched IDs: ID of the events */
	u32 needed;			/* out, after -EMSGSIZE: length of the payload */
};

/*
 * Receives the oldest event of @id. May sleep. Returns 0, -ENOMSG, -EMSGSIZE, -EFAULT, -EPERM,
 * -ETIMEDOUT, -ERESTARTSYS, -EINTR after a fatal signal, or -ENOMEM.
 */
int ke_receive(struct ke_client *client, s32 id, struct ke_recv_req *req);

/*
 * Receives events of one of the watched IDs. May sleep. Returns 0 if there was at least one, else
 * an error of ke_receive().
 */
int ke_receive_watched(struct ke_client *client, struct ke_recv_req *req);

/* Returns 1 if a receive of @id would find an event now, 0 if not, or -EPERM. */
int ke_receive_poll(struct ke_client *client, s32 id);

/*
 * Returns whether a receive of watched IDs would find an event now. A caller that sleeps otherwise
 * must be in ready_list.wait already.
 */
bool ke_receive_poll_watched(struct ke_client *client);

/* ke_receive_poll_watched() for a caller that does not sleep. Sets @id if there is an event. */
bool ke_receive_find_watched(struct ke_client *client, s32 *id);

#endif /* KE_RECEIVE_H */
