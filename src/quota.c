// SPDX-License-Identifier: GPL-2.0-only
#include "quota.h"

#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/user_namespace.h>

struct ke_quota_limits ke_limits = {
	.max_event_size = 65536,
	.max_bytes = 64UL << 20,
	.user_max_bytes = 16UL << 20,
	.user_max_events = 65536,
	.user_max_ids = 4096,
};

atomic_long_t ke_quota_bytes;

/* For max_bytes; that for the limits of a user is in its account. */
static struct ke_room common_room;

struct workqueue_struct *ke_workqueue;

/* An account is in the table as long as there are references to it. */
static DEFINE_HASHTABLE(users, 8);
static DEFINE_SPINLOCK(users_lock);

/* Everybody: those that wait exclusively do so for different files. */
static void wake_senders(struct ke_user *user)
{
	__wake_up(&user->wait, TASK_NORMAL, 0,
		  poll_to_key(EPOLLOUT | EPOLLWRNORM));
}

static void wake_everybody(struct work_struct *work)
{
	struct ke_user *user;
	int bucket;

	spin_lock(&users_lock);
	hash_for_each(users, bucket, user, node)
		if (wq_has_sleeper(&user->wait))
			wake_senders(user);
	spin_unlock(&users_lock);
}

/* Owns a reference to the user. */
static void wake_user(struct work_struct *work)
{
	struct ke_user *user = container_of(work, struct ke_user, room.wake);

	wake_senders(user);
	ke_user_put(user);
}

static void room_init(struct ke_room *room, work_func_t wake)
{
	atomic_set(&room->wanted, 0);
	atomic_set(&room->freed, 0);
	INIT_WORK(&room->wake, wake);
}

/* Returns true once for all who wanted room until now. */
static bool take_wish(struct ke_room *room)
{
	if (!atomic_read(&room->wanted) || !atomic_xchg(&room->wanted, 0))
		return false;
	atomic_inc(&room->freed);
	return true;
}

/* Waking is left to a worker: there may be many, and they are not ours. */
static void common_freed(void)
{
	if (take_wish(&common_room))
		queue_work(ke_workqueue, &common_room.wake);
}

static void user_freed(struct ke_user *user)
{
	if (!take_wish(&user->room))
		return;
	refcount_inc(&user->refs);
	if (!queue_work(ke_workqueue, &user->room.wake))
		ke_user_put(user);
}

static struct ke_user *lookup(kuid_t uid)
{
	struct ke_user *user;

	hash_for_each_possible(users, user, node, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid) && refcount_inc_not_zero(&user->refs))
			return user;
	}
	return NULL;
}

struct ke_user *ke_user_find(kuid_t uid)
{
	struct ke_user *user, *new;

	spin_lock(&users_lock);
	user = lookup(uid);
	spin_unlock(&users_lock);
	if (user)
		return user;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->uid = uid;
	refcount_set(&new->refs, 1);
	spin_lock_init(&new->lock);
	room_init(&new->room, wake_user);
	init_waitqueue_head(&new->wait);
	spin_lock(&users_lock);
	user = lookup(uid);
	if (!user)
		hash_add(users, &new->node, __kuid_val(uid));
	spin_unlock(&users_lock);
	if (!user)
		return new;
	kfree(new);
	return user;
}

void ke_user_put(struct ke_user *user)
{
	if (!refcount_dec_and_lock(&user->refs, &users_lock))
		return;
	__acquire(&users_lock);	/* sparse does not know that it is taken */
	hash_del(&user->node);
	spin_unlock(&users_lock);
	kfree(user);
}

static bool charge_all(unsigned long bytes)
{
	unsigned long limit = READ_ONCE(ke_limits.max_bytes);
	long old = atomic_long_read(&ke_quota_bytes);

	do {
		if (old + bytes > limit)
			return false;
	} while (!atomic_long_try_cmpxchg(&ke_quota_bytes, &old, old + bytes));
	return true;
}

static void add(struct ke_charge *used, const struct ke_charge *charge)
{
	used->bytes += charge->bytes;
	used->events += charge->events;
	used->ids += charge->ids;
}

