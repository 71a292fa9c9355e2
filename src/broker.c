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
 * Inserts @queue into the tree and the table. The tree comes first: as soon as the queue is
 * in the table, another call may reclaim it, which erases it from both. Returns 0, -EEXIST if
 * its ID has a queue, or an error of the table.
 */
static int insert(struct ke_broker *broker, struct ke_queue *queue)
{
	struct ke_queue *other;

	spin_lock(&broker->ids_lock);
	link_id(broker, queue);
	spin_unlock(&broker->ids_lock);
	rcu_read_lock();
	/* The holder of a bucket lock reads the word whose lock bit other CPUs try to set. */
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
 * A queue that is idle when it is unlocked is kept for reuse in a list of all brokers. The
 * queue stays in the list when it is used again. When the list is too long, an unlock removes
 * the first queue. That queue is freed if it is idle; otherwise it enters the list again when
 * it is next unlocked idle. A queue that has only events in flight moves to the end of the
 * list instead, because no call unlocks it when the last of them has been received. The list
 * may thus be too long for a while. An unlock frees at most two queues, and no idle queue
 * stays out of the list.
 */
#define IDLE_MAX	1024

static LIST_HEAD(idle_queues);		/* idle_lock: by ke_queue.idle */
static unsigned int n_idle;		/* idle_lock */
static DEFINE_SPINLOCK(idle_lock);

/* Removes @queue, which is dead, from the table and the tree. */
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

/* Removes and returns the first queue of the list if the list is too long, else NULL. */
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

/* Frees @queue, which push_out() has removed from the list, if it is idle. */
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
	/* The lock is not needed any more: no call arms the timeout of a dead queue. */
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
	/* RCU keeps the namespaces of queues that are pushed out: see broker_net_pre_exit(). */
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

	/* RCU keeps the clients in @wake_q after the unlock. */
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

/*
 * Creates a queue for @id unless there is one. Returns 0, -ENOMEM, or -EINTR after a fatal
 * signal. After 0 a lookup may still fail: the queue may have been reclaimed, or the table
 * was busy and the caller has to try again.
 */
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
	if (err == -EBUSY)	/* a worker is growing the table */
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
	/* Order inserting the queue before reading strict: pairs with ke_broker_recheck_all(). */
	smp_mb();
	return queue;
}

/*
 * Returns the next queue whose timeout is due, with its lock held, or NULL. RCU keeps a queue
 * that is dead by now until it is unlocked.
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
	/* Deferred work runs even if deadlines are left, of which there may always be more. */
	ke_queue_work_locked(queue);
	next = timerqueue_getnext(&queue->deadlines);
	if (next)
		ke_timer_arm(&broker->timer, &queue->timeout, more ? now : next->expires);
}

/* The worker runs deadlines that are due and work that calls have deferred. */
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

	/* Order writing strict before looking queues up: pairs with __ke_broker_get_lock(). */
	smp_mb();
	/* A namespace leaves the list under net_rwsem before its broker is freed. */
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

/*
 * Removes the queues of @net from the list of idle queues. The core waits for a grace period
 * before it calls broker_net_exit(): after that no unlock is reclaiming a queue of @net.
 */
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
	/* ke_broker_recheck_all() can be called until the module is gone. */
	down_write(&net_rwsem);
	is_registered = false;
	up_write(&net_rwsem);
	unregister_pernet_subsys(&broker_net_ops);
}
