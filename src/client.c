// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "broker.h"
#include "event.h"
#include "queue.h"
#include "quota.h"
#include "trace.h"

static const struct ke_charge watch_charge = {
	.bytes = sizeof(struct ke_watch),
};

struct ke_client *ke_client_create(void)
{
	struct ke_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->user = ke_user_find(current_uid());
	if (!client->user) {
		kfree(client);
		return ERR_PTR(-ENOMEM);
	}
	client->net = get_net(current->nsproxy->net_ns);
	client->broker = ke_broker_of(client->net);
	ke_inbox_init(&client->inbox);
	ke_lessee_init(&client->lessee);
	mutex_init(&client->watches_lock);
	xa_init(&client->watches);
	return client;
}

struct ke_user *ke_client_user(struct ke_client *client)
{
	if (!uid_eq(client->user->uid, current_uid()))
		return ke_user_find(current_uid());
	refcount_inc(&client->user->refs);
	return client->user;
}

static struct ke_watch *create_watch(struct ke_client *client)
{
	struct ke_user *user = client->user;
	struct ke_watch *watch;
	int err;

	err = ke_quota_charge(user, &watch_charge);
	if (err)
		return ERR_PTR(err);
	watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!watch) {
		ke_quota_uncharge(user, &watch_charge);
		return ERR_PTR(-ENOMEM);
	}
	INIT_LIST_HEAD(&watch->in_ready);
	watch->inbox = &client->inbox;
	watch->cred = get_current_cred();
	return watch;
}

static void free_watch(struct ke_client *client, struct ke_watch *watch)
{
	put_cred(watch->cred);
	kfree_rcu(watch, rcu);
	ke_quota_uncharge(client->user, &watch_charge);
}

static int add_watch(struct ke_client *client, s32 id)
{
	struct ke_watch *watch = create_watch(client);
	struct ke_queue *queue;
	int err;

	if (IS_ERR(watch))
		return PTR_ERR(watch);
	err = xa_err(xa_store(&client->watches, (u32)id, watch,
			      GFP_KERNEL_ACCOUNT | __GFP_NOWARN));
	if (err)
		goto free;
	queue = ke_broker_get_locked(client->broker, id, client->user);
	if (IS_ERR(queue)) {
		err = PTR_ERR(queue);
		goto erase;
	}
	__acquire(&queue->lock);
	if (ke_queue_vacant_locked(queue))
		err = ke_queue_charge_locked(queue, client->user);
	if (!err) {
		watch->queue = queue;
		list_add_tail(&watch->in_queue, &queue->watches);
		ke_queue_wake_locked(queue);
	}
	ke_broker_unlock(client->broker, queue);
	if (!err)
		return 0;

erase:
	xa_erase(&client->watches, (u32)id);
free:
	free_watch(client, watch);
	return err;
}

int ke_client_watch(struct ke_client *client, s32 id)
{
	int err = 0;

	if (mutex_lock_killable(&client->watches_lock))
		return -EINTR;
	if (!xa_load(&client->watches, (u32)id)) {
		err = add_watch(client, id);
		if (ke_quota_refused(err)) {
			ke_broker_reap(client->broker);
			err = add_watch(client, id);
		}
	}
	mutex_unlock(&client->watches_lock);
	return err;
}

void ke_client_show(struct ke_client *client, struct seq_file *seq)
{
	struct ke_watch *watch;
	unsigned long id;

	seq_printf(seq, "kevents-net-ns:\t%u\n", client->net->ns.inum);
	seq_printf(seq, "kevents-leases:\t%lu\n", READ_ONCE(client->lessee.count));
	mutex_lock(&client->watches_lock);
	xa_for_each(&client->watches, id, watch)
		seq_printf(seq, "kevents-watch:\t%d\n", (s32)id);
	mutex_unlock(&client->watches_lock);
}

static void end_watch(struct ke_client *client, struct ke_watch *watch)
{
	struct ke_queue *queue = watch->queue;

	spin_lock(&queue->lock);
	watch->dead = true;
	list_del(&watch->in_queue);
	ke_inbox_forget(watch);
	ke_broker_unlock(client->broker, queue);
	free_watch(client, watch);
}

int ke_client_unwatch(struct ke_client *client, s32 id)
{
	struct ke_watch *watch;

	if (mutex_lock_killable(&client->watches_lock))
		return -EINTR;
	watch = xa_erase(&client->watches, (u32)id);
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
	LIST_HEAD(ended);

	queue = ke_lease_find_locked(&client->lessee, &seq, &event);
	if (!queue)
		return -ENOENT;
	__acquire(&queue->lock);
	ke_lease_end_locked(queue, event);
	trace_kevents_ack(event);
	queue->counts.received++;
	ke_queue_end_locked(queue, event, &ended);
	ke_broker_unlock(client->broker, queue);
	ke_event_free_list(&ended);
	return 0;
}

/* Gives number @seq back, or any where @seq is NULL. */
static int give_back(struct ke_client *client, const u64 *seq)
{
	struct ke_queue *queue;
	struct ke_event *event;
	LIST_HEAD(ended);

	queue = ke_lease_find_locked(&client->lessee, seq, &event);
	if (!queue)
		return -ENOENT;
	__acquire(&queue->lock);
	ke_lease_end_locked(queue, event);
	ke_queue_return_locked(queue, event, &ended);
	ke_broker_unlock(client->broker, queue);
	ke_event_free_list(&ended);
	return 0;
}

int ke_client_nack(struct ke_client *client, u64 seq)
{
	return give_back(client, &seq);
}

void ke_client_destroy(struct ke_client *client)
{
	struct ke_watch *watch;
	unsigned long id;

	while (!give_back(client, NULL))
		cond_resched();
	xa_for_each(&client->watches, id, watch) {
		end_watch(client, watch);
		cond_resched();
	}
	xa_destroy(&client->watches);
	put_net(client->net);
	ke_user_put(client->user);
	kfree(client);
}
