// SPDX-License-Identifier: GPL-2.0-only
#include "broker.h"

#include <linux/compiler.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "event.h"
#include "lease.h"
#include "queue.h"

static unsigned int broker_net_id;
static bool is_registered;

static u32 hash_id(const void *id, u32 len, u32 seed)
{
	return ke_broker_mix(*(const u32 *)id, seed);
}

static int compare_id(struct rhashtable_compare_arg *arg, const void *queue)
{
	return *(const s32 *)arg->key != ((const struct ke_queue *)queue)->id;
}

static const struct rhashtable_params queue_params = {
	.key_len = sizeof_field(struct ke_queue, id),
	.key_offset = offsetof(struct ke_queue, id),
	.head_offset = offsetof(struct ke_queue, node),
	.hashfn = hash_id,
	.obj_cmpfn = compare_id,
	.automatic_shrinking = true,
};

struct ke_broker *ke_broker_of(const struct net *net)
{
	return net_generic(net, broker_net_id);
}

struct ke_queue *__ke_broker_lookup(struct ke_broker *broker, s32 id)
{
	return rhashtable_lookup(&broker->queues, &id, queue_params);
}

static void link_id(struct ke_broker *broker, struct ke_queue *queue)
{
	struct rb_node **link = &broker->ids.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = queue->id < rb_entry(parent, struct ke_queue, by_id)->id ?
		       &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&queue->by_id, parent, link);
	rb_insert_color(&queue->by_id, &broker->ids);
}

/*
 * Inserts @queue into the table; -EEXIST if its ID has a queue. It enters the tree first,
 * because the call that unhashes it erases it from there.
 */
static int insert(struct ke_broker *broker, struct ke_queue *queue)
{
	struct ke_queue *other;

	spin_lock(&broker->ids_lock);
	link_id(broker, queue);
	spin_unlock(&broker->ids_lock);
	rcu_read_lock();
	/* The table reads a bucket with its lock held, while others set that bit again. */
	other = data_race(rhashtable_lookup_get_insert_fast(&broker->queues, &queue->node,
							    queue_params));
	rcu_read_unlock();
	if (!other)
		return 0;
	spin_lock(&broker->ids_lock);
	rb_erase(&queue->by_id, &broker->ids);
	spin_unlock(&broker->ids_lock);
	return IS_ERR(other) ? PTR_ERR(other) : -EEXIST;
}

/*
 * Idle queues
 *
 * A queue that is idle when it is unlocked is kept for reuse, among those of all brokers.
 * It stays in their list when it is used again. A queue that makes the list too long pushes
 * the one out that has been there longest: if that is idle, it is freed, else it enters the
 * list again when it is idle the next time. One with events in flight goes to the end of the
 * list instead, since nobody unlocks it when the last of them has been received; so the list
 * may be too long for a while. An unlock frees two queues at most, and an idle queue is
 * always in the list.
 */
#define IDLE_MAX	1024

static LIST_HEAD(idle_queues);		/* idle_lock: by ke_queue.idle */
static unsigned int n_idle;		/* idle_lock */
static DEFINE_SPINLOCK(idle_lock);

/* Takes @queue, which is dead, out of the table. */
static void unhash(struct ke_queue *queue)
{
	struct ke_broker *broker = queue->broker;

	/* As in insert(). */
	data_race(rhashtable_remove_fast(&broker->queues, &queue->node, queue_params));
	spin_lock(&broker->ids_lock);
	rb_erase(&queue->by_id, &broker->ids);
	spin_unlock(&broker->ids_lock);
}

static void add_idle(struct ke_queue *queue)
{
	spin_lock(&idle_lock);
	list_add_tail(&queue->idle, &idle_queues);
	n_idle++;
	spin_unlock(&idle_lock);
}

/* Returns the queue that is pushed out, or NULL. */
static struct ke_queue *push_out(void)
{
	struct ke_queue *oldest = NULL;

	spin_lock(&idle_lock);
	if (n_idle > IDLE_MAX) {
		oldest = list_first_entry(&idle_queues, struct ke_queue, idle);
		list_del(&oldest->idle);
		n_idle--;
	}
	spin_unlock(&idle_lock);
	return oldest;
}

