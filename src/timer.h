/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_TIMER_H
#define KE_TIMER_H

#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>

/*
 * The timeouts of the queues of one broker. A timeout may be due earlier than its
 * queue has work, but never later.
 */
struct ke_timer {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct timerqueue_head timeouts;	/* lock */
	bool is_running;		/* lock: the worker will call ke_timer_pop() again */
	struct delayed_work work;
};

/*
 * Initialises @timer. @work runs within some milliseconds after a timeout is due, and has to
 * call ke_timer_pop() until that returns NULL.
 */
void ke_timer_init(struct ke_timer *timer, work_func_t work);

/* Cancels the worker and waits for it. No call arms a timeout any more. May sleep. */
void ke_timer_stop(struct ke_timer *timer);

/*
 * Removes and returns the next timeout that is due. Returns NULL if there is none, after
 * scheduling the worker for the earliest one.
 */
struct timerqueue_node *ke_timer_pop(struct ke_timer *timer);

/* Arms @timeout for @when (CLOCK_MONOTONIC) unless it is armed for an earlier time. */
void ke_timer_arm(struct ke_timer *timer, struct timerqueue_node *timeout,
		  ktime_t when);

/* Disarms @timeout if it is armed. */
void ke_timer_cancel(struct ke_timer *timer, struct timerqueue_node *timeout);

#endif /* KE_TIMER_H */
