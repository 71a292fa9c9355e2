/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_POLLER_H
#define KE_POLLER_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

/* Open files that are polled and are to be told of something, once. */
struct ke_pollers {
	spinlock_t lock;		/* lock map: broker.c */
	struct list_head list;		/* lock: ke_poller */
};

/* One of them: where who polls it waits. */
struct ke_poller {
	wait_queue_head_t *wait;
	struct ke_pollers *pollers;	/* outlives this */
	struct list_head entry;		/* lock of pollers: linked there, or empty */
};

void ke_pollers_init(struct ke_pollers *pollers);

/* Has all that entered look again; they have to enter anew for the next time. */
void ke_pollers_wake(struct ke_pollers *pollers);

void ke_poller_init(struct ke_poller *poller, wait_queue_head_t *wait,
		    struct ke_pollers *pollers);

/* Has who polls look again, now. */
void ke_poller_wake(struct ke_poller *poller);

/* Has @poller woken by the next ke_pollers_wake(). */
void ke_poller_enter(struct ke_poller *poller);

/* Nobody uses @poller any more. */
void ke_poller_end(struct ke_poller *poller);

#endif /* KE_POLLER_H */
