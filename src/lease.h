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
 * The leased events of one client. An event is inserted and removed with the lock of its queue
 * held and the lock of the table nested inside it, so either lock keeps the event here.
 */
struct ke_lease_table {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct rb_root events;		/* lock: struct ke_event by seq */
	unsigned long count;		/* lock: number of events */
};

void ke_lease_table_init(struct ke_lease_table *table);

/* Leases @event, which was taken for a lease, until @until (CLOCK_MONOTONIC; 0: no limit). */
void ke_lease_begin_locked(struct ke_queue *queue, struct ke_event *event,
			   struct ke_lease_table *table, ktime_t until);

/* Slow path of ke_lease_run_deadlines_locked(): the queue has deadlines. */
bool __ke_lease_run_deadlines_locked(struct ke_queue *queue, struct hlist_head *dispose);

/*
 * Runs the deadlines that have passed, up to a fixed number: moves expired events to @dispose,
 * and requeues and offers events whose lease has timed out. Returns whether more may be due,
 * which are left to the worker.
 */
static inline bool ke_lease_run_deadlines_locked(struct ke_queue *queue,
						 struct hlist_head *dispose)
{
	return unlikely(timerqueue_getnext(&queue->deadlines)) &&
	       __ke_lease_run_deadlines_locked(queue, dispose);
}

/*
 * Ends the lease of event number @seq, or of the oldest event if @seq is NULL. Sets @event, and
 * returns its queue with the lock held, or NULL if there is no such lease. The caller disposes of
 * the event or requeues it.
 */
struct ke_queue *ke_lease_end_lock(struct ke_lease_table *table, const u64 *seq,
				   struct ke_event **event);

#endif /* KE_LEASE_H */
