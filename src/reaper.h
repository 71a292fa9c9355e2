/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_REAPER_H
#define KE_REAPER_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/workqueue.h>

struct ke_queue;
struct ke_reaper;

/* Has nobody find @queue, which is locked and dead, any more. */
typedef void (*ke_reaper_bury_t)(struct ke_reaper *reaper, struct ke_queue *queue);

/* Ends the queues of one broker that nobody uses: see reaper.c. */
struct ke_reaper {
	struct llist_head idle;		/* ke_queue that may be unused; lock map: broker.c */
	atomic_t fresh;			/* put there since the last look */
	struct delayed_work work;
	ke_reaper_bury_t bury;
};

void ke_reaper_init(struct ke_reaper *reaper, ke_reaper_bury_t bury);

/* Waits for the worker and stops it. No queue becomes idle any more. */
void ke_reaper_stop(struct ke_reaper *reaper);

/* Unlocks @queue, which is idle and on no list. */
void ke_reaper_unlock(struct ke_reaper *reaper, struct ke_queue *queue)
	__releases(&queue->lock);

/* Ends all unused queues now. */
void ke_reaper_run(struct ke_reaper *reaper);

#endif /* KE_REAPER_H */