/* Frees @queue, which is in the list no more, if it is idle still. */
static void reclaim(struct ke_queue *queue)
{
	bool dead = false;

	spin_lock(&queue->lock);
	if (!ke_queue_is_idle_locked(queue)) {
		queue->cached = false;
	} else if (atomic_read(&queue->in_flight)) {
		add_idle(queue);
	} else {
		dead = true;
		queue->dead = true;
		unhash(queue);
	}
	spin_unlock(&queue->lock);
	/* Not under its lock, which has to be there until it is released. */
	if (dead)
		ke_queue_destroy_rcu(queue);
}

void __ke_queue_unlock(struct ke_queue *queue)
	__releases(&queue->lock)
{
	struct ke_queue *oldest;
	int i;

	lockdep_assert_held(&queue->lock);
	queue->cached = true;
	/* What is pushed out may be of a namespace that ends: see broker_net_pre_exit(). */
	rcu_read_lock();
	add_idle(queue);
	spin_unlock(&queue->lock);
	for (i = 0; i < 2 && (oldest = push_out()); i++)
		reclaim(oldest);
	rcu_read_unlock();
}

void __ke_queue_unlock_and_wake(struct ke_queue *queue, const struct ke_wake_q *wake_q)
	__releases(&queue->lock)
{
	unsigned int i;

	/* RCU keeps the clients alive after the unlock. */
	rcu_read_lock();
	ke_queue_unlock(queue);
	for (i = 0; i < wake_q->n; i++)
		ke_ready_list_wake_pollers(wake_q->lists[i]);
	rcu_read_unlock();
}

