// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include <linux/jiffies.h>
#include <linux/timekeeping.h>

#include "account.h"

#define EXACT_TICKS	32	/* a timer is exact that far ahead */

void ke_clock_init(struct ke_clock *clock, work_func_t work)
{
	spin_lock_init(&clock->lock);
	timerqueue_init_head(&clock->alarms);
	clock->is_running = false;
	INIT_DELAYED_WORK(&clock->work, work);
}

void ke_clock_stop(struct ke_clock *clock)
{
	cancel_delayed_work_sync(&clock->work);
}

/*
 * Returns how long to sleep. A timer that is further ahead may be late by more than an
 * eighth of that: so it is to wake the worker that much too early, which then sleeps
 * again.
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

static void start_work(struct ke_clock *clock, ktime_t when)
{
	mod_delayed_work(ke_workqueue, &clock->work, ticks_until(when));
}

static void clear(struct ke_clock *clock, struct timerqueue_node *alarm)
{
	lockdep_assert_held(&clock->lock);
	if (!RB_EMPTY_NODE(&alarm->node))
		timerqueue_del(&clock->alarms, alarm);
}

struct timerqueue_node *ke_clock_next(struct ke_clock *clock)
{
	struct timerqueue_node *alarm;

	spin_lock(&clock->lock);
	alarm = timerqueue_getnext(&clock->alarms);
	if (alarm && alarm->expires > ktime_get()) {
		start_work(clock, alarm->expires);
		alarm = NULL;
	}
	if (alarm)
		clear(clock, alarm);
	clock->is_running = alarm;
	spin_unlock(&clock->lock);
	return alarm;
}

void ke_clock_set(struct ke_clock *clock, struct timerqueue_node *alarm,
		  ktime_t when)
{
	spin_lock(&clock->lock);
	if (RB_EMPTY_NODE(&alarm->node) || when < alarm->expires) {
		clear(clock, alarm);
		alarm->expires = when;
		if (timerqueue_add(&clock->alarms, alarm) && !clock->is_running)
			start_work(clock, when);
	}
	spin_unlock(&clock->lock);
}

void ke_clock_clear(struct ke_clock *clock, struct timerqueue_node *alarm)
{
	spin_lock(&clock->lock);
	clear(clock, alarm);
	spin_unlock(&clock->lock);
}
