/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_QUEUE_H
#define KE_QUEUE_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/types.h>

#include "claim.h"
#include "event.h"
#include "inbox.h"
#include "payer.h"

struct ke_clock;
struct ke_reaper;

/* What the queues of one broker share. */
struct ke_realm {
	struct ke_clock *clock;
	struct ke_reaper *reaper;
	atomic_long_t bytes;		/* of events that wait or are leased */
	atomic_long_t events;
};

/* What happened to the events of a queue, and how many there are. */
struct ke_queue_counts {
	u64 sent;
	u64 received;
	u64 expired;
	u64 returned;
	u64 bytes;			/* held by those that wait or are leased */
	u32 pending;			/* that wait */
	u32 leased;
	u32 waiters;			/* receivers in the row */
};

/* One ID: the events that wait there and the receivers that wait for one. */
struct ke_queue {
	struct rhash_head node;		/* in the broker's table; RCU */
	s32 id;
	struct ke_realm *realm;
	spinlock_t lock;		/* what it covers: lock map, broker.c */

	struct hlist_head events;	/* never handed out, by seq */
	struct hlist_node *last;	/* of these; NULL: none */
	struct rb_root_cached returned;	/* handed out and back, by seq */
	struct timerqueue_head deadlines; /* ke_event.due, of waiting and leased */
	struct timerqueue_node alarm;	/* the clock's, by its lock */
	struct rb_root_cached waiters;	/* struct ke_waiter, by ticket */
	struct list_head watches;	/* struct ke_watch, of those who may receive */
	struct list_head barred;	/* the others, whom no event concerns */
	struct ke_queue_counts counts;
	struct ke_claim claim;
	struct ke_payer payer;		/* for the ID; its holders: watches, and calls */
	u64 tickets;			/* given to waiters so far */
	u32 pins;			/* processes that come back to it soon; no holders */
	u32 senders;			/* who wait here for room */

	bool asked;			/* a watching receiver owes an answer */
	bool dead;			/* out of the table: look the ID up again */
	bool listed;			/* on the broker's idle list */
	bool used;			/* since the idle list was last looked at */
	struct llist_node idle;
	struct rb_node by_id;		/* the broker's, by its lock */
	struct rcu_head rcu;
};

/* What is charged for a queue. */
extern const struct ke_charge ke_queue_charge;

/* Returns a new queue, charged to @identity; -EAGAIN, -EDQUOT or -ENOMEM. */
struct ke_queue *ke_queue_create(struct ke_realm *realm, s32 id,
				 const struct ke_identity *identity);

/* Charges the queue to @identity instead; 0, -EAGAIN or -EDQUOT. */
int ke_queue_charge_locked(struct ke_queue *queue, const struct ke_identity *identity);

/* The same for who claims it; -EDQUOT, too, if what it was charged so far is too much. */
int ke_queue_charge_claim_locked(struct ke_queue *queue,
				 const struct ke_identity *identity);

/* Charges the queue, which is idle, to one of its holders: see ke_payer_settle(). */
bool ke_queue_charge_holder_locked(struct ke_queue *queue);

/* Frees a queue that nobody can find any more, and its events. */
void ke_queue_destroy(struct ke_queue *queue);

/* Frees an empty queue that readers under RCU may still look at. */
void ke_queue_destroy_rcu(struct ke_queue *queue);

/* Tells who waits that @n events have been appended. */
void ke_queue_wake_for_new_locked(struct ke_queue *queue, unsigned int n);

/* Sets the deadline of @event to @when, whatever it was before; 0: none. */
void ke_queue_set_due_locked(struct ke_queue *queue, struct ke_event *event,
			     ktime_t when);

/* Takes over @event, the latest of all. */
static inline void ke_queue_append_locked(struct ke_queue *queue, struct ke_event *event)
{
	lockdep_assert_held(&queue->lock);
	event->queue = queue;
	event->state = KE_EVENT_WAITS;
	if (queue->last)
		hlist_add_behind(&event->entry, queue->last);
	else
		hlist_add_head(&event->entry, &queue->events);
	queue->last = &event->entry;
	queue->counts.pending++;
	queue->counts.sent++;
	queue->counts.bytes += event->bytes;
	atomic_long_add(event->bytes, &queue->realm->bytes);
	atomic_long_inc(&queue->realm->events);
	queue->used = true;
	if (unlikely(event->ttl))
		ke_queue_set_due_locked(queue, event, event->ttl);
}

/* Returns the event whose deadline has passed before that of others, or NULL. */
struct ke_event *ke_queue_due_locked(struct ke_queue *queue);

/*
 * Returns the event whose turn it is, or NULL. Events in returned were handed out
 * before those in events: they are older.
 */
static inline struct ke_event *ke_queue_first_locked(const struct ke_queue *queue)
{
	struct rb_node *node = rb_first_cached(&queue->returned);

	if (unlikely(node))
		return rb_entry(node, struct ke_event, node);
	return hlist_entry_safe(queue->events.first, struct ke_event, entry);
}

