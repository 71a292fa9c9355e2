// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <linux/rbtree_augmented.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "timer.h"
#include "compat.h"
#include "trace.h"

#define PURGE_CHUNK	64	/* events purged per hold of the lock */
#define STEPS_MAX	8	/* waiters and watches handled per hold of the lock */

static struct kmem_cache *queue_cache;

/*
 * Plus five pointers: the free pointer of the slab, and the buckets of the table, which shrinks
 * below a load of 30%.
 */
const unsigned long ke_queue_bytes = sizeof(struct ke_queue) + 5 * sizeof(void *);

static void queue_construct(void *object)
{
	struct ke_queue *queue = object;

	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->waiters);
	INIT_LIST_HEAD(&queue->unchecked);
	INIT_LIST_HEAD(&queue->armed);
	INIT_LIST_HEAD(&queue->ready);
	INIT_LIST_HEAD(&queue->sleeping);
	INIT_LIST_HEAD(&queue->denied);
}

int ke_queue_init(void)
{
	queue_cache = kmem_cache_create("kevents_queue", sizeof(struct ke_queue),
					0, SLAB_ACCOUNT, queue_construct);
	return queue_cache ? 0 : -ENOMEM;
}

void ke_queue_exit(void)
{
	rcu_barrier();	/* for free_rcu() */
	kmem_cache_destroy(queue_cache);
}

struct ke_queue *ke_queue_create(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = kmem_cache_alloc(queue_cache,
						  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!queue)
		return NULL;
	queue->id = id;
	queue->broker = broker;
	INIT_HLIST_HEAD(&queue->events);
	queue->last = NULL;
	queue->sorted = RB_ROOT_CACHED;
	timerqueue_init_head(&queue->deadlines);
	timerqueue_init(&queue->timeout);
	queue->wakeups = 0;
	queue->deferred = false;
	memset(&queue->counts, 0, sizeof(queue->counts));
	memset(&queue->claim, 0, sizeof(queue->claim));
	atomic_set(&queue->in_flight, 0);
	atomic_long_set(&queue->bytes, 0);
	queue->dead = false;
	queue->cached = false;
	return queue;
}

static void free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(queue_cache, container_of(rcu, struct ke_queue, rcu));
}

void ke_queue_destroy_rcu(struct ke_queue *queue)
{
	ke_timer_cancel(&queue->broker->timer, &queue->timeout);
	call_rcu(&queue->rcu, free_rcu);
}

void ke_queue_destroy(struct ke_queue *queue)
{
	HLIST_HEAD(dispose);
	u32 dropped;

	do {
		spin_lock(&queue->lock);
		dropped = ke_queue_purge_locked(queue, U64_MAX, &dispose);
		spin_unlock(&queue->lock);
		ke_event_free_list(&dispose);
	} while (dropped);
	ke_claim_uncharge(&queue->claim);
	kmem_cache_free(queue_cache, queue);
}

/* Leaves the remaining work on @queue to the worker. */
static void defer(struct ke_queue *queue)
{
	queue->deferred = true;
	ke_timer_arm(&queue->broker->timer, &queue->timeout, ktime_get());
}

/* Removes and wakes @waiter, whose event or err has been set. */
static void finish_waiter(struct ke_queue *queue, struct ke_waiter *waiter)
{
	struct task_struct *task = waiter->task;

	ke_queue_remove_waiter_locked(queue, waiter);
	/* The waiter may return, and its task exit, as soon as done is set. RCU keeps the task. */
	rcu_read_lock();
	/* Pairs with smp_load_acquire() in sleep_until_set() and cancel_wait(). */
	smp_store_release(&waiter->done, true);
	wake_up_process(task);
	rcu_read_unlock();
}

static void fail_waiter(struct ke_queue *queue, struct ke_waiter *waiter, int err)
{
	waiter->err = err;
	finish_waiter(queue, waiter);
}

static bool may_receive(const struct ke_queue *queue, const struct ke_identity *identity)
{
	return ke_queue_allows_locked(queue, identity, KE_ACCESS_RECEIVE);
}

