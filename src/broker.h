/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_BROKER_H
#define KE_BROKER_H

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "account.h"
#include "queue.h"

struct net;

/* Returns the broker of @net, borrowed from it. */
struct ke_broker *ke_broker_of(const struct net *net);

/*
 * Multiplies an ID with a number that nobody outside knows: so two IDs rarely meet,
 * whoever chooses them. The second round spreads IDs at regular distances, which one
 * multiplication may heap up.
 */
static inline u32 ke_broker_mix(u32 id, u32 seed)
{
	const u64 factor = 0x9e3779b97f4a7c15ULL;
	u64 product = id * (seed * factor);

	return (product ^ product >> 32) * factor >> 32;
}

/* The same as ke_broker_lookup() where the table might be growing. */
struct ke_queue *__ke_broker_lookup(struct ke_broker *broker, s32 id);

/* As rhashtable_lookup(), in line for what stands in the table where it belongs. */
static __always_inline struct ke_queue *ke_broker_lookup(struct ke_broker *broker, s32 id)
{
	struct bucket_table *table = rcu_dereference(broker->queues.tbl);
	struct rhash_head *head;
	struct ke_queue *queue;
	u32 hash;

	hash = rht_bucket_index(table, ke_broker_mix(id, table->hash_rnd));
	rht_for_each_entry_rcu(queue, head, table, hash, node)
		if (queue->id == id)
			return queue;
	return __ke_broker_lookup(broker, id);
}

/*
 * Returns the queue of @id locked, or NULL if there is none. sparse cannot see
 * a lock that is taken only sometimes: callers that get one __acquire() it.
 */
static inline struct ke_queue *ke_broker_find_lock(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue;

	rcu_read_lock();
	for (;;) {
		queue = ke_broker_lookup(broker, id);
		if (!queue)
			break;
		spin_lock(&queue->lock);
		if (likely(!queue->dead)) {
			__release(&queue->lock);
			break;
		}
		spin_unlock(&queue->lock);
	}
	rcu_read_unlock();
	return queue;
}

/* The same as ke_broker_get_lock() where there was none. */
struct ke_queue *__ke_broker_get_lock(struct ke_broker *broker, s32 id);

/* The same, with a new queue if need be: never NULL, but -EINTR or -ENOMEM. */
static inline struct ke_queue *ke_broker_get_lock(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(broker, id);

	return likely(queue) ? queue : __ke_broker_get_lock(broker, id);
}

/*
 * The same for a send or a receive: -EPERM, too, where only claimed IDs can be used and
 * this one has no queue, and so no claim.
 */
static inline struct ke_queue *ke_broker_use_lock(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(broker, id);

	if (likely(queue))
		return queue;
	return READ_ONCE(ke_limits.strict) ? ERR_PTR(-EPERM) :
	       __ke_broker_get_lock(broker, id);
}

/* The same as ke_queue_unlock() where the queue has become idle. */
void __ke_queue_unlock(struct ke_queue *queue) __releases(&queue->lock);

/* Every call that is done with a queue unlocks it by this one. */
static inline void ke_queue_unlock(struct ke_queue *queue)
	__releases(&queue->lock)
{
	if (unlikely(!queue->cached && ke_queue_is_idle_locked(queue)))
		__ke_queue_unlock(queue);
	else
		spin_unlock(&queue->lock);
}

/* The same as ke_queue_unlock_and_wake() where there is something to be woken. */
void __ke_queue_unlock_and_wake(struct ke_queue *queue, const struct ke_wake_q *wake_q)
	__releases(&queue->lock);

/* Unlocks @queue and wakes what @wake_q has collected. */
static inline void ke_queue_unlock_and_wake(struct ke_queue *queue,
					    const struct ke_wake_q *wake_q)
	__releases(&queue->lock)
{
	if (unlikely(wake_q->n))
		__ke_queue_unlock_and_wake(queue, wake_q);
	else
		ke_queue_unlock(queue);
}

/* Has all look again who wait in any namespace: strict has changed. */
void ke_broker_recheck_all(void);

/*
 * Fills @ids with IDs that have a queue, in order, from @from on. Returns how
 * many there were, at most @n.
 */
unsigned int ke_broker_ids(struct ke_broker *broker, s32 from, s32 *ids,
			   unsigned int n);

int ke_broker_init(void);
void ke_broker_exit(void);

#endif /* KE_BROKER_H */
