/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_TIMER_H
#define KE_TIMER_H

#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>

/*
 * When the queues of one broker have something to do. Each has an alarm there,
 * which may go off too early but not too late.
 */
struct ke_timer {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct timerqueue_head timeouts;	/* lock */
	bool is_running;		/* lock: the worker will call ke_timer_pop() again */
	struct delayed_work work;
};

/*
 * @work runs within some milliseconds after a timeout is due. It calls ke_timer_pop() until
 * that returns NULL.
 */
void ke_timer_init(struct ke_timer *timer, work_func_t work);

/* Waits for the worker and stops it. No timeout is armed any more. */
void ke_timer_stop(struct ke_timer *timer);

/*
 * Removes and returns the next timeout that is due. Returns NULL if there is none, after
 * scheduling the worker for the earliest one.
 */
struct timerqueue_node *ke_timer_pop(struct ke_timer *timer);

/* Arms @timeout for @when, CLOCK_MONOTONIC, unless it is armed for an earlier time. */
void ke_timer_arm(struct ke_timer *timer, struct timerqueue_node *timeout,
		  ktime_t when);

/* Disarms @timeout. */
void ke_timer_cancel(struct ke_timer *timer, struct timerqueue_node *timeout);

#endif /* KE_TIMER_H */
