// SPDX-License-Identifier: GPL-2.0-only
#include "broker.h"

#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "event.h"
#include "queue.h"

/*
 * The lock map
 *
 * ke_queue.lock  covers all of ke_queue but id, which is constant, and node,
 *                which the table keeps; of a ke_event in the queue its entry,
 *                copiers, gone and deliveries; of a ke_receiver in the queue
 *                its entry and woken. Taken by every call for the ID; never
 *                two of them at a time. Nothing sleeps under it: memory of the
 *                caller is touched with page faults off.
 * bucket locks   of the table, taken by rhashtable to insert and remove; inside
 *                ke_queue.lock when a queue is removed. Looking up takes none.
 * ke_broker.seq  a counter; drawn under ke_queue.lock, which makes the numbers
 *                of a queue grow in the order of its events.
 * ke_broker.idle a lock-free list; filled under ke_queue.lock, emptied by the
 *                reaper.
 *
 * Who keeps what alive
 *
 * module      every open file (file_operations.owner).
 * ke_broker   part of the network namespace; ke_client holds a reference to
 *             that. So when a broker goes there is no client and no call.
 * ke_queue    the table holds it from its creation until ke_queue.dead is set.
 *             Found under RCU; whoever has its lock and sees that it is not
 *             dead may use it until unlocking, and across unlocking if it
 *             counts itself in ke_queue.pins. Freed after a grace period.
 * ke_event    the list it is in; ke_event.copiers, if it has been taken while
 *             somebody copies it.
 * ke_receiver the stack of its process, which leaves the row before it goes.
 *
 * How a queue ends
 *
 * When a queue is unlocked empty and without pins, it is put on the idle list,
 * unless it is there: so each unused queue is on that list. Once a second, or
 * sooner if many came, the reaper looks at the list: it drops from it the
 * queues that are in use, keeps those that were used since its last look, and
 * ends the others. A busy queue that is empty in between stays.
 */

#define REAP_DELAY	HZ
#define REAP_EARLY	1024	/* newly idle queues that are not left waiting */

static unsigned int broker_net_id;
static struct workqueue_struct *reapers;

static const struct rhashtable_params queue_params = {
	.key_len = sizeof_field(struct ke_queue, id),
	.key_offset = offsetof(struct ke_queue, id),
	.head_offset = offsetof(struct ke_queue, node),
	.automatic_shrinking = true,
};

struct ke_broker *ke_broker_of(const struct net *net)
{
	return net_generic(net, broker_net_id);
}

/*
 * Returns the queue of @id locked, or NULL if there is none. sparse cannot see
 * a lock that is taken only sometimes: callers that get one __acquire() it.
 */
static struct ke_queue *find_queue_locked(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue;

	rcu_read_lock();
	for (;;) {
		queue = rhashtable_lookup(&broker->queues, &id, queue_params);
		if (!queue)
			break;
		spin_lock(&queue->lock);
		if (!queue->dead) {
			__release(&queue->lock);
			break;
		}
		spin_unlock(&queue->lock);
	}
	rcu_read_unlock();
	return queue;
}

