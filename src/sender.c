// SPDX-License-Identifier: GPL-2.0-only
#include "sender.h"

#include <linux/err.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "quota.h"

/* Processes that share a client and send in turn should find themselves here. */
#define RECENT_MAX 32

struct kmem_cache *ke_sender_spares;

static struct ke_charge charge_for(const struct pid *pid)
{
	return (struct ke_charge) {
		.bytes = sizeof(struct ke_sender) + KE_SENDER_SPARE_SIZE + sizeof(*pid) +
			 (pid->level + 1) * sizeof(pid->numbers[0]),
	};
}

struct ke_charge ke_sender_charge(void)
{
	return charge_for(task_tgid(current));
}

static struct ke_sender *create(const struct ke_identity *identity, struct pid *pid)
{
	struct ke_user *user = identity->user;
	struct ke_sender *sender;
	int err;

	err = ke_quota_charge(identity, charge_for(pid));
	if (err)
		return ERR_PTR(err);
	sender = kmalloc(sizeof(*sender), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!sender) {
		ke_quota_uncharge(user, charge_for(pid));
		return ERR_PTR(-ENOMEM);
	}
	refcount_inc(&user->refs);
	sender->user = user;
	sender->pid = get_pid(pid);
	current_uid_gid(&sender->uid, &sender->gid);
	sender->spare = NULL;
	return sender;
}

void ke_sender_free(struct ke_sender *sender)
{
	if (sender->spare)
		kmem_cache_free(ke_sender_spares, sender->spare);
	ke_quota_uncharge(sender->user, charge_for(sender->pid));
	ke_user_put(sender->user);
	put_pid(sender->pid);
	kfree_rcu(sender, rcu);
}

void ke_senders_init(struct ke_senders *senders)
{
	spin_lock_init(&senders->lock);
	INIT_HLIST_HEAD(&senders->recent);
}

static struct ke_sender *find(struct ke_senders *senders)
{
	struct ke_sender *sender;

	rcu_read_lock();
	hlist_for_each_entry_rcu(sender, &senders->recent, node)
		if (ke_sender_is_current(sender) && refcount_inc_not_zero(&sender->refs))
			break;
	rcu_read_unlock();
	return sender;
}

/* Takes the one out that has been there longest. */
static struct ke_sender *forget_last(struct ke_senders *senders)
{
	struct ke_sender *sender, *last = NULL;

	lockdep_assert_held(&senders->lock);
	hlist_for_each_entry(sender, &senders->recent, node)
		last = sender;
	hlist_del_rcu(&last->node);
	senders->count--;
	return last;
}

static void remember(struct ke_senders *senders, struct ke_sender *sender)
{
	struct ke_sender *old = NULL;

	spin_lock(&senders->lock);
	if (!senders->first) {
		/* Whoever sees it sees what is in it. */
		smp_store_release(&senders->first, sender);
	} else {
		if (senders->count == RECENT_MAX)
			old = forget_last(senders);
		hlist_add_head_rcu(&sender->node, &senders->recent);
		senders->count++;
	}
	spin_unlock(&senders->lock);
	if (old)
		ke_sender_put(old);
}

struct ke_sender *ke_sender_get_other(struct ke_senders *senders,
				      const struct ke_identity *identity)
{
	struct ke_sender *sender = find(senders);

	if (sender)
		return sender;
	sender = create(identity, task_tgid(current));
	if (IS_ERR(sender))
		return sender;
	refcount_set(&sender->refs, 2);
	remember(senders, sender);
	return sender;
}

void ke_senders_drop(struct ke_senders *senders)
{
	struct hlist_node *next;
	struct ke_sender *sender;

	hlist_for_each_entry_safe(sender, next, &senders->recent, node)
		ke_sender_put(sender);
	if (senders->first)
		ke_sender_put(senders->first);
}
