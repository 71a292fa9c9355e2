// SPDX-License-Identifier: GPL-2.0-only
#include "lease.h"

#include <linux/sched.h>

#include "compat.h"
#include "event.h"
#include "trace.h"

#define DUE_MAX	8	/* deadlines that are run without letting go of the lock */

void ke_lessee_init(struct ke_lessee *lessee)
{
	spin_lock_init(&lessee->lock);
	lessee->events = RB_ROOT;
	lessee->count = 0;
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
			   struct ke_lessee *lessee, ktime_t until)
{
	lockdep_assert_held(&queue->lock);
	event->state = KE_EVENT_LEASED;
	event->lessee = lessee;
	spin_lock(&lessee->lock);
	rb_add(&event->node, &lessee->events, comes_before);
	lessee->count++;
	spin_unlock(&lessee->lock);
	if (until)
		ke_queue_set_due_locked(queue, event, until);
	trace_kevents_lease(event);
}

/* Ends the lease of @event, for which the lock of its lessee is held, too. */
static void end(struct ke_queue *queue, struct ke_event *event)
{
	struct ke_lessee *lessee = event->lessee;

	lockdep_assert_held(&queue->lock);
	lockdep_assert_held(&lessee->lock);
	rb_erase(&event->node, &lessee->events);
	lessee->count--;
	event->lessee = NULL;
	queue->counts.leased--;
}

/* Runs the deadline of @event; returns whether it has been returned. */
static bool run(struct ke_queue *queue, struct ke_event *event, struct hlist_head *ended)
{
	struct ke_lessee *lessee;

	if (event->state != KE_EVENT_LEASED) {
		ke_queue_expire_locked(queue, event, ended);
		return false;
	}
	lessee = event->lessee;
	spin_lock(&lessee->lock);
	end(queue, event);
	spin_unlock(&lessee->lock);
	ke_queue_return_locked(queue, event, ended);
	return true;
}

bool ke_lease_run_due_locked(struct ke_queue *queue, struct hlist_head *ended)
{
	unsigned int left = DUE_MAX, returned = 0;
	struct ke_event *event;

	while (left && (event = ke_queue_due_locked(queue))) {
		returned += run(queue, event, ended);
		left--;
	}
	if (returned)
		ke_queue_offer_locked(queue, returned, NULL);
	return !left;
}

static struct ke_event *find(struct ke_lessee *lessee, const u64 *seq)
{
	struct rb_node *node;

	lockdep_assert_held(&lessee->lock);
	if (seq)
		node = rb_find(seq, &lessee->events, compare_seq);
	else
		node = rb_first(&lessee->events);
	return node ? rb_entry(node, struct ke_event, node) : NULL;
}

struct ke_queue *ke_lease_end_locked(struct ke_lessee *lessee, const u64 *seq,
				     struct ke_event **event)
{
	struct ke_queue *queue;
	bool same;

	for (;;) {
		rcu_read_lock();
		spin_lock(&lessee->lock);
		*event = find(lessee, seq);
		queue = *event ? (*event)->queue : NULL;
		spin_unlock(&lessee->lock);
		if (!queue) {
			rcu_read_unlock();
			return NULL;
		}
		/* The order of locks is the other one: look again. */
		spin_lock(&queue->lock);
		spin_lock(&lessee->lock);
		same = find(lessee, seq) == *event && (*event)->queue == queue;
		if (likely(same))
			end(queue, *event);
		spin_unlock(&lessee->lock);
		if (same) {
			rcu_read_unlock();
			__release(&queue->lock);
			return queue;
		}
		spin_unlock(&queue->lock);
		rcu_read_unlock();
	}
}
