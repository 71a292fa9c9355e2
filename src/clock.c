// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "quota.h"

static void start_work(struct ke_clock *clock, ktime_t when)
{
	s64 delay = ktime_to_ns(ktime_sub(when, ktime_get()));

	mod_delayed_work(ke_workqueue, &clock->work,
			 delay > 0 ? nsecs_to_jiffies(delay) + 1 : 0);
}

/* Returns the first deadline if it has passed, or has the worker wait for it. */
static struct ke_deadline *take_due(struct ke_clock *clock)
{
	struct timerqueue_node *node = timerqueue_getnext(&clock->due);
	struct ke_deadline *deadline;

	lockdep_assert_held(&clock->lock);
	if (!node)
		return NULL;
	if (node->expires > ktime_get()) {
		start_work(clock, node->expires);
		return NULL;
	}
	deadline = container_of(node, struct ke_deadline, node);
	timerqueue_del(&clock->due, node);
	deadline->armed = false;
	return deadline;
}

struct ke_deadline *ke_clock_next(struct ke_clock *clock)
{
	struct ke_deadline *deadline;

	spin_lock(&clock->lock);
	deadline = take_due(clock);
	spin_unlock(&clock->lock);
	return deadline;
}

void ke_clock_init(struct ke_clock *clock, work_func_t work)
{
	spin_lock_init(&clock->lock);
	timerqueue_init_head(&clock->due);
	INIT_DELAYED_WORK(&clock->work, work);
}

void ke_clock_stop(struct ke_clock *clock)
{
	cancel_delayed_work_sync(&clock->work);
}

struct ke_deadline *ke_deadline_create(void)
{
	struct ke_deadline *deadline;

	deadline = kzalloc(sizeof(*deadline), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (deadline)
		timerqueue_init(&deadline->node);
	return deadline;
}

void ke_deadline_free(struct ke_deadline *deadline)
{
	if (deadline)
		kfree_rcu(deadline, rcu);
}

static void disarm(struct ke_clock *clock, struct ke_deadline *deadline)
{
	lockdep_assert_held(&clock->lock);
	if (deadline->armed)
		timerqueue_del(&clock->due, &deadline->node);
	deadline->armed = false;
}

void ke_clock_set(struct ke_clock *clock, struct ke_deadline *deadline,
		  ktime_t when)
{
	spin_lock(&clock->lock);
	disarm(clock, deadline);
	deadline->node.expires = when ?: KTIME_MAX;
	if (when) {
		deadline->armed = true;
		if (timerqueue_add(&clock->due, &deadline->node))
			start_work(clock, when);
	}
	spin_unlock(&clock->lock);
}

void ke_clock_end(struct ke_clock *clock, struct ke_deadline *deadline)
{
	spin_lock(&clock->lock);
	disarm(clock, deadline);
	spin_unlock(&clock->lock);
	ke_deadline_free(deadline);
}
