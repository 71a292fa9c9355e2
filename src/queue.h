/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_QUEUE_H
#define KE_QUEUE_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "event.h"

struct task_struct;

/* One ID: the events that wait there and the receivers that wait for one. */
struct ke_queue {
	struct rhash_head node;		/* in the broker's table; RCU */
	s32 id;
	spinlock_t lock;		/* what it covers: lock map, broker.c */

	struct list_head events;	/* by seq */
	struct rb_root_cached waiters;	/* struct ke_receiver, by ticket */
	u64 tickets;			/* given out so far */
	u32 pending;			/* length of events */
	u32 takers;			/* waiters that an event is kept for */
	u32 pins;			/* receivers that come back to it */

	bool dead;			/* out of the table: look the ID up again */
	bool listed;			/* on the broker's idle list */
	bool used;			/* since the idle list was last looked at */
	struct llist_node idle;

	struct rcu_head rcu;
};

/* A receive in progress, on the stack of the process that makes it. */
struct ke_receiver {
	struct rb_node node;		/* queue lock: in waiters */
	struct task_struct *task;
	u64 ticket;			/* its place among the waiters; 0: none */
	bool woken;			/* queue lock: it is its turn */
	bool peek;			/* leave the event where it is */
	bool waits;			/* if there is nothing for it now */
	ktime_t *deadline;		/* CLOCK_MONOTONIC; NULL: no limit */
	struct ke_sink sink;
	struct list_head taken;		/* events to free without the lock */
};

struct ke_queue *ke_queue_create(s32 id);

/* Frees a queue that nobody can find any more, and its events. */
void ke_queue_destroy(struct ke_queue *queue);

/* Frees an empty queue that readers under RCU may still look at. */
void ke_queue_destroy_rcu(struct ke_queue *queue);

/* Takes over @event, the latest of all, and wakes who waits for it. */
void ke_queue_append_locked(struct ke_queue *queue, struct ke_event *event);

/*
 * Hands the oldest event to @receiver, waiting for one if it wants that. The
 * lock may be given up in between, but not the queue: it stays alive.
 * Returns 0, -ENOMSG, -ETIMEDOUT, -EINTR, -ERESTARTSYS, -EMSGSIZE or -EFAULT.
 */
int ke_queue_receive_locked(struct ke_queue *queue,
			    struct ke_receiver *receiver);

/* Whether a receiver that comes now would find an event. */
bool ke_queue_ready_locked(const struct ke_queue *queue);

/* Whether nobody would miss the queue. */
bool ke_queue_unused_locked(const struct ke_queue *queue);

int ke_queue_init(void);
void ke_queue_exit(void);

#endif /* KE_QUEUE_H */
