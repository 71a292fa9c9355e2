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

/* All queues of one network namespace, which keeps the broker alive. */
struct ke_broker {
	struct rhashtable queues;	/* struct ke_queue by ID */
	spinlock_t ids_lock;
	struct rb_root ids;		/* ids_lock: the same, ordered by ID */
	atomic64_t seq;			/* of the latest event */
	atomic_long_t bytes;		/* charged for pending, in-flight and leased events */
	atomic_long_t events;		/* number of these */
	struct ke_timer timer;
};

/* Statistics of a queue. */
struct ke_queue_counts {
	u64 sent;
	u64 received;			/* including ke_queue.in_flight */
	u64 expired;
	u64 returned;
	u32 pending;
	u32 leased;			/* including events in flight that will be leased */
	u32 waiters;
};

/*
 * A receiver that sleeps until an event of one ID is handed to it. On its stack, and covered by
 * the queue lock.
 */
struct ke_waiter {
	struct list_head entry;		/* in ke_queue.waiters or unchecked, until done */
	struct task_struct *task;
	const struct ke_identity *identity;
	bool leases;			/* the event will be leased */
	u64 size;			/* of the buffer in bytes */
	struct ke_event *event;		/* in flight to the waiter; NULL: see err */
	int err;			/* -EMSGSIZE, -EPERM */
	u32 needed;			/* -EMSGSIZE: length of the payload */
	bool done;			/* set last: the waiter may be gone after that */
};

/* One ID: its pending events, or the receivers that wait for one. */
struct ke_queue {
	struct rhash_head node;		/* in the broker's table; RCU */
	s32 id;
	struct ke_broker *broker;
	spinlock_t lock;		/* lock map: docs/internals.md */

	struct hlist_head events;	/* pending, by seq */
	struct hlist_node *last;	/* of events; NULL: empty */
	struct rb_root_cached sorted;	/* pending, requeued or able to expire, by seq */
	struct timerqueue_head deadlines; /* ke_event.due of pending and leased events */
	struct timerqueue_node timeout;	/* ke_timer.lock: in ke_timer.timeouts */

	struct list_head waiters;	/* struct ke_waiter, the first to wait first */
	struct list_head unchecked;	/* waiters behind these, not rechecked yet */

	struct list_head armed;		/* struct ke_watch: the next event marks them ready */
	struct list_head ready;		/* the client has not found the queue empty since */
	struct list_head sleeping;	/* marked ready while watchers of the client slept */
	struct list_head denied;	/* by the claim */
	u32 wakeups;			/* watchers still to be woken */
	bool deferred;			/* the worker will continue the work of a call */

	struct ke_queue_counts counts;
	struct ke_claim claim;

	atomic_t in_flight;		/* events not to be leased; lowered without the lock */
	atomic_long_t bytes;		/* charged for all events; lowered without the lock */

	bool dead;			/* removed from the table: look up the ID again */
	bool cached;			/* in idle_queues, or just removed from there */
	struct list_head idle;		/* idle_lock: in idle_queues */
	struct rb_node by_id;		/* ke_broker.ids_lock: in ke_broker.ids */
	struct rcu_head rcu;
};

/* Returns a new queue, in no table yet; NULL: out of memory. May sleep. */
struct ke_queue *ke_queue_create(struct ke_broker *broker, s32 id);

/* Frees @queue, which not even RCU readers can reach, with its events and its claim. May sleep. */
void ke_queue_destroy(struct ke_queue *queue);

/* Frees @queue, which is empty and dead, after a grace period. */
void ke_queue_destroy_rcu(struct ke_queue *queue);

/* Replaces the deadline of @event with @when; 0 removes it. */
void ke_queue_set_due_locked(struct ke_queue *queue, struct ke_event *event,
			     ktime_t when);

/* Slow path of ke_queue_offer_locked(): there are waiters or watches. */
void __ke_queue_offer_locked(struct ke_queue *queue, unsigned int n,
			     struct ke_wake_q *wake_q);

/*
 * Hands pending events to waiters, the oldest first. If events are left, marks watches ready and
 * wakes watchers, one for each of the @n events that have become pending. @wake_q collects
 * pollers to wake; if it is NULL, a worker wakes them.
 */
static inline void ke_queue_offer_locked(struct ke_queue *queue, unsigned int n,
					 struct ke_wake_q *wake_q)
{
	lockdep_assert_held(&queue->lock);
	if (unlikely(queue->counts.waiters || !list_empty(&queue->armed) ||
		     !list_empty(&queue->sleeping)))
		__ke_queue_offer_locked(queue, n, wake_q);
}

/* Makes @event pending in the tree, with its expiry as the deadline. */
void ke_queue_insert_locked(struct ke_queue *queue, struct ke_event *event);

/* Counts @n more events of @bytes in total. */
static inline void ke_queue_add_bytes(struct ke_queue *queue, unsigned long bytes, unsigned int n)
{
	atomic_long_add(bytes, &queue->bytes);
	atomic_long_add(bytes, &queue->broker->bytes);
	atomic_long_add(n, &queue->broker->events);
}

/*
 * Makes @event, the newest of all, pending. The caller must call ke_queue_add_bytes() and
 * ke_queue_offer_locked() before it unlocks.
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

/* Returns the oldest pending event that has not expired, or NULL. */
static inline struct ke_event *ke_queue_first_locked(const struct ke_queue *queue)
{
	if (unlikely(rb_first_cached(&queue->sorted)))
		return __ke_queue_first_locked(queue);
	return hlist_entry_safe(queue->events.first, struct ke_event, entry);
}

