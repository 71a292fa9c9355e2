/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_QUEUE_H
#define KE_QUEUE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/types.h>

#include "claim.h"
#include "event.h"
#include "timer.h"
#include "watch.h"

struct task_struct;

/* All queues of one network namespace; lives as long as that. */
struct ke_broker {
	struct rhashtable queues;	/* struct ke_queue by ID */
	spinlock_t ids_lock;
	struct rb_root ids;		/* the same, in order; ids_lock */
	atomic64_t seq;			/* of the latest event */
	atomic_long_t bytes;		/* of events that wait, are in flight or leased */
	atomic_long_t events;
	struct ke_timer timer;
};

/* Statistics of a queue. */
struct ke_queue_counts {
	u64 sent;
	u64 received;			/* those in flight included */
	u64 expired;
	u64 returned;
	u32 pending;			/* that wait */
	u32 leased;			/* those included that are on their way into a lease */
	u32 waiters;
};

/* A receiver that waits for one ID, on its stack; the lock of that queue. */
struct ke_waiter {
	struct list_head entry;		/* in waiters or unchecked, until done */
	struct task_struct *task;
	const struct ke_identity *identity;
	bool leases;			/* what it gets */
	u64 size;			/* of its buffer in bytes */
	struct ke_event *event;		/* handed over; NULL: none, because of err */
	int err;			/* -EMSGSIZE, -EPERM */
	u32 needed;			/* -EMSGSIZE: length of the payload */
	bool done;			/* set last; then nobody else looks at it */
};

/* One ID: the events that wait there, or the receivers that wait for one. */
struct ke_queue {
	struct rhash_head node;		/* in the broker's table; RCU */
	s32 id;
	struct ke_broker *broker;
	spinlock_t lock;		/* what it covers: docs/internals.md */

	struct hlist_head events;	/* by seq */
	struct hlist_node *last;	/* of these; NULL: none */
	struct rb_root_cached sorted;	/* that came back, or may expire, by seq */
	struct timerqueue_head deadlines; /* ke_event.due, of waiting and leased */
	struct timerqueue_node timeout;	/* the clock's, by its lock */

	struct list_head waiters;	/* struct ke_waiter, first come first */
	struct list_head unchecked;	/* those behind them that the claim may deny */

	struct list_head armed;		/* struct ke_watch, to be marked ready by an event */
	struct list_head ready;		/* marked; the client has not found the queue empty yet */
	struct list_head sleeping;	/* marked while watchers of the client slept */
	struct list_head denied;	/* that the claim denied */
	u32 wakeups;			/* watchers still to be woken */
	bool deferred;			/* the worker continues what a call has begun */

	struct ke_queue_counts counts;
	struct ke_claim claim;

	atomic_t in_flight;		/* events being received; lowered without the lock */
	atomic_long_t bytes;		/* held by all events; likewise */

	bool dead;			/* out of the table: look the ID up again */
	bool cached;			/* among the idle queues, or on its way out of them */
	struct list_head idle;		/* broker.c: there */
	struct rb_node by_id;		/* the broker's, by its lock */
	struct rcu_head rcu;
};

/* Returns a new queue, or NULL. */
struct ke_queue *ke_queue_create(struct ke_broker *broker, s32 id);

/* Frees a queue that nobody can find any more, and its events. */
void ke_queue_destroy(struct ke_queue *queue);

/* Frees an empty queue that readers under RCU may still look at. */
void ke_queue_destroy_rcu(struct ke_queue *queue);

/* Sets the deadline of @event to @when, whatever it was before; 0: none. */
void ke_queue_set_due_locked(struct ke_queue *queue, struct ke_event *event,
			     ktime_t when);

/* Slow path of ke_queue_offer_locked(): there are waiters or watches. */
void __ke_queue_offer_locked(struct ke_queue *queue, unsigned int n,
			     struct ke_wake_q *wake_q);

/*
 * Hands @n events that have come into their places to receivers that wait, in order, and
 * tells watches of what is left. @wake_q may be NULL.
 */
