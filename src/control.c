// SPDX-License-Identifier: GPL-2.0-only
#include "control.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kevents.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "broker.h"
#include "client.h"
#include "event.h"
#include "lease.h"
#include "queue.h"

/*
 * Returns the number of events in flight and sets @bytes to what all events hold. Receivers
 * lower both without the lock, the bytes first. If no bytes are left, those in flight have
 * been received.
 */
static u32 read_in_flight(const struct ke_queue *queue, u64 *bytes)
{
	u32 in_flight = atomic_read(&queue->in_flight);

	/* Pairs with ke_queue_consume(). */
	smp_rmb();
	*bytes = atomic_long_read(&queue->bytes);
	return *bytes ? in_flight : 0;
}

int ke_control_stat(struct ke_client *client, struct kevents_stat *stat)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, stat->id);
	const struct ke_queue_counts *counts;
	HLIST_HEAD(dispose);
	u32 in_flight;
	u64 bytes;
	int err = 0;

	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : 0;
	__acquire(&queue->lock);
	ke_lease_run_deadlines_locked(queue, &dispose);
	counts = &queue->counts;
	if (!ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE)) {
		err = -EPERM;
		goto unlock;
	}
	stat->pending = counts->pending;
	in_flight = read_in_flight(queue, &bytes);
	stat->leased = counts->leased + in_flight;
	stat->bytes = bytes;
	stat->waiters = counts->waiters;
	stat->sent = counts->sent;
	stat->received = counts->received - in_flight;
	stat->expired = counts->expired;
	stat->returned = counts->returned;
	if (queue->claim.held) {
		stat->owner_uid = from_kuid_munged(current_user_ns(),
						   queue->claim.uid);
		stat->owner_gid = from_kgid_munged(current_user_ns(),
						   queue->claim.gid);
		stat->mode = queue->claim.mode;
		stat->claimed = 1;
	}
unlock:
	ke_queue_unlock(queue);
	ke_event_free_list(&dispose);
	return err;
}

static bool is_listed(struct ke_client *client, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, id);
	bool listed;

	if (!queue)
		return false;
	__acquire(&queue->lock);
	listed = (!ke_queue_is_idle_locked(queue) || atomic_read(&queue->in_flight)) &&
		 ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE);
	ke_queue_unlock(queue);
	return listed;
}

unsigned int ke_control_list(struct ke_client *client, s64 from, s32 *ids,
			     unsigned int n, s64 *next)
{
	unsigned int found = ke_broker_ids(client->broker, from, ids, n);
	unsigned int i, listed = 0;

	*next = found < n ? (s64)S32_MAX + 1 : (s64)ids[found - 1] + 1;
	for (i = 0; i < found; i++)
		if (is_listed(client, ids[i]))
			ids[listed++] = ids[i];
	return listed;
}

/* Runs deadlines of @queue. Returns whether deadlines that had passed at @time are left. */
static bool run_deadlines(struct ke_queue *queue, ktime_t time, struct hlist_head *dispose)
{
	const struct timerqueue_node *next;

	if (!ke_lease_run_deadlines_locked(queue, dispose))
		return false;
	next = timerqueue_getnext(&queue->deadlines);
	return next && next->expires <= time;
}

/* Events that are sent and deadlines that pass during the call do not prolong it. */
int ke_control_purge(struct ke_client *client, s32 id)
{
	const u64 last = atomic64_read(&client->broker->seq);
	const ktime_t begin = ktime_get();
	struct ke_queue *queue;
	unsigned int total = 0;
	u32 dropped;
	bool more;
	HLIST_HEAD(dispose);

	do {
		queue = ke_broker_find_lock(client->broker, id);
		if (!queue)
			return total || !READ_ONCE(ke_limits.strict) ? total : -EPERM;
		__acquire(&queue->lock);
		if (!ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE)) {
			ke_queue_unlock(queue);
			return total ?: -EPERM;
		}
		more = run_deadlines(queue, begin, &dispose);
		dropped = more ? 0 : ke_queue_purge_locked(queue, last, &dispose);
		ke_queue_unlock(queue);
		ke_event_free_list(&dispose);
		total = min_t(unsigned int, total + dropped, INT_MAX);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} while (more || dropped);
	return total;
}

static int claim(struct ke_queue *queue, const struct ke_identity *identity, umode_t mode,
		 struct ke_wake_q *wake_q)
{
	struct ke_claim *claim = &queue->claim;
	int err;

	if (!claim->held) {
		/* The claim may be all that keeps the queue, so a queue is charged. */
		err = ke_claim_begin(claim, identity, ke_queue_bytes);
		if (err)
			return err;
	} else if (!ke_claim_is_ours(claim, identity)) {
		return -EBUSY;
	}
	claim->mode = mode;
	ke_queue_recheck_locked(queue, wake_q);
	return 0;
}

int ke_control_claim(struct ke_client *client, s32 id, umode_t mode)
{
	struct ke_queue *queue = ke_broker_get_lock(client->broker, id);
	struct ke_wake_q wake_q;
	int err;

	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	ke_wake_q_init(&wake_q, client->identity.account);
	err = claim(queue, &client->identity, mode, &wake_q);
	ke_queue_unlock_and_wake(queue, &wake_q);
	return err;
}

static int unclaim(struct ke_queue *queue, const struct ke_identity *identity,
		   struct ke_wake_q *wake_q)
{
	if (!queue->claim.held)
		return -ENOENT;
	if (!ke_claim_is_ours(&queue->claim, identity))
		return -EPERM;
	queue->claim.held = false;
	ke_queue_recheck_locked(queue, wake_q);
	return 0;
}

int ke_control_unclaim(struct ke_client *client, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, id);
	struct ke_wake_q wake_q;
	struct ke_claim old;
	int err;

	if (!queue)
		return -ENOENT;
	__acquire(&queue->lock);
	old = queue->claim;
	ke_wake_q_init(&wake_q, client->identity.account);
	err = unclaim(queue, &client->identity, &wake_q);
	ke_queue_unlock_and_wake(queue, &wake_q);
	if (!err)
		ke_claim_uncharge(&old);
	return err;
}

void ke_control_limits(struct ke_client *client, struct kevents_limits *limits)
{
	struct ke_broker *broker = client->broker;

	limits->max_event_size = READ_ONCE(ke_limits.max_event_size);
	limits->max_bytes = READ_ONCE(ke_limits.max_bytes);
	limits->user_max_bytes = READ_ONCE(ke_limits.user_max_bytes);
	limits->strict = READ_ONCE(ke_limits.strict);
	limits->broker_bytes = atomic_long_read(&broker->bytes);
	limits->broker_events = atomic_long_read(&broker->events);
	limits->broker_ids = atomic_read(&broker->queues.nelems);
	spin_lock(&ke_charges.lock);
	limits->bytes = ke_charges.bytes;
	limits->user_bytes = client->identity.account->bytes;
	spin_unlock(&ke_charges.lock);
}
