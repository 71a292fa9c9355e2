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
	bool is_running;		/* lock: the worker is to call ke_timer_pop() again */
	struct delayed_work work;
};

/*
 * Within some milliseconds after an alarm was due @work is called, which is to
 * call ke_timer_pop() until that returns NULL.
 */
void ke_timer_init(struct ke_timer *timer, work_func_t work);

/* Waits for the worker and stops it. Nothing is set any more. */
void ke_timer_stop(struct ke_timer *timer);

/*
 * Returns the next alarm that is due, which is then not set any more, or NULL
 * and has the worker come back for the one after.
 */
struct timerqueue_node *ke_timer_pop(struct ke_timer *timer);

/* Has @timeout go off at @when, CLOCK_MONOTONIC, if it would not do so earlier. */
void ke_timer_arm(struct ke_timer *timer, struct timerqueue_node *timeout,
		  ktime_t when);

/* Takes @timeout off, if it is set. */
void ke_timer_cancel(struct ke_timer *timer, struct timerqueue_node *timeout);

#endif /* KE_TIMER_H */