static inline void ke_queue_offer_locked(struct ke_queue *queue, unsigned int n,
					 struct ke_wake_q *wake_q)
{
	lockdep_assert_held(&queue->lock);
	if (unlikely(queue->counts.waiters || !list_empty(&queue->armed) ||
		     !list_empty(&queue->sleeping)))
		__ke_queue_offer_locked(queue, n, wake_q);
}

/* Adds @event to those that are sorted. */
void ke_queue_insert_locked(struct ke_queue *queue, struct ke_event *event);

/* @queue holds @n events of @bytes more. */
static inline void ke_queue_add_bytes(struct ke_queue *queue, unsigned long bytes, unsigned int n)
{
	atomic_long_add(bytes, &queue->bytes);
	atomic_long_add(bytes, &queue->broker->bytes);
	atomic_long_add(n, &queue->broker->events);
}

/*
 * Adds @event, the latest of all, without holding it yet: ke_queue_add_bytes() and
 * ke_queue_offer_locked() follow.
 */
static inline void ke_queue_append_locked(struct ke_queue *queue, struct ke_event *event)
{
	lockdep_assert_held(&queue->lock);
	event->queue = queue;
	queue->counts.sent++;
	if (unlikely(event->ttl)) {
		ke_queue_insert_locked(queue, event);
		return;
	}
	event->state = KE_EVENT_WAITS;
	if (queue->last)
		hlist_add_behind(&event->entry, queue->last);
	else
		hlist_add_head(&event->entry, &queue->events);
	queue->last = &event->entry;
	queue->counts.pending++;
}

/* Slow path of ke_queue_first_locked(): the tree is not empty. */
struct ke_event *__ke_queue_first_locked(const struct ke_queue *queue);

/* Returns the event whose turn it is, or NULL. What has expired is none. */
static inline struct ke_event *ke_queue_first_locked(const struct ke_queue *queue)
{
	if (unlikely(rb_first_cached(&queue->sorted)))
		return __ke_queue_first_locked(queue);
	return hlist_entry_safe(queue->events.first, struct ke_event, entry);
}

/* Returns the event that a newcomer may have: none while others wait, for whom they are. */
static __always_inline struct ke_event *ke_queue_available_locked(const struct ke_queue *queue)
{
	return likely(!queue->counts.waiters) ? ke_queue_first_locked(queue) : NULL;
}

/* Slow path of ke_queue_unlink_locked(): the event is in the tree. */
void __ke_queue_unlink_locked(struct ke_queue *queue, struct ke_event *event);

/* Takes @event, which waits, out of its place. */
static inline void ke_queue_unlink_locked(struct ke_queue *queue, struct ke_event *event)
{
	struct hlist_node **before = event->entry.pprev;

	lockdep_assert_held(&queue->lock);
	queue->counts.pending--;
	if (unlikely(event->state == KE_EVENT_SORTED)) {
		__ke_queue_unlink_locked(queue, event);
		return;
	}
	if (queue->last == &event->entry)
		queue->last = before == &queue->events.first ? NULL :
			      container_of(before, struct hlist_node, next);
	__hlist_del(&event->entry);
}

/*
 * Takes @event, which waits, for a receiver: into flight, or if @leases on the way into a
 * lease. The receiver ends that by ke_queue_consume(), ke_lease_begin_locked() or
 * ke_queue_untake_locked().
 */
static inline void ke_queue_take_locked(struct ke_queue *queue, struct ke_event *event,
					bool leases)
{
	ke_queue_unlink_locked(queue, event);
	event->state = KE_EVENT_IN_FLIGHT;
	if (leases) {
		queue->counts.leased++;
	} else {
		queue->counts.received++;
		atomic_inc(&queue->in_flight);
	}
}

/* @n events of @bytes are held by @queue no more. */
static inline void ke_queue_sub_bytes(struct ke_queue *queue, unsigned long bytes, unsigned int n)
{
	atomic_long_sub(bytes, &queue->bytes);
	atomic_long_sub(bytes, &queue->broker->bytes);
	atomic_long_sub(n, &queue->broker->events);
}

