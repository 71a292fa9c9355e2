// SPDX-License-Identifier: GPL-2.0-only
#include "lease.h"

#include <linux/sched.h>

#include "compat.h"
#include "event.h"
#include "trace.h"

#define DUE_MAX	8	/* deadlines run per hold of the lock */

void ke_lease_table_init(struct ke_lease_table *table)
{
	spin_lock_init(&table->lock);
	table->events = RB_ROOT;
	table->count = 0;
}

static bool comes_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ke_event, node)->seq <
	       rb_entry(b, struct ke_event, node)->seq;
}

static int compare_seq(const void *seq, const struct rb_node *node)
{
	u64 wanted = *(const u64 *)seq;
	u64 found = rb_entry(node, struct ke_event, node)->seq;

	return wanted < found ? -1 : wanted > found;
}

void ke_lease_begin_locked(struct ke_queue *queue, struct ke_event *event,
			   struct ke_lease_table *table, ktime_t until)
{
	lockdep_assert_held(&queue->lock);
	event->state = KE_EVENT_LEASED;
	event->holder = table;
	spin_lock(&table->lock);
	rb_add(&event->node, &table->events, comes_before);
	table->count++;
	spin_unlock(&table->lock);
	if (until)
		ke_queue_set_due_locked(queue, event, until);
	trace_kevents_lease(event);
}

/* Leaves the deadline of @event to the caller, which disposes of the event or requeues it. */
static void end(struct ke_queue *queue, struct ke_event *event)
{
	struct ke_lease_table *table = event->holder;

	lockdep_assert_held(&queue->lock);
	lockdep_assert_held(&table->lock);
	rb_erase(&event->node, &table->events);
	table->count--;
	event->holder = NULL;
	queue->counts.leased--;
}

/* Expires @event, or ends its lease and requeues it. Returns whether it was leased. */
static bool run(struct ke_queue *queue, struct ke_event *event, struct hlist_head *dispose)
{
	struct ke_lease_table *table;

	if (event->state != KE_EVENT_LEASED) {
		ke_queue_expire_locked(queue, event, dispose);
		return false;
	}
	table = event->holder;
	spin_lock(&table->lock);
	end(queue, event);
	spin_unlock(&table->lock);
	ke_queue_requeue_locked(queue, event, dispose);
	return true;
}

bool __ke_lease_run_deadlines_locked(struct ke_queue *queue, struct hlist_head *dispose)
{
	unsigned int left = DUE_MAX, returned = 0;
	struct ke_event *event;

	while (left && (event = ke_queue_due_locked(queue))) {
		returned += run(queue, event, dispose);
		left--;
	}
	if (returned)
		ke_queue_offer_locked(queue, returned, NULL);
	return !left;
}

static struct ke_event *find(struct ke_lease_table *table, const u64 *seq)
{
	struct rb_node *node;

	lockdep_assert_held(&table->lock);
	if (seq)
		node = rb_find(seq, &table->events, compare_seq);
	else
		node = rb_first(&table->events);
	return node ? rb_entry(node, struct ke_event, node) : NULL;
}

struct ke_queue *ke_lease_end_lock(struct ke_lease_table *table, const u64 *seq,
				   struct ke_event **event)
{
	struct ke_queue *queue;
	bool same;

	for (;;) {
		rcu_read_lock();
		spin_lock(&table->lock);
		*event = find(table, seq);
		queue = *event ? (*event)->queue : NULL;
		spin_unlock(&table->lock);
		if (!queue) {
			rcu_read_unlock();
			return NULL;
		}
		/* The queue lock comes first, so find the event again. RCU keeps the queue. */
		spin_lock(&queue->lock);
		spin_lock(&table->lock);
		same = find(table, seq) == *event && (*event)->queue == queue;
		if (likely(same))
			end(queue, *event);
		spin_unlock(&table->lock);
		if (same) {
			rcu_read_unlock();
			__release(&queue->lock);
			return queue;
		}
		spin_unlock(&queue->lock);
		rcu_read_unlock();
	}
}