static int wait_a_tick(void)
{
	schedule_timeout_killable(1);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Creates a queue for @id unless there is one. It may be reclaimed before the return. */
static int create(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = ke_queue_create(broker, id);
	int err;

	if (!queue)
		return -ENOMEM;
	err = insert(broker, queue);
	if (!err)
		return 0;
	ke_queue_destroy(queue);
	if (err == -EEXIST)
		return 0;
	if (err == -EBUSY)	/* the table is growing in a worker */
		return wait_a_tick();
	return -ENOMEM;
}

struct ke_queue *__ke_broker_get_lock(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue;
	int err;

	do {
		err = create(broker, id);
		if (err)
			return ERR_PTR(err);
		queue = ke_broker_find_lock(broker, id);
	} while (!queue);
	/* The queue is there before strict is looked at: pairs with ke_broker_recheck_all(). */
	smp_mb();
	return queue;
}

/*
 * Returns the queue whose alarm goes off now, locked, or NULL when there is none.
 * One that has ended meanwhile has to be unlocked before RCU lets it go.
 */
static struct ke_queue *next_due_lock(struct ke_broker *broker)
{
	struct timerqueue_node *timeout;
	struct ke_queue *queue = NULL;

	rcu_read_lock();
	while ((timeout = ke_timer_pop(&broker->timer))) {
		queue = container_of(timeout, struct ke_queue, timeout);
		spin_lock(&queue->lock);
		if (!queue->dead) {
			__release(&queue->lock);
			break;
		}
		spin_unlock(&queue->lock);
		queue = NULL;
	}
	rcu_read_unlock();
	return queue;
}

/* Runs a bounded number of deadlines of @queue and arms its timeout for the rest. */
static void run_queue(struct ke_broker *broker, struct ke_queue *queue,
		      struct hlist_head *dispose)
	__must_hold(&queue->lock)
{
	struct timerqueue_node *next;
	ktime_t now = ktime_get();
	bool more;

	more = ke_lease_run_deadlines_locked(queue, dispose);
	/* Deadlines, of which there may be more at any time, do not hold that up. */
	ke_queue_work_locked(queue);
	next = timerqueue_getnext(&queue->deadlines);
	if (next)
		ke_timer_arm(&broker->timer, &queue->timeout, more ? now : next->expires);
}

/* The worker: deadlines that are due, and work that calls have deferred. */
static void run_due(struct work_struct *work)
{
	struct ke_broker *broker = container_of(to_delayed_work(work),
						struct ke_broker, timer.work);
	struct ke_queue *queue;
	HLIST_HEAD(dispose);

	while ((queue = next_due_lock(broker))) {
		__acquire(&queue->lock);
		run_queue(broker, queue, &dispose);
		ke_queue_unlock(queue);
		ke_event_free_list(&dispose);
		cond_resched();
	}
}

static struct rb_node *first_from(const struct rb_root *ids, s32 from)
{
	struct rb_node *node = ids->rb_node, *best = NULL;

	while (node) {
		if (rb_entry(node, struct ke_queue, by_id)->id < from) {
			node = node->rb_right;
		} else {
			best = node;
			node = node->rb_left;
		}
	}
	return best;
}

unsigned int ke_broker_ids(struct ke_broker *broker, s32 from, s32 *ids,
			   unsigned int n)
{
	struct rb_node *node;
	unsigned int i = 0;

	spin_lock(&broker->ids_lock);
	for (node = first_from(&broker->ids, from); node && i < n;
	     node = rb_next(node)) {
		ids[i] = rb_entry(node, struct ke_queue, by_id)->id;
		if (!i || ids[i] != ids[i - 1])
			i++;
	}
	spin_unlock(&broker->ids_lock);
	return i;
}

static void recheck(struct ke_broker *broker)
{
	struct ke_queue *queue;
	s64 next = S32_MIN;
	s32 id;

	while (next <= S32_MAX && ke_broker_ids(broker, next, &id, 1)) {
		queue = ke_broker_find_lock(broker, id);
		if (queue) {
			__acquire(&queue->lock);
			ke_queue_recheck_locked(queue, NULL);
			ke_queue_unlock(queue);
		}
		next = (s64)id + 1;
		cond_resched();
	}
}

void ke_broker_recheck_all(void)
{
	struct net *net;

	/* strict before the queues are looked for: pairs with __ke_broker_get_lock(). */
	smp_mb();
	/* A namespace is off the list before its broker goes. */
	down_read(&net_rwsem);
	if (READ_ONCE(is_registered))
		for_each_net(net)
			recheck(ke_broker_of(net));
	up_read(&net_rwsem);
}

static int __net_init broker_net_init(struct net *net)
{
	struct ke_broker *broker = ke_broker_of(net);

	spin_lock_init(&broker->ids_lock);
	broker->ids = RB_ROOT;
	atomic64_set(&broker->seq, 0);
	ke_timer_init(&broker->timer, run_due);
	return rhashtable_init(&broker->queues, &queue_params);
}

static void free_queue(void *queue, void *unused)
{
	ke_queue_destroy(queue);
}

/* A grace period follows: then no other call reclaims queues of @net. */
static void __net_exit broker_net_pre_exit(struct net *net)
{
	struct ke_broker *broker = ke_broker_of(net);
	struct ke_queue *queue, *next;

	ke_timer_stop(&broker->timer);
	spin_lock(&idle_lock);
	list_for_each_entry_safe(queue, next, &idle_queues, idle) {
		if (queue->broker != broker)
			continue;
		list_del(&queue->idle);
		n_idle--;
	}
	spin_unlock(&idle_lock);
}

static void __net_exit broker_net_exit(struct net *net)
{
	struct ke_broker *broker = ke_broker_of(net);

	rhashtable_free_and_destroy(&broker->queues, free_queue, NULL);
}

static struct pernet_operations broker_net_ops = {
	.init = broker_net_init,
	.pre_exit = broker_net_pre_exit,
	.exit = broker_net_exit,
	.id = &broker_net_id,
	.size = sizeof(struct ke_broker),
};

int ke_broker_init(void)
{
	int err = register_pernet_subsys(&broker_net_ops);

	WRITE_ONCE(is_registered, !err);
	return err;
}

void ke_broker_exit(void)
{
	/* Parameters can be written until the module is gone. */
	down_write(&net_rwsem);
	is_registered = false;
	up_write(&net_rwsem);
	unregister_pernet_subsys(&broker_net_ops);
}
