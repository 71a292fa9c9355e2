// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"

#include <linux/err.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "broker.h"
#include "compat.h"
#include "event.h"
#include "queue.h"
#include "trace.h"

/* The charge includes a queue, because a watch may be all that keeps its queue. */
static unsigned long watch_bytes(void)
{
	return sizeof(struct ke_watch) + ke_queue_bytes;
}

static void free_client(struct ke_client *client)
{
	struct ke_account *account = client->identity.account;

	/* RCU readers may still be waking pollers of the client. */
	kfree_rcu(client, rcu);
	ke_account_put(account);
}

struct ke_client *ke_client_create(const struct cred *cred)
{
	struct net *net = current->nsproxy->net_ns;
	struct ke_client *client;
	struct ke_identity *identity;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!client)
		return ERR_PTR(-ENOMEM);
	identity = &client->identity;
	ke_identity_init(identity, cred, net->user_ns);
	identity->account = ke_account_get(cred);
	if (!identity->account) {
		kfree(client);
		return ERR_PTR(-ENOMEM);
	}
	client->net = get_net(net);
	client->broker = ke_broker_of(net);
	ke_ready_list_init(&client->ready_list);
	ke_space_poller_init(&client->space_poller, identity, &client->ready_list.wait);
	ke_lease_table_init(&client->leases);
	mutex_init(&client->watches_lock);
	client->watches = RB_ROOT;
	return client;
}

static struct ke_watch *create_watch(struct ke_client *client)
{
	struct ke_watch *watch;
	int err;

	err = ke_charge(&client->identity, watch_bytes(), false);
	if (err)
		return ERR_PTR(err);
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!watch) {
		ke_uncharge(client->identity.account, watch_bytes());
		return ERR_PTR(-ENOMEM);
	}
	INIT_LIST_HEAD(&watch->in_ready);
	watch->list = &client->ready_list;
	watch->identity = &client->identity;
	return watch;
}

static void free_watch(struct ke_client *client, struct ke_watch *watch)
{
	kfree_rcu(watch, rcu);
	ke_uncharge(client->identity.account, watch_bytes());
}

static int compare_id(const void *id, const struct rb_node *node)
{
	s32 wanted = *(const s32 *)id;
	s32 found = rb_entry(node, struct ke_watch, node)->queue->id;

	return wanted < found ? -1 : wanted > found;
}

static bool comes_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ke_watch, node)->queue->id <
	       rb_entry(b, struct ke_watch, node)->queue->id;
}

static struct ke_watch *find_watch(struct ke_client *client, s32 id)
{
	struct rb_node *node;

	lockdep_assert_held(&client->watches_lock);
	node = rb_find(&id, &client->watches, compare_id);
	return node ? rb_entry(node, struct ke_watch, node) : NULL;
}

static int add_watch(struct ke_client *client, s32 id)
{
	struct ke_watch *watch = create_watch(client);
	struct ke_wake_q wake_q;
	struct ke_queue *queue;

	if (IS_ERR(watch))
		return PTR_ERR(watch);
	queue = ke_broker_get_lock(client->broker, id);
	if (IS_ERR(queue)) {
		free_watch(client, watch);
		return PTR_ERR(queue);
	}
	__acquire(&queue->lock);
	ke_wake_q_init(&wake_q, client->identity.account);
	ke_queue_add_watch_locked(queue, watch, &wake_q);
	ke_queue_unlock_and_wake(queue, &wake_q);
	rb_add(&watch->node, &client->watches, comes_before);
	return 0;
}

int ke_client_watch(struct ke_client *client, s32 id)
{
	int err = 0;

	if (mutex_lock_killable(&client->watches_lock))
		return -EINTR;
	if (!find_watch(client, id))
		err = add_watch(client, id);
	mutex_unlock(&client->watches_lock);
	return err;
}

void __ke_client_found_empty(struct ke_client *client, s32 id)
{
	struct ke_watch *watch;
	struct ke_wake_q wake_q;
	struct ke_queue *queue;

	if (mutex_lock_killable(&client->watches_lock))
		return;
	watch = find_watch(client, id);
	if (watch) {
		queue = watch->queue;
		spin_lock(&queue->lock);
		ke_wake_q_init(&wake_q, client->identity.account);
		ke_queue_rearm_watch_locked(queue, watch, &wake_q);
		ke_queue_unlock_and_wake(queue, &wake_q);
	}
	mutex_unlock(&client->watches_lock);
}

void ke_client_show(struct ke_client *client, struct seq_file *seq)
{
	struct ke_watch *watch;
	struct rb_node *node;

	seq_printf(seq, "kevents-net-ns:\t%u\n", client->net->ns.inum);
	seq_printf(seq, "kevents-leases:\t%lu\n", READ_ONCE(client->leases.count));
	mutex_lock(&client->watches_lock);
	for (node = rb_first(&client->watches); node; node = rb_next(node)) {
		watch = rb_entry(node, struct ke_watch, node);
		seq_printf(seq, "kevents-watch:\t%d\n", watch->queue->id);
	}
	mutex_unlock(&client->watches_lock);
}

static void end_watch(struct ke_client *client, struct ke_watch *watch)
{
	struct ke_queue *queue = watch->queue;

	spin_lock(&queue->lock);
	ke_queue_remove_watch_locked(queue, watch);
	ke_queue_unlock(queue);
	free_watch(client, watch);
}

int ke_client_unwatch(struct ke_client *client, s32 id)
{
	struct ke_watch *watch;

	if (mutex_lock_killable(&client->watches_lock))
		return -EINTR;
	watch = find_watch(client, id);
	if (watch)
		rb_erase(&watch->node, &client->watches);
	mutex_unlock(&client->watches_lock);
	if (!watch)
		return -ENOENT;
	end_watch(client, watch);
	return 0;
}

int ke_client_ack(struct ke_client *client, u64 seq)
{
	struct ke_queue *queue;
	struct ke_event *event;
	HLIST_HEAD(dispose);

	queue = ke_lease_end_lock(&client->leases, &seq, &event);
	if (!queue)
		return -ENOENT;
	__acquire(&queue->lock);
	trace_kevents_ack(event);
	queue->counts.received++;
	ke_queue_dispose_locked(queue, event, &dispose);
	ke_queue_unlock(queue);
	ke_event_free_list(&dispose);
	return 0;
}

/* Ends the lease of the event numbered @seq, or the first lease if @seq is NULL. */
static int requeue_leased(struct ke_client *client, const u64 *seq)
{
	struct ke_queue *queue;
	struct ke_event *event;
	struct ke_wake_q wake_q;
	HLIST_HEAD(dispose);

	queue = ke_lease_end_lock(&client->leases, seq, &event);
	if (!queue)
		return -ENOENT;
	__acquire(&queue->lock);
	ke_queue_requeue_locked(queue, event, &dispose);
	ke_wake_q_init(&wake_q, client->identity.account);
	ke_queue_offer_locked(queue, 1, &wake_q);
	ke_queue_unlock_and_wake(queue, &wake_q);
	ke_event_free_list(&dispose);
	return 0;
}

int ke_client_nack(struct ke_client *client, u64 seq)
{
	return requeue_leased(client, &seq);
}

void ke_client_destroy(struct ke_client *client)
{
	struct ke_watch *watch, *next;

	while (!requeue_leased(client, NULL))
		cond_resched();
	rbtree_postorder_for_each_entry_safe(watch, next, &client->watches, node) {
		end_watch(client, watch);
		cond_resched();
	}
	ke_ready_list_exit(&client->ready_list);
	ke_space_poller_exit(&client->space_poller);
	put_net(client->net);
	free_client(client);
}
