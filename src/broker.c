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
#include "quota.h"

/*
 * The lock map
 *
 * Each lock may be taken while those above it are held, one of a kind.
 *
 * ke_queue.lock   all of ke_queue but what is constant (id, realm) or belongs to
 *                 the table (node, by_id) or the clock (alarm); of a ke_event,
 *                 a ke_watch and a ke_holder what its declaration says; of a
 *                 ke_waiter in the row all. Taken by every call for the ID.
 *                 Nothing sleeps under it: memory of the caller is touched with
 *                 page faults off.
 * ke_inbox.lock   of one client: which watches are ready, which receivers wait
 *                 for any of them.
 * ke_lessee.lock  of one client: its leases. An event comes and goes there under
 *                 both locks, so either keeps it there.
 * ke_clock.lock   of one broker: the alarms of its queues.
 * bucket locks    of the table, taken by rhashtable to insert and remove. Looking
 *                 up takes none.
 * ke_broker.ids_lock  the tree of IDs.
 * ke_refusal.lock of one client: where its last send found no room. Taken with none of
 *                 those above.
 * users_lock      quota.c: the table of accounts.
 * ke_pollers.lock which clients of an account are polled for room.
 * wait queues     of an inbox and of a user, and what epoll takes inside.
 * workqueues'     taken by what starts a worker.
 *
 * Beside them: ke_client.watches_lock, a mutex outside all of these, lets one
 * process at a time change what a client watches. ke_broker.seq is a counter
 * drawn under ke_queue.lock, which makes the numbers of a queue grow in the order
 * of its events. ke_reaper.idle is a lock-free list, filled under ke_queue.lock.
 * ke_wishes.ids has bits, set with no lock and cleared under ke_queue.lock.
 *
 * How an event meets a receiver that waits, under these locks, is modelled in
 * tests/model/handover.pml, in every order of steps but what is left out there.
 *
 * Who keeps what alive
 *
 * module       every open file (file_operations.owner).
 * ke_broker    part of the network namespace; ke_client holds a reference to
 *              that. So when a broker goes there is no client and no call.
 * ke_queue     the table holds it from its creation until ke_queue.dead is set.
 *              Found under RCU; whoever has its lock and sees that it is not
 *              dead may use it until unlocking, and across unlocking if it
 *              counts itself in ke_queue.pins, for a moment, or is in
 *              ke_payer.holders, where a watch is, too. Events, leases and a
 *              claim keep it as well. Freed after a grace period.
 * ke_event     the list or tree it is in. The spare of a client belongs to the one whose
 *              xchg() gets it.
 * ke_watch     its client, which sets dead; after that a grace period.
 * ke_waiter    the stack of its process, which leaves the row before it goes.
 * ke_holder    its watch, or the stack of a call, which takes it out of
 *              ke_payer.holders before it goes.
 * ke_poller    part of its client, which takes it out of the list before it goes.
 * ke_identity  part of its client, and with it the credentials, which are the file's.
 * ke_user      references: of clients, events and queues. What else is charged to it
 *              belongs to one of these.
 *
 * How a queue ends is told in reaper.c.
 */

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

struct ke_queue *ke_broker_search(struct ke_broker *broker, s32 id)
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
 * Puts @queue into the table; -EEXIST if its ID has one. Linked first: who ends
 * it must find it linked.
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

/* Takes @queue, which is dead, out of the table. */
static void bury(struct ke_reaper *reaper, struct ke_queue *queue)
{
	struct ke_broker *broker = container_of(reaper, struct ke_broker, reaper);

	/* As in insert(). */
	data_race(rhashtable_remove_fast(&broker->queues, &queue->node, queue_params));
	spin_lock(&broker->ids_lock);
	rb_erase(&queue->by_id, &broker->ids);
	spin_unlock(&broker->ids_lock);
}

static int wait_a_tick(void)
{
	schedule_timeout_killable(1);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Makes sure that @id has had a queue; it may be gone again. */
static int create(struct ke_broker *broker, s32 id, const struct ke_identity *identity)
{
	struct ke_queue *queue = ke_queue_create(&broker->realm, id, identity);
	int err;

	if (IS_ERR(queue))
		return PTR_ERR(queue);
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

struct ke_queue *ke_broker_make_locked(struct ke_broker *broker, s32 id,
				       const struct ke_identity *identity)
{
	struct ke_queue *queue;
	bool reaped = false;
	int err;

	do {
		err = create(broker, id, identity);
		if (ke_quota_refused(err) && !reaped) {
			ke_reaper_run(&broker->reaper);
			reaped = true;
		} else if (err) {
			return ERR_PTR(err);
		}
		queue = ke_broker_find_locked(broker, id);
	} while (!queue);
	/*
	 * The queue is there before wishes and strict are looked at: pairs with
	 * ke_wishes_add() and ke_broker_recheck_all().
	 */
	smp_mb();
	return queue;
}

/*
 * Returns the queue whose alarm goes off now, locked, or NULL when there is none.
 * One that has ended meanwhile has to be unlocked before RCU lets it go.
 */
static struct ke_queue *next_due_locked(struct ke_broker *broker)
{
	struct timerqueue_node *alarm;
	struct ke_queue *queue = NULL;

	rcu_read_lock();
	while ((alarm = ke_clock_next(&broker->clock))) {
		queue = container_of(alarm, struct ke_queue, alarm);
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

static void settle(struct ke_broker *broker, struct ke_queue *queue,
		   struct hlist_head *ended)
	__must_hold(&queue->lock)
{
	struct timerqueue_node *next;

	ke_lease_settle_locked(queue, ended);
	next = timerqueue_getnext(&queue->deadlines);
	if (next)
		ke_clock_set(&broker->clock, &queue->alarm, next->expires);
}

/* What ends because its time is up. */
static void expire(struct work_struct *work)
{
	struct ke_broker *broker = container_of(to_delayed_work(work),
						struct ke_broker, clock.work);
	struct ke_queue *queue;
	HLIST_HEAD(ended);

	while ((queue = next_due_locked(broker))) {
		__acquire(&queue->lock);
		settle(broker, queue, &ended);
		ke_broker_unlock(broker, queue);
		ke_event_free_list(&ended, NULL);
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
		queue = ke_broker_find_locked(broker, id);
		if (queue) {
			__acquire(&queue->lock);
			ke_queue_wake_all_locked(queue);
			ke_broker_unlock(broker, queue);
		}
		next = (s64)id + 1;
		cond_resched();
	}
}

void ke_broker_recheck_all(void)
{
	struct net *net;

	/* strict before the queues are looked for: pairs with ke_broker_make_locked(). */
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
	broker->realm.clock = &broker->clock;
	broker->realm.reaper = &broker->reaper;
	ke_clock_init(&broker->clock, expire);
	ke_wishes_init(&broker->wishes);
	ke_reaper_init(&broker->reaper, bury, &broker->wishes);
	return rhashtable_init(&broker->queues, &queue_params);
}

static void free_queue(void *queue, void *unused)
{
	ke_queue_destroy(queue);
}

static void __net_exit broker_net_exit(struct net *net)
{
	struct ke_broker *broker = ke_broker_of(net);

	ke_clock_stop(&broker->clock);
	ke_reaper_stop(&broker->reaper);
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