static int wait_a_tick(void)
{
	schedule_timeout_killable(1);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Makes sure that @id has had a queue; it may be gone again. */
static int create_queue(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue, *other;

	queue = ke_queue_create(id);
	if (!queue)
		return -ENOMEM;
	rcu_read_lock();
	other = rhashtable_lookup_get_insert_fast(&broker->queues, &queue->node,
						  queue_params);
	rcu_read_unlock();
	if (!other)
		return 0;
	ke_queue_destroy(queue);
	if (other == ERR_PTR(-EBUSY))	/* the table is growing in a worker */
		return wait_a_tick();
	return IS_ERR(other) ? -ENOMEM : 0;
}

/* Returns the queue of @id locked, a new one if need be; -ENOMEM, -EINTR. */
static struct ke_queue *get_queue_locked(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue;
	int err;

	for (;;) {
		queue = find_queue_locked(broker, id);
		if (queue)
			return queue;
		err = create_queue(broker, id);
		if (err)
			return ERR_PTR(err);
	}
}

static void reap_later(struct ke_broker *broker)
{
	if (atomic_inc_return(&broker->idle_new) == REAP_EARLY)
		mod_delayed_work(reapers, &broker->reaper, 0);
	else
		queue_delayed_work(reapers, &broker->reaper, REAP_DELAY);
}

static void unlock_queue(struct ke_broker *broker, struct ke_queue *queue)
	__releases(&queue->lock)
{
	bool idle = !queue->listed && ke_queue_unused_locked(queue);

	if (idle) {
		queue->listed = true;
		llist_add(&queue->idle, &broker->idle);
	}
	spin_unlock(&queue->lock);
	if (idle)
		reap_later(broker);
}

/* Whether @queue, which was on the idle list, is to be there still. */
static bool reap_queue(struct ke_broker *broker, struct ke_queue *queue)
{
	bool keep = false, dead = false;

	spin_lock(&queue->lock);
	if (!ke_queue_unused_locked(queue)) {
		queue->listed = false;
	} else if (queue->used) {
		queue->used = false;
		keep = true;
	} else {
		queue->dead = true;
		dead = true;
		rhashtable_remove_fast(&broker->queues, &queue->node,
				       queue_params);
	}
	spin_unlock(&queue->lock);
	/* Not under its lock, which has to be there until it is released. */
	if (dead)
		ke_queue_destroy_rcu(queue);
	return keep;
}

static void reap(struct work_struct *work)
{
	struct ke_broker *broker = container_of(to_delayed_work(work),
						struct ke_broker, reaper);
	struct ke_queue *queue, *next;
	struct llist_node *idle;
	bool again = false;

	atomic_set(&broker->idle_new, 0);
	idle = llist_del_all(&broker->idle);
	llist_for_each_entry_safe(queue, next, idle, idle) {
		if (reap_queue(broker, queue)) {
			llist_add(&queue->idle, &broker->idle);
			again = true;
		}
		cond_resched();
	}
	if (again)
		queue_delayed_work(reapers, &broker->reaper, REAP_DELAY);
}

int ke_broker_send(struct ke_broker *broker, struct ke_event *event,
		   u64 seq_addr)
{
	struct ke_queue *queue;
	int err;

	for (;;) {
		queue = get_queue_locked(broker, event->id);
		if (IS_ERR(queue))
			return PTR_ERR(queue);
		__acquire(&queue->lock);
		err = ke_event_stamp(event, atomic64_inc_return(&broker->seq),
				     seq_addr, KE_COPY_ATOMIC);
		if (!err)
			ke_queue_append_locked(queue, event);
		unlock_queue(broker, queue);
		if (!err)
			return 0;
		/* A page is missing; the next number will find it. */
		err = ke_event_stamp(event, 0, seq_addr, KE_COPY_MAY_SLEEP);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

int ke_broker_receive(struct ke_broker *broker, s32 id,
		      struct ke_receiver *receiver)
{
	struct ke_queue *queue;
	int err;

	if (receiver->waits)
		queue = get_queue_locked(broker, id);
	else
		queue = find_queue_locked(broker, id);
	if (!queue)
		return -ENOMSG;
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	err = ke_queue_receive_locked(queue, receiver);
	unlock_queue(broker, queue);
	ke_event_free_list(&receiver->taken);
	return err;
}

int ke_broker_poll(struct ke_broker *broker, s32 id)
{
	struct ke_queue *queue = find_queue_locked(broker, id);
	bool ready;

	if (!queue)
		return 0;
	__acquire(&queue->lock);
	ready = ke_queue_ready_locked(queue);
	unlock_queue(broker, queue);
	return ready;
}

static int __net_init broker_net_init(struct net *net)
{
	struct ke_broker *broker = ke_broker_of(net);

	atomic64_set(&broker->seq, 0);
	init_llist_head(&broker->idle);
	atomic_set(&broker->idle_new, 0);
	INIT_DELAYED_WORK(&broker->reaper, reap);
	return rhashtable_init(&broker->queues, &queue_params);
}

static void free_queue(void *queue, void *unused)
{
	ke_queue_destroy(queue);
}

static void __net_exit broker_net_exit(struct net *net)
{
	struct ke_broker *broker = ke_broker_of(net);

	cancel_delayed_work_sync(&broker->reaper);
	rhashtable_free_and_destroy(&broker->queues, free_queue, NULL);
}

static struct pernet_operations broker_net_ops = {
	.init = broker_net_init,
	.exit = broker_net_exit,
	.id = &broker_net_id,
	.size = sizeof(struct ke_broker),
};

int ke_broker_init(void)
{
	int err;

	reapers = alloc_workqueue("kevents", WQ_UNBOUND, 0);
	if (!reapers)
		return -ENOMEM;
	err = register_pernet_subsys(&broker_net_ops);
	if (err)
		destroy_workqueue(reapers);
	return err;
}

void ke_broker_exit(void)
{
	unregister_pernet_subsys(&broker_net_ops);
	destroy_workqueue(reapers);
}
