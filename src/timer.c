// SPDX-License-Identifier: GPL-2.0-only
#include "timer.h"

#include <linux/jiffies.h>
#include <linux/timekeeping.h>

#include "account.h"

#define EXACT_TICKS	32	/* shorter delays are exact to a jiffy */

void ke_timer_init(struct ke_timer *timer, work_func_t work)
{
	spin_lock_init(&timer->lock);
	timerqueue_init_head(&timer->timeouts);
	timer->is_running = false;
	INIT_DELAYED_WORK(&timer->work, work);
}

void ke_timer_stop(struct ke_timer *timer)
{
	cancel_delayed_work_sync(&timer->work);
}

/*
 * Returns the delay of the worker in jiffies. The timer wheel may prolong a long delay by an
 * eighth, so the worker is woken that much early and sleeps again.
 */
static unsigned long ticks_until(ktime_t when)
{
	s64 delay = ktime_to_ns(ktime_sub(when, ktime_get()));
	u64 ticks;

	if (delay <= 0)
		return 0;
	ticks = nsecs_to_jiffies64(delay) + 1;
	if (ticks > EXACT_TICKS)
		ticks -= ticks / 8;
	return min_t(u64, ticks, MAX_JIFFY_OFFSET);
}

static void start_work(struct ke_timer *timer, ktime_t when)
{
	mod_delayed_work(ke_workqueue, &timer->work, ticks_until(when));
}

static void clear(struct ke_timer *timer, struct timerqueue_node *timeout)
{
	lockdep_assert_held(&timer->lock);
	if (!RB_EMPTY_NODE(&timeout->node))
		timerqueue_del(&timer->timeouts, timeout);
}

struct timerqueue_node *ke_timer_pop(struct ke_timer *timer)
{
	struct timerqueue_node *timeout;

	spin_lock(&timer->lock);
	timeout = timerqueue_getnext(&timer->timeouts);
	if (timeout && timeout->expires > ktime_get()) {
		start_work(timer, timeout->expires);
		timeout = NULL;
	}
	if (timeout)
		clear(timer, timeout);
	timer->is_running = timeout;
	spin_unlock(&timer->lock);
	return timeout;
}

void ke_timer_arm(struct ke_timer *timer, struct timerqueue_node *timeout,
		  ktime_t when)
{
	spin_lock(&timer->lock);
	if (RB_EMPTY_NODE(&timeout->node) || when < timeout->expires) {
		clear(timer, timeout);
		timeout->expires = when;
		if (timerqueue_add(&timer->timeouts, timeout) && !timer->is_running)
			start_work(timer, when);
	}
	spin_unlock(&timer->lock);
}

void ke_timer_cancel(struct ke_timer *timer, struct timerqueue_node *timeout)
{
	spin_lock(&timer->lock);
	clear(timer, timeout);
	spin_unlock(&timer->lock);
}
