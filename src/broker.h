/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_BROKER_H
#define KE_BROKER_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/rhashtable-types.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "clock.h"
#include "queue.h"

struct ke_user;
struct net;

/* All queues of one network namespace; lives as long as that. */
struct ke_broker {
	struct rhashtable queues;	/* struct ke_queue by ID */
	spinlock_t ids_lock;
	struct rb_root ids;		/* the same, in order; ids_lock */
	atomic64_t seq;			/* of the latest event */
	struct ke_realm realm;		/* what the queues know of it */
	struct ke_clock clock;
	struct llist_head idle;		/* queues that may be unused */
	atomic_t idle_new;		/* put there since the last look */
	struct delayed_work reaper;
};

/* Returns the broker of @net, borrowed from it. */
struct ke_broker *ke_broker_of(const struct net *net);

/*
 * Returns the queue of @id locked, or NULL if there is none. sparse cannot see
 * a lock that is taken only sometimes: callers that get one __acquire() it.
 */
struct ke_queue *ke_broker_find_locked(struct ke_broker *broker, s32 id);

/* The same as ke_broker_get_locked() where there was none. */
struct ke_queue *ke_broker_make_locked(struct ke_broker *broker, s32 id,
				       struct ke_user *user);

/*
 * The same, with a new queue charged to @user if need be: never NULL, but
 * -EAGAIN, -EDQUOT, -EINTR or -ENOMEM.
 */
static inline struct ke_queue *ke_broker_get_locked(struct ke_broker *broker,
						    s32 id, struct ke_user *user)
{
	struct ke_queue *queue = ke_broker_find_locked(broker, id);

	return likely(queue) ? queue : ke_broker_make_locked(broker, id, user);
}

/* The same as ke_broker_unlock() for a queue that nobody uses any more. */
void ke_broker_unlock_unused(struct ke_broker *broker, struct ke_queue *queue)
	__releases(&queue->lock);

/* Every queue has to be unlocked by this one. */
static inline void ke_broker_unlock(struct ke_broker *broker,
				    struct ke_queue *queue)
	__releases(&queue->lock)
{
	if (unlikely(!queue->listed && ke_queue_unused_locked(queue)))
		ke_broker_unlock_unused(broker, queue);
	else
		spin_unlock(&queue->lock);
}

/* Has all look again who wait in any namespace: strict has changed. */
void ke_broker_recheck_all(void);

/* Ends all unused queues now. */
void ke_broker_reap(struct ke_broker *broker);

/*
 * Fills @ids with IDs that have a queue, in order, from @from on. Returns how
 * many there were, at most @n.
 */
unsigned int ke_broker_ids(struct ke_broker *broker, s32 from, s32 *ids,
			   unsigned int n);

int ke_broker_init(void);
void ke_broker_exit(void);

#endif /* KE_BROKER_H */