static struct ke_waiter *first_waiter(struct ke_queue *queue)
{
	struct list_head *list = list_empty(&queue->waiters) ? &queue->unchecked :
				 &queue->waiters;

	return list_first_entry_or_null(list, struct ke_waiter, entry);
}

/*
 * hand_over(), recheck_waiters(), mark_watches_ready() and wake_watchers() share *@left steps.
 * Each returns whether it needs more.
 */

/* Hands pending events to waiters; fails those that are denied or whose buffer is too small. */
static bool hand_over(struct ke_queue *queue, unsigned int *left)
{
	struct ke_waiter *waiter;
	struct ke_event *event;

	while ((waiter = first_waiter(queue)) && (event = ke_queue_first_locked(queue))) {
		if (!*left)
			return true;
		--*left;
		if (!may_receive(queue, waiter->identity)) {
			fail_waiter(queue, waiter, -EPERM);
		} else if (event->len > waiter->size) {
			waiter->needed = event->len;
			fail_waiter(queue, waiter, -EMSGSIZE);
		} else {
			ke_queue_take_locked(queue, event, waiter->leases);
			waiter->event = event;
			finish_waiter(queue, waiter);
		}
	}
	return false;
}

static bool recheck_waiters(struct ke_queue *queue, unsigned int *left)
{
	struct ke_waiter *waiter;

	while ((waiter = list_first_entry_or_null(&queue->unchecked, struct ke_waiter, entry))) {
		if (!*left)
			return true;
		--*left;
		if (may_receive(queue, waiter->identity))
			list_move_tail(&waiter->entry, &queue->waiters);
		else
			fail_waiter(queue, waiter, -EPERM);
	}
	return false;
}

/* Returns whether @watch is ready and watchers of its client sleep. */
static bool mark_watch_ready(struct ke_queue *queue, struct ke_watch *watch,
			     struct ke_wake_q *wake_q)
{
	bool sleeps = false;

	if (may_receive(queue, watch->identity)) {
		sleeps = ke_watch_set_ready(watch, wake_q);
		list_move_tail(&watch->in_queue, sleeps ? &queue->sleeping : &queue->ready);
	} else {
		ke_watch_clear_ready(watch);
		list_move_tail(&watch->in_queue, &queue->denied);
	}
	return sleeps;
}

static bool mark_watches_ready(struct ke_queue *queue, unsigned int *left, struct ke_wake_q *wake_q)
{
	while (!list_empty(&queue->armed)) {
		if (!*left)
			return true;
		--*left;
		mark_watch_ready(queue, list_first_entry(&queue->armed, struct ke_watch, in_queue),
				 wake_q);
	}
	return false;
}

/* Wakes queue->wakeups watchers, one of each sleeping watch in turn. */
static bool wake_watchers(struct ke_queue *queue, unsigned int *left)
{
	struct ke_watch *watch;
	bool more;

	queue->wakeups = min(queue->wakeups, queue->counts.pending);
	while (queue->wakeups && !list_empty(&queue->sleeping)) {
		if (!*left)
			return true;
		--*left;
		watch = list_first_entry(&queue->sleeping, struct ke_watch, in_queue);
		if (ke_ready_list_wake(watch->list, queue->id, &more))
			queue->wakeups--;
		list_move_tail(&watch->in_queue, more ? &queue->sleeping : &queue->ready);
	}
	/* Wakeups are kept for watches that are yet to be marked ready. */
	if (list_empty(&queue->armed))
		queue->wakeups = 0;
	return false;
}

/* While work is deferred, calls leave it to the worker to mark watches ready. */
static void work(struct ke_queue *queue, struct ke_wake_q *wake_q)
{
	unsigned int left = STEPS_MAX;
	bool more = false;

	lockdep_assert_held(&queue->lock);
	if (queue->counts.waiters) {
		more = hand_over(queue, &left);
		more |= recheck_waiters(queue, &left);
	}
	if (queue->counts.pending) {
		if (!queue->deferred)
			more |= mark_watches_ready(queue, &left, wake_q);
		more |= wake_watchers(queue, &left);
	} else {
		queue->wakeups = 0;
	}
	if (more)
		defer(queue);
}

