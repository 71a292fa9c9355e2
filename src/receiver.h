/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_RECEIVER_H
#define KE_RECEIVER_H

#include <linux/ktime.h>

#include "event.h"
#include "inbox.h"
#include "sink.h"

struct ke_identity;
struct ke_lessee;
struct ke_queue;

/* A receive in progress, on the stack of the process that makes it. */
struct ke_receiver {
	const struct ke_identity *identity;	/* its client's; pays for the ID if need be */
	struct ke_waiter *waiter;	/* in a row; NULL: it does not wait */
	bool peek;			/* leave the event where it is */
	bool waits;			/* if there is nothing for it now */
	u32 lease_ms;			/* of a lease, if lessee; 0: no limit */
	ktime_t *deadline;		/* if it waits; CLOCK_MONOTONIC; NULL: no limit */
	struct ke_lessee *lessee;	/* who holds the event; NULL: it ends */
	/* In an inbox's row: called without locks around what may take long. */
	struct ke_inbox *inbox;
	void (*stall)(struct ke_receiver *receiver, bool begins);
	/*
	 * If most is more than one: gets sink ready for the next event, under the
	 * lock of a queue; false if there is to be none, or it is not possible there.
	 */
	bool (*next)(struct ke_receiver *receiver);
	unsigned int most;		/* events that it wants in all */
	unsigned int done;		/* events it was handed, of watched IDs */
	size_t bytes;			/* payload of those that it took */
	struct ke_sink sink;
	struct hlist_head ended;	/* to be freed by ke_event_free_list() */
};

/* Makes it one that waits for no event, and is told nothing of what it wants. */
static inline void ke_receiver_init(struct ke_receiver *receiver)
{
	receiver->waiter = NULL;
	receiver->lessee = NULL;
	receiver->inbox = NULL;
	receiver->stall = NULL;
	receiver->most = 1;
	receiver->done = 0;
	receiver->bytes = 0;
	receiver->sink.iter = NULL;
	INIT_HLIST_HEAD(&receiver->ended);
}

/*
 * Hands the oldest event of @queue, which it got from @inbox, to @receiver if it may
 * have one now; more if it wants more and no other watch there is ready. Returns 0,
 * -ENOMSG, -EMSGSIZE or -EFAULT; or -EAGAIN: try again. done counts those handed
 * out before that, too. The lock has been given up in between only with -EFAULT and
 * -EAGAIN, the queue never.
 */
int ke_receiver_take_locked(struct ke_receiver *receiver, struct ke_queue *queue,
			    const struct ke_inbox *inbox);

/*
 * Hands the oldest event of @queue to @receiver: tries until it knows, checks the
 * claim each time, and waits for an event if @receiver wants that. Returns 0,
 * -ENOMSG, -EMSGSIZE, -EFAULT, -ETIMEDOUT, -EINTR, -ERESTARTSYS, or -EPERM where
 * the claim forbids it.
 */
int ke_receiver_receive_locked(struct ke_receiver *receiver,
			       struct ke_queue *queue);

bool ke_receiver_in_time(const struct ke_receiver *receiver);

/* Sleeps in the state set before; returns false if the deadline has passed. */
bool ke_receiver_sleep(struct ke_receiver *receiver);

#endif /* KE_RECEIVER_H */
