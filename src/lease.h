/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_LEASE_H
#define KE_LEASE_H

#include <linux/ktime.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "queue.h"

struct ke_event;

/*
 * The events that one client has been handed out and not acknowledged. An event
 * is put there and taken from there under the lock of its queue and, inside it,
 * the one here.
 */
struct ke_lease_table {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct rb_root events;		/* lock: by seq */
	unsigned long count;		/* lock: of them */
};

void ke_lease_table_init(struct ke_lease_table *table);

/* Gives @event, which was taken for that, to @table until @until (0: no limit). */
void ke_lease_begin_locked(struct ke_queue *queue, struct ke_event *event,
			   struct ke_lease_table *table, ktime_t until);

/* Slow path of ke_lease_run_deadlines_locked(): the queue has deadlines. */
bool __ke_lease_run_deadlines_locked(struct ke_queue *queue, struct hlist_head *dispose);

/*
 * Disposes of expired events and requeues those whose lease has ended, up to a fixed number.
 * Returns whether more are due, which the worker will run.
 */
static inline bool ke_lease_run_deadlines_locked(struct ke_queue *queue,
						 struct hlist_head *dispose)
{
	return unlikely(timerqueue_getnext(&queue->deadlines)) &&
	       __ke_lease_run_deadlines_locked(queue, dispose);
}

/*
 * Ends the lease of number @seq, or the first of all where @seq is NULL. Returns the queue of
 * the event in @event, with the lock held; or NULL if there is none.
 */
struct ke_queue *ke_lease_end_lock(struct ke_lease_table *table, const u64 *seq,
				   struct ke_event **event);

#endif /* KE_LEASE_H */
