/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_RECEIVER_H
#define KE_RECEIVER_H

#include <linux/ktime.h>

#include "event.h"
#include "inbox.h"

struct ke_deadline;
struct ke_lessee;
struct ke_queue;

/* A receive in progress, on the stack of the process that makes it. */
struct ke_receiver {
	struct ke_waiter waiter;
	bool peek;			/* leave the event where it is */
	bool waits;			/* if there is nothing for it now */
	ktime_t *deadline;		/* CLOCK_MONOTONIC; NULL: no limit */
	struct ke_lessee *lessee;	/* who holds the event; NULL: it ends */
	u32 lease_ms;			/* 0: no limit */
	struct ke_deadline *spare;	/* for that limit; freed if not used */
	/* In an inbox's row: called without locks around what may take long. */
	struct ke_inbox *inbox;
	void (*stall)(struct ke_receiver *receiver, bool begins);
	struct ke_sink sink;
	struct list_head ended;		/* events to free without the lock */
};

void ke_receiver_init(struct ke_receiver *receiver);

/* Frees what is left over. */
void ke_receiver_exit(struct ke_receiver *receiver);

/*
 * Hands the oldest event of @queue to @receiver if it may have one now. Returns
 * 0, -ENOMSG, -EMSGSIZE or -EFAULT; or -EAGAIN: try again. The lock has been
 * given up in between only with -EFAULT and -EAGAIN, the queue never.
 */
int ke_receiver_try_locked(struct ke_receiver *receiver,
			   struct ke_queue *queue);

/*
 * The same, but tries until it knows, checks the claim each time, and waits for
 * an event if @receiver wants that. Returns besides -ETIMEDOUT, -EINTR,
 * -ERESTARTSYS, and -EPERM where the claim forbids it; never -EAGAIN.
 */
int ke_receiver_receive_locked(struct ke_receiver *receiver,
			       struct ke_queue *queue);

/* What to return if a signal ends the wait. */
int ke_receiver_interruption(const struct ke_receiver *receiver);

/* Sleeps in the state set before; returns false if the deadline has passed. */
bool ke_receiver_sleep(struct ke_receiver *receiver);

#endif /* KE_RECEIVER_H */
