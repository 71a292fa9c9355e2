/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLOCK_H
#define KE_CLOCK_H

#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>

/*
 * When the queues of one broker have something to do. Each has an alarm there,
 * which may go off too early but not too late.
 */
struct ke_clock {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct timerqueue_head alarms;	/* lock */
	bool is_running;		/* lock: the worker is to call ke_clock_next() again */
	struct delayed_work work;
};

/*
 * Within some milliseconds after an alarm was due @work is called, which is to
 * call ke_clock_next() until that returns NULL.
 */
void ke_clock_init(struct ke_clock *clock, work_func_t work);

/* Waits for the worker and stops it. Nothing is set any more. */
void ke_clock_stop(struct ke_clock *clock);

/*
 * Returns the next alarm that is due, which is then not set any more, or NULL
 * and has the worker come back for the one after.
 */
struct timerqueue_node *ke_clock_next(struct ke_clock *clock);

/* Has @alarm go off at @when, CLOCK_MONOTONIC, if it would not do so earlier. */
void ke_clock_set(struct ke_clock *clock, struct timerqueue_node *alarm,
		  ktime_t when);

/* Takes @alarm off, if it is set. */
void ke_clock_clear(struct ke_clock *clock, struct timerqueue_node *alarm);

#endif /* KE_CLOCK_H */