void ke_queue_work_locked(struct ke_queue *queue)
{
	queue->deferred = false;
	work(queue, NULL);
}

void __ke_queue_offer_locked(struct ke_queue *queue, unsigned int n,
			     struct ke_wake_q *wake_q)
{
	queue->wakeups += n;
	work(queue, wake_q);
}

void ke_queue_wake_next_locked(struct ke_queue *queue)
{
	if (!list_empty(&queue->sleeping))
		__ke_queue_offer_locked(queue, 1, NULL);
}

void ke_queue_recheck_locked(struct ke_queue *queue, struct ke_wake_q *wake_q)
{
	lockdep_assert_held(&queue->lock);
	list_splice_init(&queue->waiters, &queue->unchecked);
	list_splice_tail_init(&queue->denied, &queue->armed);
	list_splice_tail_init(&queue->sleeping, &queue->armed);
	__ke_queue_offer_locked(queue, queue->counts.pending, wake_q);
}

void ke_queue_add_waiter_locked(struct ke_queue *queue, struct ke_waiter *waiter)
{
	lockdep_assert_held(&queue->lock);
	list_add_tail(&waiter->entry, list_empty(&queue->unchecked) ? &queue->waiters :
				      &queue->unchecked);
	queue->counts.waiters++;
}

void ke_queue_remove_waiter_locked(struct ke_queue *queue, struct ke_waiter *waiter)
{
	lockdep_assert_held(&queue->lock);
	list_del(&waiter->entry);
	queue->counts.waiters--;
}

void ke_queue_rearm_watch_locked(struct ke_queue *queue, struct ke_watch *watch,
				 struct ke_wake_q *wake_q)
{
	lockdep_assert_held(&queue->lock);
	/* The worker hands pending events to waiters before it marks watches ready. */
	if (queue->counts.waiters || !ke_queue_first_locked(queue)) {
		ke_queue_arm_watch_locked(queue, watch);
		return;
	}
	/*
	 * A watch that is ready stays on the ready list, because that is read without its lock.
	 * Watchers that went to sleep before it was marked have to be woken.
	 */
	if (mark_watch_ready(queue, watch, wake_q))
		__ke_queue_offer_locked(queue, queue->counts.pending, wake_q);
}

void ke_queue_add_watch_locked(struct ke_queue *queue, struct ke_watch *watch,
			       struct ke_wake_q *wake_q)
{
	watch->queue = queue;
	INIT_LIST_HEAD(&watch->in_queue);
	ke_queue_rearm_watch_locked(queue, watch, wake_q);
}

