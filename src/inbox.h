/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_INBOX_H
#define KE_INBOX_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "payer.h"

struct ke_identity;
struct ke_queue;
struct task_struct;

/* A receiver that waits, in a queue's row or in an inbox's. */
struct ke_waiter {
	union {
		struct rb_node node;	/* in a queue's row, by ticket */
		struct list_head entry;	/* in an inbox's row */
	};
	struct task_struct *task;
	u64 ticket;			/* its place in the row; 0: it has none */
	bool woken;			/* it runs, and need not be woken */
	struct ke_queue *waker;		/* in an inbox: pinned; who sleeps gets it */
};

/*
 * What a client is told of the IDs it watches. The lock lies inside that of a
 * queue.
 */
struct ke_inbox {
	spinlock_t lock;		/* lock map: broker.c */
	struct list_head ready;		/* lock: ke_watch, may have an event */
	struct list_head row;		/* lock: ke_waiter, first come first */
	wait_queue_head_t wait;		/* poll, epoll; for room to send, too */
};

/* That a client wants to know of an ID. Freed after a grace period. */
struct ke_watch {
	struct list_head in_queue;	/* queue lock: in its watches, or barred */
	bool dead;			/* queue lock: the client is done with it */
	struct list_head in_ready;	/* inbox lock: in ready, or empty */
	struct ke_inbox *inbox;
	struct ke_queue *queue;		/* alive until dead */
	struct rb_node node;		/* in ke_client.watches */
	const struct ke_identity *identity;	/* its client's */
	struct ke_holder holder;	/* of its queue */
	struct rcu_head rcu;
};

void ke_inbox_init(struct ke_inbox *inbox);

/*
 * Tells the inbox of @watch that its queue may have an event. @fresh: it has
 * just come. Where @waker is not NULL and somebody waits there who has not been
 * woken, it is woken to take the event, and has to answer to @waker; returns
 * whether there was one.
 */
bool ke_inbox_notify(struct ke_watch *watch, bool fresh,
		     struct ke_queue *waker);

/* @watch is not ready any more. */
void ke_inbox_forget(struct ke_watch *watch);

/* @watch has had its turn; the others that are ready come first now. */
void ke_inbox_rotate(struct ke_watch *watch);

/* Whether somebody polls it. */
static inline bool ke_inbox_is_polled(struct ke_inbox *inbox)
{
	return wq_has_sleeper(&inbox->wait);
}

/* Whether more than one watch is ready; by the time it is read it may not be. */
static inline bool ke_inbox_has_others(const struct ke_inbox *inbox)
{
	return READ_ONCE(inbox->ready.next) != READ_ONCE(inbox->ready.prev);
}

/* Returns the watch whose turn it is, or NULL. It may be dead; RCU keeps it. */
struct ke_watch *ke_inbox_first(struct ke_inbox *inbox);

/* Whether it is the turn of @waiter, which stands in the row. */
bool ke_inbox_is_first(struct ke_inbox *inbox, const struct ke_waiter *waiter);

/* Enters the row, behind the others or @in_front of them. */
void ke_inbox_enter(struct ke_inbox *inbox, struct ke_waiter *waiter,
		    bool in_front);

/* Leaves the row; who is first now is woken if anything is ready. */
void ke_inbox_leave(struct ke_inbox *inbox, struct ke_waiter *waiter);

/*
 * Gets the calling process ready to sleep in TASK_INTERRUPTIBLE; returns false
 * if @waiter has its turn and something is ready.
 */
bool ke_inbox_may_sleep(struct ke_inbox *inbox, struct ke_waiter *waiter);

/* Returns the queue that @waiter has to answer to, once. */
struct ke_queue *ke_inbox_waker(struct ke_inbox *inbox,
				struct ke_waiter *waiter);

#endif /* KE_INBOX_H */
