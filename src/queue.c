// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "clock.h"
#include "compat.h"
#include "quota.h"
#include "trace.h"

#define PURGE_CHUNK	256	/* events dropped without letting go of the lock */

static struct kmem_cache *queue_cache;

/* The broker's table shrinks when there are fewer than a queue for three buckets. */
#define BUCKETS_MAX	4

const struct ke_charge ke_queue_charge = {
	.bytes = sizeof(struct ke_queue) + BUCKETS_MAX * sizeof(void *),
	.ids = 1,
};

static void queue_construct(void *object)
{
	struct ke_queue *queue = object;

	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->watches);
	INIT_LIST_HEAD(&queue->barred);
}

int ke_queue_init(void)
{
	queue_cache = kmem_cache_create("kevents_queue", sizeof(struct ke_queue),
					0, SLAB_ACCOUNT, queue_construct);
	return queue_cache ? 0 : -ENOMEM;
}

void ke_queue_exit(void)
{
	rcu_barrier();	/* free_rcu() of every queue has run */
	kmem_cache_destroy(queue_cache);
}

struct ke_queue *ke_queue_create(struct ke_realm *realm, s32 id,
				 const struct ke_identity *identity)
{
	struct ke_queue *queue;
	int err;

	err = ke_quota_charge(identity, ke_queue_charge);
	if (err)
		return ERR_PTR(err);
	queue = kmem_cache_alloc(queue_cache, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!queue) {
		ke_quota_uncharge(identity->user, ke_queue_charge);
		return ERR_PTR(-ENOMEM);
	}
	queue->id = id;
	queue->realm = realm;
	ke_payer_init(&queue->payer, identity->user);
	INIT_HLIST_HEAD(&queue->events);
	queue->last = NULL;
	queue->returned = RB_ROOT_CACHED;
	timerqueue_init_head(&queue->deadlines);
	timerqueue_init(&queue->alarm);
	queue->waiters = RB_ROOT_CACHED;
	memset(&queue->counts, 0, sizeof(queue->counts));
	memset(&queue->claim, 0, sizeof(queue->claim));
	queue->tickets = 0;
	queue->pins = 0;
	queue->senders = 0;
	queue->asked = false;
	queue->dead = false;
	queue->listed = false;
	queue->used = false;
	return queue;
}

static void free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(queue_cache, container_of(rcu, struct ke_queue, rcu));
}

void ke_queue_destroy_rcu(struct ke_queue *queue)
{
	ke_clock_clear(queue->realm->clock, &queue->alarm);
	ke_payer_end(&queue->payer, ke_queue_charge);
	call_rcu(&queue->rcu, free_rcu);
}

void ke_queue_destroy(struct ke_queue *queue)
{
	HLIST_HEAD(ended);
	u32 dropped;

	do {
		spin_lock(&queue->lock);
		dropped = ke_queue_purge_locked(queue, U64_MAX, &ended);
		spin_unlock(&queue->lock);
		ke_event_free_list(&ended, NULL);
	} while (dropped);
	ke_payer_end(&queue->payer, ke_queue_charge);
	kmem_cache_free(queue_cache, queue);
}

int ke_queue_charge_locked(struct ke_queue *queue, const struct ke_identity *identity)
{
	lockdep_assert_held(&queue->lock);
	return ke_payer_change(&queue->payer, identity, ke_queue_charge);
}

int ke_queue_charge_claim_locked(struct ke_queue *queue,
				 const struct ke_identity *identity)
{
	return ke_queue_charge_locked(queue, identity) ?:
	       ke_payer_confirm(&queue->payer, identity);
}

bool ke_queue_charge_holder_locked(struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return ke_payer_settle(&queue->payer, ke_queue_charge);
}

struct ke_waiter *ke_queue_waiter_locked(const struct ke_queue *queue)
{
	struct rb_node *node = rb_first_cached(&queue->waiters);

	return node ? rb_entry(node, struct ke_waiter, node) : NULL;
}

static void wake_waiter(struct ke_queue *queue)
{
	struct ke_waiter *first = ke_queue_waiter_locked(queue);

	if (!first || first->woken)
		return;
	first->woken = true;
	/* Under the lock: without it the waiter might be gone. */
	wake_up_process(first->task);
}

/* Tells @watch that an event waits. Returns whether a receiver was woken to take it. */
static bool notify_watch(struct ke_queue *queue, struct ke_watch *watch, bool fresh)
{
	if (!ke_inbox_notify(watch, fresh, queue->asked ? NULL : queue))
		return false;
	queue->asked = true;
	queue->pins++;
	return true;
}

/* Tells them all. One receiver at a time is woken; when it has answered, the next. */
static void notify_watches(struct ke_queue *queue, bool fresh)
{
	struct ke_watch *watch, *next, *taker = NULL;

	list_for_each_entry_safe(watch, next, &queue->watches, in_queue)
		if (notify_watch(queue, watch, fresh))
			taker = watch;
	if (taker)
		list_move_tail(&taker->in_queue, &queue->watches);
}

