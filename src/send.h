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
	struct iov_iter *iter;		/* or where it comes from instead */
	u64 seq_addr;			/* where its number goes, found writable; 0: nowhere */
	u64 seq;			/* that number, once it is sent */
	u32 ttl_ms;			/* 0: no limit */
	bool waits;			/* for space */
	ktime_t *deadline;		/* if it waits; CLOCK_MONOTONIC; NULL: no limit */
	struct ke_event *event;		/* what is made of it, while it is sent */
};

/*
 * Sends one event. Returns 0, -EMSGSIZE, -EAGAIN, -EDQUOT, -ETIMEDOUT, -EINTR,
 * -ERESTARTSYS, -EPERM, -EFAULT or -ENOMEM.
 */
int ke_send(struct ke_client *client, struct ke_send_req *req);

/*
 * Sends @n events, one after the other. Returns how many went; if that is not
 * all, @err says what stopped the next.
 */
unsigned int ke_send_all(struct ke_client *client,
			 struct ke_send_req *reqs, unsigned int n,
				 int *err);

#endif /* KE_SEND_H */