/* ke_queue_first_locked() for a new receiver: pending events go to the waiters first. */
static __always_inline struct ke_event *ke_queue_available_locked(const struct ke_queue *queue)
{
	return likely(!queue->counts.waiters) ? ke_queue_first_locked(queue) : NULL;
}

/* Slow path of ke_queue_unlink_locked(): the event is in the tree. */
void __ke_queue_unlink_locked(struct ke_queue *queue, struct ke_event *event);

/* Removes @event, which is pending, from the list or the tree. */
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
 * Takes @event, which is pending, into flight. Its receiver settles with ke_queue_consume(), with
 * ke_lease_begin_locked() if @leases, or with ke_queue_untake_locked() if the copy failed.
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

/* Reverts ke_queue_add_bytes(). The lock is not needed. */
static inline void ke_queue_sub_bytes(struct ke_queue *queue, unsigned long bytes, unsigned int n)
{
	atomic_long_sub(bytes, &queue->bytes);
	atomic_long_sub(bytes, &queue->broker->bytes);
	atomic_long_sub(n, &queue->broker->events);
}

/*
 * Settles @n events of @bytes in total that were in flight and have been received. The caller
 * does not hold the lock. Only these events may have kept @queue, which must not be used
 * afterwards.
 */
static inline void ke_queue_consume(struct ke_queue *queue, unsigned long bytes,
				    unsigned int n)
{
	ke_queue_sub_bytes(queue, bytes, n);
	/* Accesses to the queue come before the decrement, after which it may be freed. */
	smp_mb__before_atomic();
	atomic_sub(n, &queue->in_flight);
}

/*
 * Reverts ke_queue_take_locked() with the same @leases: makes @event pending again, in its old
 * place, or moves it to @dispose if it has expired. The caller must call ke_queue_offer_locked()
 * before it unlocks.
 */
void ke_queue_untake_locked(struct ke_queue *queue, struct ke_event *event, bool leases,
			    struct hlist_head *dispose);

/*
 * Requeues @event, whose lease has ended, or moves it to @dispose if it has expired. The caller
 * must call ke_queue_offer_locked() before it unlocks.
 */
void ke_queue_requeue_locked(struct ke_queue *queue, struct ke_event *event,
			     struct hlist_head *dispose);

/* Adds @event, which is in no list or tree, to @dispose, to be freed after the unlock. */
void ke_queue_dispose_locked(struct ke_queue *queue, struct ke_event *event,
			     struct hlist_head *dispose);

/* Moves @event, which is pending and has expired, to @dispose. */
void ke_queue_expire_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *dispose);

/* Returns the event with the earliest deadline if that has passed, else NULL. */
struct ke_event *ke_queue_due_locked(struct ke_queue *queue);

/*
 * Moves pending events up to number @last to @dispose, a bounded number of them. Returns how
 * many; 0 if there are none left.
 */
u32 ke_queue_purge_locked(struct ke_queue *queue, u64 last,
			  struct hlist_head *dispose);

/* Returns whether the claim, or strict if there is none, grants @identity @access. */
static inline bool ke_queue_allows_locked(const struct ke_queue *queue,
					  const struct ke_identity *identity,
					  enum ke_access access)
{
	lockdep_assert_held(&queue->lock);
	return ke_claim_allows(&queue->claim, identity, access);
}

/* Rechecks waiters and watches after a change of the claim or of strict. */
void ke_queue_recheck_locked(struct ke_queue *queue, struct ke_wake_q *wake_q);

/* Adds @waiter behind all others, until it is done or removed. */
void ke_queue_add_waiter_locked(struct ke_queue *queue, struct ke_waiter *waiter);
void ke_queue_remove_waiter_locked(struct ke_queue *queue, struct ke_waiter *waiter);

/* Adds @watch, and marks it ready if an event is pending. */
void ke_queue_add_watch_locked(struct ke_queue *queue, struct ke_watch *watch,
			       struct ke_wake_q *wake_q);

/* Removes @watch and marks it dead. The caller frees it after a grace period. */
void ke_queue_remove_watch_locked(struct ke_queue *queue, struct ke_watch *watch);

/* Arms @watch. The caller has found no pending event, or waiters that come first. */
static inline void ke_queue_arm_watch_locked(struct ke_queue *queue,
					     struct ke_watch *watch)
{
	lockdep_assert_held(&queue->lock);
	ke_watch_clear_ready(watch);
	list_move_tail(&watch->in_queue, &queue->armed);
}

/*
 * Re-arms @watch, whose client has found no event to receive, or marks it ready if an event has
 * become pending since.
 */
void ke_queue_rearm_watch_locked(struct ke_queue *queue, struct ke_watch *watch,
				 struct ke_wake_q *wake_q);

/* Wakes another watcher instead of one that was woken and took no event of @queue. */
void ke_queue_wake_next_locked(struct ke_queue *queue);

/* Runs a bounded portion of the deferred work and defers the rest again. For the worker. */
void ke_queue_work_locked(struct ke_queue *queue);

/* Returns whether nothing keeps @queue, except perhaps the events of in_flight. */
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