/* Where @watch belongs, which changes with the claim and with strict. */
static struct list_head *place_of(struct ke_queue *queue, const struct ke_watch *watch)
{
	return ke_queue_allows_locked(queue, watch->identity, KE_ACCESS_RECEIVE) ?
	       &queue->watches : &queue->barred;
}

static void sort_watches(struct ke_queue *queue)
{
	struct ke_watch *watch, *next;
	LIST_HEAD(all);

	list_splice_init(&queue->watches, &all);
	list_splice_tail_init(&queue->barred, &all);
	list_for_each_entry_safe(watch, next, &all, in_queue)
		list_move_tail(&watch->in_queue, place_of(queue, watch));
}

void ke_queue_add_watch_locked(struct ke_queue *queue, struct ke_watch *watch)
{
	struct list_head *place = place_of(queue, watch);

	lockdep_assert_held(&queue->lock);
	watch->queue = queue;
	list_add_tail(&watch->in_queue, place);
	ke_payer_add(&queue->payer, &watch->holder);
	if (place == &queue->watches && ke_queue_ready_locked(queue))
		notify_watch(queue, watch, false);
}

void ke_queue_end_watch_locked(struct ke_queue *queue, struct ke_watch *watch)
{
	lockdep_assert_held(&queue->lock);
	watch->dead = true;
	list_del(&watch->in_queue);
	ke_payer_remove(&queue->payer, &watch->holder);
	ke_inbox_forget(watch);
}

static void wake(struct ke_queue *queue, bool fresh)
{
	lockdep_assert_held(&queue->lock);
	if (!queue->counts.pending)
		return;
	wake_waiter(queue);
	if (!list_empty(&queue->watches) && ke_queue_ready_locked(queue))
		notify_watches(queue, fresh);
}

void ke_queue_wake_locked(struct ke_queue *queue)
{
	wake(queue, false);
}

void ke_queue_wake_all_locked(struct ke_queue *queue)
{
	struct rb_node *node;

	sort_watches(queue);
	for (node = rb_first_cached(&queue->waiters); node; node = rb_next(node))
		wake_up_process(rb_entry(node, struct ke_waiter, node)->task);
	wake(queue, true);
}

void ke_queue_set_due_locked(struct ke_queue *queue, struct ke_event *event,
			     ktime_t when)
{
	lockdep_assert_held(&queue->lock);
	if (!RB_EMPTY_NODE(&event->due.node))
		timerqueue_del(&queue->deadlines, &event->due);
	if (!when)
		return;
	event->due.expires = when;
	if (timerqueue_add(&queue->deadlines, &event->due))
		ke_clock_set(queue->realm->clock, &queue->alarm, when);
}

struct ke_event *ke_queue_due_locked(struct ke_queue *queue)
{
	struct timerqueue_node *first;

	lockdep_assert_held(&queue->lock);
	first = timerqueue_getnext(&queue->deadlines);
	if (!first || first->expires > ktime_get())
		return NULL;
	return container_of(first, struct ke_event, due);
}

static bool is_polled(const struct ke_queue *queue)
{
	struct ke_watch *watch;

	list_for_each_entry(watch, &queue->watches, in_queue)
		if (ke_inbox_is_polled(watch->inbox))
			return true;
	return false;
}

void ke_queue_wake_for_new_locked(struct ke_queue *queue, unsigned int n)
{
	wake(queue, true);
	/* Who takes an event wakes the next receiver, but nobody that polls. */
	while (--n && is_polled(queue))
		wake(queue, true);
}

static void expire(struct ke_queue *queue, struct ke_event *event,
		   struct hlist_head *ended)
{
	queue->counts.expired++;
	trace_kevents_expire(event);
	ke_queue_end_locked(queue, event, ended);
}

void ke_queue_expire_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *ended)
{
	ke_queue_detach_locked(queue, event);
	expire(queue, event, ended);
}

static bool comes_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ke_event, node)->seq <
	       rb_entry(b, struct ke_event, node)->seq;
}

void ke_queue_return_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *ended)
{
	lockdep_assert_held(&queue->lock);
	queue->counts.returned++;
	trace_kevents_return(event);
	if (event->ttl && event->ttl <= ktime_get()) {
		expire(queue, event, ended);
		return;
	}
	event->state = KE_EVENT_RETURNED;
	rb_add_cached(&event->node, &queue->returned, comes_before);
	queue->counts.pending++;
	queue->used = true;
	ke_queue_set_due_locked(queue, event, event->ttl);
	wake(queue, true);
}

u32 ke_queue_purge_locked(struct ke_queue *queue, u64 last,
			  struct hlist_head *ended)
{
	struct ke_event *event;
	u32 dropped = 0;

	while (dropped < PURGE_CHUNK && (event = ke_queue_first_locked(queue)) &&
	       event->seq <= last) {
		ke_queue_detach_locked(queue, event);
		ke_queue_end_locked(queue, event, ended);
		dropped++;
	}
	return dropped;
}
