// SPDX-License-Identifier: GPL-2.0-only
#include "reaper.h"

#include <linux/lockdep.h>
#include <linux/sched.h>

#include "queue.h"
#include "quota.h"
#include "wish.h"

/*
 * A queue that is idle when its lock is let go of is put on the idle list, unless it
 * is there: so each that nobody uses is on that list, and each that is kept, but not by
 * who pays for it. Once a second, or sooner if many came, the reaper looks at the
 * list: it drops from it the queues that are in use, keeps those that were used since
 * its last look, and ends the others. A busy queue that is empty in between stays.
 * Who finds no room is the reaper at once, of all of them, and then waits to be told
 * of the next that comes there. A queue that has holders is not ended: one of them is
 * charged for it from then on, and it need not be put there before that one has left.
 */

#define REAP_DELAY	HZ
#define REAP_EARLY	1024	/* newly idle queues that are not left waiting */

static void reap_later(struct ke_reaper *reaper)
{
	if (atomic_inc_return(&reaper->fresh) == REAP_EARLY)
		mod_delayed_work(ke_workqueue, &reaper->work, 0);
	else
		queue_delayed_work(ke_workqueue, &reaper->work, REAP_DELAY);
}

/* Under the queue's lock: without it another may end the queue. */
static void list_idle(struct ke_reaper *reaper, struct ke_queue *queue)
{
	llist_add(&queue->idle, &reaper->idle);
	/* It is room for who reaps; and llist_add() is a full barrier. */
	ke_quota_tell(queue->payer.user);
}

void ke_reaper_note_idle_locked(struct ke_reaper *reaper, struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	queue->listed = true;
	list_idle(reaper, queue);
	reap_later(reaper);
}

/*
 * Whether @queue, which was on the idle list, is there again. @force: not because
 * of its past.
 */
static bool reap_queue(struct ke_reaper *reaper, struct ke_queue *queue,
		       bool force)
{
	bool keep = false, dead = false;

	spin_lock(&queue->lock);
	if (!ke_queue_idle_locked(queue)) {
		queue->listed = false;
	} else if (queue->used && !force) {
		queue->used = false;
		keep = true;
		list_idle(reaper, queue);
	} else if (ke_payer_is_held(&queue->payer)) {
		queue->listed = false;
		/* Who is charged now has nothing more to pay for a send there. */
		if (ke_queue_charge_holder_locked(queue))
			ke_wishes_tell(reaper->wishes, queue->id);
	} else {
		queue->dead = true;
		dead = true;
		reaper->bury(reaper, queue);
	}
	spin_unlock(&queue->lock);
	/* Not under its lock, which has to be there until it is released. */
	if (dead)
		ke_queue_destroy_rcu(queue);
	return keep;
}

/* Returns whether queues are left on the idle list. */
static bool reap_all(struct ke_reaper *reaper, bool force)
{
	struct ke_queue *queue, *next;
	struct llist_node *idle;
	bool left = false;

	atomic_set(&reaper->fresh, 0);
	idle = llist_del_all(&reaper->idle);
	llist_for_each_entry_safe(queue, next, idle, idle) {
		left |= reap_queue(reaper, queue, force);
		cond_resched();
	}
	return left;
}

void ke_reaper_run(struct ke_reaper *reaper)
{
	reap_all(reaper, true);
}

static void reap(struct work_struct *work)
{
	struct ke_reaper *reaper = container_of(to_delayed_work(work),
						struct ke_reaper, work);

	if (reap_all(reaper, false))
		queue_delayed_work(ke_workqueue, &reaper->work, REAP_DELAY);
}

void ke_reaper_init(struct ke_reaper *reaper, ke_reaper_bury_t bury,
		    struct ke_wishes *wishes)
{
	init_llist_head(&reaper->idle);
	atomic_set(&reaper->fresh, 0);
	INIT_DELAYED_WORK(&reaper->work, reap);
	reaper->bury = bury;
	reaper->wishes = wishes;
}

void ke_reaper_stop(struct ke_reaper *reaper)
{
	cancel_delayed_work_sync(&reaper->work);
}