/* Takes @event, which waits, out of its place. */
static inline void ke_queue_detach_locked(struct ke_queue *queue, struct ke_event *event)
{
	struct hlist_node **before = event->entry.pprev;

	lockdep_assert_held(&queue->lock);
	queue->counts.pending--;
	if (unlikely(event->state != KE_EVENT_WAITS)) {
		rb_erase_cached(&event->node, &queue->returned);
		return;
	}
	if (queue->last == &event->entry)
		queue->last = before == &queue->events.first ? NULL :
			      container_of(before, struct hlist_node, next);
	__hlist_del(&event->entry);
}

/* Puts @event back to its place by seq, and wakes who waits for it. */
void ke_queue_return_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *ended);

/* @event is nowhere any more: it goes to @ended, to be freed without the lock. */
static inline void ke_queue_end_locked(struct ke_queue *queue, struct ke_event *event,
				       struct hlist_head *ended)
{
	lockdep_assert_held(&queue->lock);
	queue->counts.bytes -= event->bytes;
	atomic_long_sub(event->bytes, &queue->realm->bytes);
	atomic_long_dec(&queue->realm->events);
	if (unlikely(!RB_EMPTY_NODE(&event->due.node)))
		timerqueue_del(&queue->deadlines, &event->due);
	hlist_add_head(&event->entry, ended);
}

/* Ends @event, which waits, because it has been received. */
static inline void ke_queue_consume_locked(struct ke_queue *queue, struct ke_event *event,
					   struct hlist_head *ended)
{
	queue->counts.received++;
	ke_queue_detach_locked(queue, event);
	ke_queue_end_locked(queue, event, ended);
}

/* Ends @event, which waits, because its time to live is over. */
void ke_queue_expire_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *ended);

/*
 * Drops waiting events up to number @last, a few hundred at most, to @ended.
 * Returns how many; 0 when there are no more.
 */
u32 ke_queue_purge_locked(struct ke_queue *queue, u64 last,
			  struct hlist_head *ended);

/* Returns whose turn it is in the row, or NULL. */
struct ke_waiter *ke_queue_waiter_locked(const struct ke_queue *queue);

/* Tells who is next, receiver or watch, that an event waits. */
void ke_queue_wake_locked(struct ke_queue *queue);

/* The same when the claim has changed: all who wait look again. */
void ke_queue_wake_all_locked(struct ke_queue *queue);

/* Whether a receiver that comes now would find an event. */
static inline bool ke_queue_ready_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return queue->counts.pending > queue->counts.waiters;
}

/* Whether @identity may use the ID. */
static inline bool ke_queue_allows_locked(const struct ke_queue *queue,
					  const struct ke_identity *identity,
					  enum ke_access access)
{
	lockdep_assert_held(&queue->lock);
	return ke_claim_allows(&queue->claim, identity, access);
}

/* Adds @watch, and tells it if an event waits. */
void ke_queue_add_watch_locked(struct ke_queue *queue, struct ke_watch *watch);

/* @watch is dead. */
void ke_queue_end_watch_locked(struct ke_queue *queue, struct ke_watch *watch);

/* Whether anybody is to be told of an event. */
static inline bool ke_queue_is_awaited_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return !RB_EMPTY_ROOT(&queue->waiters.rb_root) || !list_empty(&queue->watches);
}

static inline bool ke_queue_is_watched_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return !list_empty(&queue->watches) || !list_empty(&queue->barred);
}

/* Whether it holds neither events nor a claim. */
static inline bool ke_queue_empty_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return !queue->counts.pending && !queue->counts.leased && !queue->claim.held;
}

/* Whether it holds nothing that somebody has put there. */
static inline bool ke_queue_vacant_locked(const struct ke_queue *queue)
{
	return ke_queue_empty_locked(queue) && !ke_queue_is_watched_locked(queue);
}

/* Whether @user has nothing to pay for the ID. */
static inline bool ke_queue_paid_locked(const struct ke_queue *queue,
					const struct ke_user *user)
{
	lockdep_assert_held(&queue->lock);
	/* Not taken from another who waits: two would take it to and fro. */
	return queue->payer.user == user || queue->senders || !ke_queue_vacant_locked(queue);
}

/* Whether nobody would miss the queue, but for its holders. */
static inline bool ke_queue_idle_locked(const struct ke_queue *queue)
{
	return ke_queue_empty_locked(queue) && !queue->pins;
}

/* Whether nobody would. */
static inline bool ke_queue_unused_locked(const struct ke_queue *queue)
{
	return ke_queue_idle_locked(queue) && !ke_payer_is_held(&queue->payer);
}

int ke_queue_init(void);
void ke_queue_exit(void);

#endif /* KE_QUEUE_H */