static bool is_over(const struct ke_charge *used, const struct ke_charge *charge)
{
	return used->bytes + charge->bytes > READ_ONCE(ke_limits.user_max_bytes) ||
	       (charge->events && used->events + charge->events >
				  READ_ONCE(ke_limits.user_max_events)) ||
	       (charge->ids && used->ids + charge->ids >
			       READ_ONCE(ke_limits.user_max_ids));
}

static bool is_privileged(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
}

static int charge_user(struct ke_user *user, const struct ke_charge *charge)
{
	int err = 0;

	spin_lock(&user->lock);
	if (is_over(&user->used, charge) && !is_privileged())
		err = -EDQUOT;
	else
		add(&user->used, charge);
	spin_unlock(&user->lock);
	return err;
}

static void uncharge_user(struct ke_user *user, const struct ke_charge *charge)
{
	spin_lock(&user->lock);
	user->used.bytes -= charge->bytes;
	user->used.events -= charge->events;
	user->used.ids -= charge->ids;
	spin_unlock(&user->lock);
}

int ke_quota_charge(struct ke_user *user, const struct ke_charge *charge)
{
	int err = charge_user(user, charge);

	if (err)
		return err;
	if (!charge_all(charge->bytes)) {
		uncharge_user(user, charge);
		user_freed(user);
		return -EAGAIN;
	}
	refcount_inc(&user->refs);
	return 0;
}

void ke_quota_uncharge(struct ke_user *user, const struct ke_charge *charge)
{
	uncharge_user(user, charge);
	/* Before wanted is looked at: pairs with ke_room_want(). */
	atomic_long_sub_return(charge->bytes, &ke_quota_bytes);
	common_freed();
	user_freed(user);
	ke_user_put(user);
}

struct ke_charge ke_quota_used(struct ke_user *user)
{
	struct ke_charge used;

	spin_lock(&user->lock);
	used = user->used;
	spin_unlock(&user->lock);
	return used;
}

int ke_quota_check(struct ke_user *user, unsigned long bytes)
{
	const struct ke_charge charge = { .bytes = bytes, .events = 1 };
	const struct ke_charge used = ke_quota_used(user);

	if (is_over(&used, &charge) && !is_privileged())
		return -EDQUOT;
	if (atomic_long_read(&ke_quota_bytes) + bytes > READ_ONCE(ke_limits.max_bytes))
		return -EAGAIN;
	return 0;
}

void ke_room_watch(struct ke_room *room)
{
	atomic_set(&room->wanted, 1);
	/* Before the amounts are looked at: pairs with ke_quota_uncharge(). */
	smp_mb();
}

struct ke_room *ke_room_want(struct ke_user *user, int refusal, int *since)
{
	struct ke_room *room = refusal == -EDQUOT ? &user->room : &common_room;

	*since = atomic_read(&room->freed);
	ke_room_watch(room);
	return room;
}

void ke_user_poll(struct ke_user *user, struct file *file,
		  struct poll_table_struct *wait)
{
	poll_wait(file, &user->wait, wait);
}

int ke_room_wait(struct ke_user *user, struct ke_room *room, int since,
		 ktime_t *deadline)
{
	bool in_time = !deadline || ktime_get() < *deadline;
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait(&user->wait, &wait, TASK_INTERRUPTIBLE);
		err = deadline ? -EINTR : -ERESTARTSYS;
		if (signal_pending(current))
			break;
		err = -ETIMEDOUT;
		if (!in_time)
			break;
		err = 0;
		if (ke_room_came(room, since))
			break;
		in_time = schedule_hrtimeout_range(deadline,
						   current->timer_slack_ns,
						   HRTIMER_MODE_ABS);
	}
	finish_wait(&user->wait, &wait);
	return err;
}

void ke_quota_retry(void)
{
	struct ke_user *user;
	int bucket;

	take_wish(&common_room);
	spin_lock(&users_lock);
	hash_for_each(users, bucket, user, node) {
		take_wish(&user->room);
		wake_senders(user);
	}
	spin_unlock(&users_lock);
}

int ke_quota_init(void)
{
	ke_workqueue = alloc_workqueue("kevents", WQ_UNBOUND, 0);
	if (!ke_workqueue)
		return -ENOMEM;
	room_init(&common_room, wake_everybody);
	return 0;
}

void ke_quota_exit(void)
{
	destroy_workqueue(ke_workqueue);
}
