/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_SEND_H
#define KE_SEND_H

#include <linux/ktime.h>
#include <linux/types.h>

struct iov_iter;
struct ke_client;
struct ke_event;

/* A send in progress. */
struct ke_send_req {
	s32 id;
	u64 len;
	u64 data;			/* address of the payload */
	struct iov_iter *iter;		/* the payload, instead of data; or NULL */
	u64 seq_addr;			/* address for seq, found to be writable; 0: none */
	u64 seq;			/* out: number of the event */
	u32 ttl_ms;			/* 0: no limit */
	bool waits;			/* wait for space */
	ktime_t *deadline;		/* of the wait; CLOCK_MONOTONIC; NULL: no limit */
	struct ke_event *event;		/* used while the send is in progress */
};

/*
 * Sends one event. May sleep. Returns 0, -EMSGSIZE, -EAGAIN, -EDQUOT, -ETIMEDOUT, -EINTR,
 * -ERESTARTSYS, -EPERM, -EFAULT or -ENOMEM.
 */
int ke_send(struct ke_client *client, struct ke_send_req *req);

/*
 * Sends @n events in order. All of @reqs have the same waits. Returns the number of events sent;
 * @err is why the next one was not, or 0.
 */
unsigned int ke_send_all(struct ke_client *client,
			 struct ke_send_req *reqs, unsigned int n,
				 int *err);

#endif /* KE_SEND_H */
