/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_REAPER_H
#define KE_REAPER_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/llist.h>
#include <linux/workqueue.h>

#include "queue.h"

struct ke_reaper;
struct ke_wishes;

/* Has nobody find @queue, which is locked and dead, any more. */
typedef void (*ke_reaper_bury_t)(struct ke_reaper *reaper, struct ke_queue *queue);

/* Ends the queues of one broker that nobody uses: see reaper.c. */
struct ke_reaper {
	struct llist_head idle;		/* ke_queue that may be unused; lock map: broker.c */
	atomic_t fresh;			/* put there since the last look */
	struct delayed_work work;
	ke_reaper_bury_t bury;
	struct ke_wishes *wishes;	/* told of the IDs that somebody else is charged for */
};

void ke_reaper_init(struct ke_reaper *reaper, ke_reaper_bury_t bury,
		    struct ke_wishes *wishes);

/* Waits for the worker and stops it. No queue becomes idle any more. */
void ke_reaper_stop(struct ke_reaper *reaper);

/* The same as ke_reaper_note_locked() where @queue is idle and on no list. */
void ke_reaper_note_idle_locked(struct ke_reaper *reaper, struct ke_queue *queue);

/*
 * Has @reaper look at @queue from now on if it is idle. Comes before the lock is let go
 * of by who is done with the queue, or may be long in coming back.
 */
static inline void ke_reaper_note_locked(struct ke_reaper *reaper, struct ke_queue *queue)
{
	if (unlikely(!queue->listed && !ke_payer_is_settled(&queue->payer) &&
		     ke_queue_idle_locked(queue)))
		ke_reaper_note_idle_locked(reaper, queue);
}

/* Ends all unused queues now. */
void ke_reaper_run(struct ke_reaper *reaper);

#endif /* KE_REAPER_H */