void ke_queue_remove_watch_locked(struct ke_queue *queue, struct ke_watch *watch)
{
	lockdep_assert_held(&queue->lock);
	watch->dead = true;
	list_del(&watch->in_queue);
	ke_watch_clear_ready(watch);
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
		ke_timer_arm(&queue->broker->timer, &queue->timeout, when);
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

void ke_queue_dispose_locked(struct ke_queue *queue, struct ke_event *event,
			     struct hlist_head *dispose)
{
	lockdep_assert_held(&queue->lock);
	ke_queue_sub_bytes(queue, event->bytes, 1);
	if (unlikely(!RB_EMPTY_NODE(&event->due.node)))
		timerqueue_del(&queue->deadlines, &event->due);
	hlist_add_head(&event->entry, dispose);
}

static void expire(struct ke_queue *queue, struct ke_event *event,
		   struct hlist_head *dispose)
{
	queue->counts.expired++;
	trace_kevents_expire(event);
	ke_queue_dispose_locked(queue, event, dispose);
}

void ke_queue_expire_locked(struct ke_queue *queue, struct ke_event *event,
			    struct hlist_head *dispose)
{
	ke_queue_unlink_locked(queue, event);
	expire(queue, event, dispose);
}

static ktime_t expiry_of(const struct ke_event *event)
{
	return event->ttl ?: KTIME_MAX;
}

RB_DECLARE_CALLBACKS_MAX(static, latest_below, struct ke_event, node, ktime_t, latest,
			 expiry_of)

void ke_queue_insert_locked(struct ke_queue *queue, struct ke_event *event)
{
	struct rb_node **link = &queue->sorted.rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	event->state = KE_EVENT_SORTED;
	event->latest = expiry_of(event);
	while (*link) {
		struct ke_event *at = rb_entry(*link, struct ke_event, node);

		parent = *link;
		at->latest = max(at->latest, event->latest);
		if (event->seq < at->seq) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&event->node, parent, link);
	rb_insert_augmented_cached(&event->node, &queue->sorted, leftmost, &latest_below);
	queue->counts.pending++;
	ke_queue_set_due_locked(queue, event, event->ttl);
}

void __ke_queue_unlink_locked(struct ke_queue *queue, struct ke_event *event)
{
	rb_erase_augmented_cached(&event->node, &queue->sorted, &latest_below);
	ke_queue_set_due_locked(queue, event, 0);
}

static struct ke_event *sorted_entry(struct rb_node *node)
{
	return rb_entry_safe(node, struct ke_event, node);
}

/* Returns the oldest event in the tree that has not expired, or NULL. The tree is not empty. */
static struct ke_event *first_unexpired(const struct ke_queue *queue)
{
	struct ke_event *at = sorted_entry(rb_first_cached(&queue->sorted)), *left;
	ktime_t now;

	if (!at->ttl)
		return at;
	now = ktime_get();
	if (at->ttl > now)
		return at;
	at = sorted_entry(queue->sorted.rb_root.rb_node);
	while (at && at->latest > now) {
		left = sorted_entry(at->node.rb_left);
		if (left && left->latest > now) {
			at = left;
			continue;
		}
		if (expiry_of(at) > now)
			return at;
		at = sorted_entry(at->node.rb_right);
	}
	return NULL;
}

/* Returns the older one of two events, either of which may be NULL. */
static struct ke_event *older(struct ke_event *a, struct ke_event *b)
{
	return !b || (a && a->seq < b->seq) ? a : b;
}

static struct ke_event *first_in_line(const struct ke_queue *queue)
{
	return hlist_entry_safe(queue->events.first, struct ke_event, entry);
}

struct ke_event *__ke_queue_first_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return older(first_unexpired(queue), first_in_line(queue));
}

static void requeue(struct ke_queue *queue, struct ke_event *event, struct hlist_head *dispose)
{
	if (event->ttl && event->ttl <= ktime_get()) {
		expire(queue, event, dispose);
		return;
	}
	ke_queue_insert_locked(queue, event);
}

void ke_queue_untake_locked(struct ke_queue *queue, struct ke_event *event, bool leases,
			    struct hlist_head *dispose)
{
	lockdep_assert_held(&queue->lock);
	if (leases) {
		queue->counts.leased--;
	} else {
		queue->counts.received--;
		atomic_dec(&queue->in_flight);
	}
	requeue(queue, event, dispose);
}

void ke_queue_requeue_locked(struct ke_queue *queue, struct ke_event *event,
			     struct hlist_head *dispose)
{
	lockdep_assert_held(&queue->lock);
	queue->counts.returned++;
	trace_kevents_return(event);
	requeue(queue, event, dispose);
}

/* Returns the oldest pending event, expired or not, or NULL. */
static struct ke_event *oldest(const struct ke_queue *queue)
{
	return older(sorted_entry(rb_first_cached(&queue->sorted)), first_in_line(queue));
}

u32 ke_queue_purge_locked(struct ke_queue *queue, u64 last,
			  struct hlist_head *dispose)
{
	struct ke_event *event;
	u32 dropped = 0;

	while (dropped < PURGE_CHUNK && (event = oldest(queue)) && event->seq <= last) {
		ke_queue_unlink_locked(queue, event);
		ke_queue_dispose_locked(queue, event, dispose);
		dropped++;
	}
	return dropped;
}
