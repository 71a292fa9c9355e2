/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLOCK_H
#define KE_CLOCK_H

#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>

struct ke_event;
struct ke_queue;

/* When an event has to leave the place where it is. */
struct ke_deadline {
	struct timerqueue_node node;	/* clock lock */
	bool armed;			/* clock lock: node is queued */
	struct ke_event *event;		/* queue lock: NULL once that has ended */
	struct ke_queue *queue;
	ktime_t ttl;			/* when the event expires; 0: never */
	struct rcu_head rcu;
};

/* The deadlines of one broker. */
struct ke_clock {
	spinlock_t lock;		/* lock map: broker.c */
	struct timerqueue_head due;	/* lock */
	struct delayed_work work;
};

/*
 * Within some milliseconds after a deadline has passed @work is called, which
 * is to take all from ke_clock_next().
 */
void ke_clock_init(struct ke_clock *clock, work_func_t work);

/* Waits for the worker and stops it. Nothing is set any more. */
void ke_clock_stop(struct ke_clock *clock);

/*
 * Returns the next deadline that has passed, not armed any more, or NULL. RCU
 * keeps it and its queue in memory.
 */
struct ke_deadline *ke_clock_next(struct ke_clock *clock);

/* Returns a new deadline, or NULL without memory; its event is charged for it. */
struct ke_deadline *ke_deadline_create(void);

/* Frees one that has not been set. */
void ke_deadline_free(struct ke_deadline *deadline);

/* Sets @deadline to @when, CLOCK_MONOTONIC, whatever it was before; 0: never. */
void ke_clock_set(struct ke_clock *clock, struct ke_deadline *deadline,
		  ktime_t when);

/* Ends @deadline, which the worker may still look at. */
void ke_clock_end(struct ke_clock *clock, struct ke_deadline *deadline);

#endif /* KE_CLOCK_H */
