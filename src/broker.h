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

/* Returns the broker of @net, which lives as long as @net. */
struct ke_broker *ke_broker_of(const struct net *net);

/*
 * Hashes an ID with a secret seed, so that users cannot choose IDs that collide. The second
 * multiplication spreads IDs at regular distances, which the first alone may cluster.
 */
static inline u32 ke_broker_mix(u32 id, u32 seed)
{
	const u64 factor = 0x9e3779b97f4a7c15ULL;
	u64 product = id * (seed * factor);

	return (product ^ product >> 32) * factor >> 32;
}

/* Slow path of ke_broker_lookup(): the table may be growing. */
struct ke_queue *__ke_broker_lookup(struct ke_broker *broker, s32 id);

/*
 * Returns the queue of @id, which may be dead, or NULL. The caller holds rcu_read_lock(). This
 * is rhashtable_lookup() with an inline fast path for queues in the current table.
 */
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
 * Returns the queue of @id with its lock held, or NULL. sparse does not understand a lock
 * that is taken conditionally, so callers annotate it with __acquire().
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

/* Slow path of ke_broker_get_lock(): creates the queue. */
struct ke_queue *__ke_broker_get_lock(struct ke_broker *broker, s32 id);

/*
 * Returns the queue of @id, a new one if needed, with its lock held. May sleep. Returns
 * ERR_PTR(-ENOMEM), or ERR_PTR(-EINTR) after a fatal signal.
 */
static inline struct ke_queue *ke_broker_get_lock(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(broker, id);

	return likely(queue) ? queue : __ke_broker_get_lock(broker, id);
}

/*
 * Like ke_broker_get_lock(), but returns ERR_PTR(-EPERM) if only claimed IDs may be used and
 * @id has no queue, and therefore no claim.
 */
static inline struct ke_queue *ke_broker_use_lock(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(broker, id);

	if (likely(queue))
		return queue;
	return READ_ONCE(ke_limits.strict) ? ERR_PTR(-EPERM) :
	       __ke_broker_get_lock(broker, id);
}

/* Slow path of ke_queue_unlock(): an idle queue enters the list of idle queues. */
void __ke_queue_unlock(struct ke_queue *queue) __releases(&queue->lock);

/*
 * Unlocks @queue, which may then be reclaimed. Required of a call that may have created @queue
 * or made it idle.
 */
static inline void ke_queue_unlock(struct ke_queue *queue)
	__releases(&queue->lock)
{
	if (unlikely(!queue->cached && ke_queue_is_idle_locked(queue)))
		__ke_queue_unlock(queue);
	else
		spin_unlock(&queue->lock);
}

/* Slow path of ke_queue_unlock_and_wake(): @wake_q is not empty. */
void __ke_queue_unlock_and_wake(struct ke_queue *queue, const struct ke_wake_q *wake_q)
	__releases(&queue->lock);

/* Unlocks @queue, then wakes the pollers collected in @wake_q. */
static inline void ke_queue_unlock_and_wake(struct ke_queue *queue,
					    const struct ke_wake_q *wake_q)
	__releases(&queue->lock)
{
	if (unlikely(wake_q->n))
		__ke_queue_unlock_and_wake(queue, wake_q);
	else
		ke_queue_unlock(queue);
}

/* Rechecks the waiters and watches of all namespaces after strict has changed. May sleep. */
void ke_broker_recheck_all(void);

/*
 * Fills @ids with up to @n IDs that have a queue, in ascending order, starting at @from.
 * Returns their number.
 */
unsigned int ke_broker_ids(struct ke_broker *broker, s32 from, s32 *ids,
			   unsigned int n);

int ke_broker_init(void);
void ke_broker_exit(void);

#endif /* KE_BROKER_H */