/*
 * @n events of @bytes, which were in flight, have been received. The caller does not have
 * the lock, and no right to look at @queue any more.
 */
static inline void ke_queue_consume(struct ke_queue *queue, unsigned long bytes,
				    unsigned int n)
{
	ke_queue_sub_bytes(queue, bytes, n);
	/* The queue may be gone once this is seen. */
	smp_mb__before_atomic();
	atomic_sub(n, &queue->in_flight);
}

/*
 * @event, which was taken, goes back to its place, as if it had not been taken.
 * ke_queue_offer_locked() follows.
 */
void ke_queue_untake_locked(struct ke_queue *queue, struct ke_event *event, bool leases,
			    struct hlist_head *dispose);

/* The same for @event, which was leased. */
void ke_queue_requeue_locked(struct ke_queue *queue, struct ke_event *event,
			     struct hlist_head *dispose);

/* Moves @event, which is in no list, to @dispose, to be freed without the lock. */
void ke_queue_dispose_locked(struct ke_queue *queue, struct ke_event *event,
			     struct hlist_head *dispose);

/* Ends @event, which waits, because its time to live is over. */
void ke_queue_expire_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *dispose);

/* Returns the event whose deadline has passed before that of others, or NULL. */
struct ke_event *ke_queue_due_locked(struct ke_queue *queue);

/*
 * Drops waiting events up to number @last, some at most, to @dispose.
 * Returns how many; 0 when there are no more.
 */
u32 ke_queue_purge_locked(struct ke_queue *queue, u64 last,
			  struct hlist_head *dispose);

/* Whether @identity may use the ID. */
static inline bool ke_queue_allows_locked(const struct ke_queue *queue,
					  const struct ke_identity *identity,
					  enum ke_access access)
{
	lockdep_assert_held(&queue->lock);
	return ke_claim_allows(&queue->claim, identity, access);
}

/* Rechecks waiters and watches after the claim, or strict, has changed. */
void ke_queue_recheck_locked(struct ke_queue *queue, struct ke_wake_q *wake_q);

/* Adds @waiter to the end of the line. */
void ke_queue_add_waiter_locked(struct ke_queue *queue, struct ke_waiter *waiter);
void ke_queue_remove_waiter_locked(struct ke_queue *queue, struct ke_waiter *waiter);

/* Adds @watch, and marks it ready if an event waits. */
void ke_queue_add_watch_locked(struct ke_queue *queue, struct ke_watch *watch,
			       struct ke_wake_q *wake_q);

/* @watch is dead. */
void ke_queue_remove_watch_locked(struct ke_queue *queue, struct ke_watch *watch);

/* Arms @watch, whose client has taken the last event. */
static inline void ke_queue_arm_watch_locked(struct ke_queue *queue,
					     struct ke_watch *watch)
{
	lockdep_assert_held(&queue->lock);
	ke_watch_clear_ready(watch);
	list_move_tail(&watch->in_queue, &queue->armed);
}

/*
 * Arms @watch, whose client has found nothing that it may receive, or marks it ready at once
 * if an event has come meanwhile.
 */
void ke_queue_rearm_watch_locked(struct ke_queue *queue, struct ke_watch *watch,
				 struct ke_wake_q *wake_q);

/* Wakes another watcher in place of one that was woken and has not taken the event. */
void ke_queue_wake_next_locked(struct ke_queue *queue);

/* Runs a bounded portion of the deferred work and defers the rest again. */
void ke_queue_work_locked(struct ke_queue *queue);

/*
 * Whether nothing keeps the queue but events in flight. Pending and leased events, watches,
 * claims and waiters keep it.
 */
static inline bool ke_queue_is_idle_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return !queue->counts.pending && list_empty(&queue->armed) && !queue->counts.leased &&
	       !queue->claim.held && !queue->counts.waiters &&
	       list_empty(&queue->ready) && list_empty(&queue->sleeping) &&
	       list_empty(&queue->denied);
}

int ke_queue_init(void);
void ke_queue_exit(void);

#endif /* KE_QUEUE_H */
