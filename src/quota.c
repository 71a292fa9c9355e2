// SPDX-License-Identifier: GPL-2.0-only
#include "quota.h"

#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

struct ke_quota_limits ke_limits = {
	.max_event_size = 65536,
	.max_bytes = 64UL << 20,
	.user_max_bytes = 16UL << 20,
	.user_max_events = 65536,
	.user_max_ids = 4096,
};

atomic_long_t ke_quota_bytes;
struct ke_room ke_quota_room;

struct workqueue_struct *ke_workqueue;

/* An account is in the table as long as there are references to it. */
static DEFINE_HASHTABLE(users, 8);
static DEFINE_SPINLOCK(users_lock);

static void wake_senders(struct ke_user *user)
{
	if (wq_has_sleeper(&user->wait))
		wake_up_all(&user->wait);
	ke_pollers_wake(&user->pollers);
}

static void wake_everybody(struct work_struct *work)
{
	struct ke_user *user;
	int bucket;

	spin_lock(&users_lock);
	hash_for_each(users, bucket, user, node)
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
	atomic_set(&room->wants_id, 0);
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
	if (take_wish(&ke_quota_room))
		queue_work(ke_workqueue, &ke_quota_room.wake);
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

static bool is_over(const struct ke_user *user, struct ke_charge charge)
{
	return ke_quota_too_many(user, charge) ||
	       atomic_long_read(&user->bytes) + charge.bytes >
	       READ_ONCE(ke_limits.user_max_bytes);
}

/* Gives @charge back, which counts no longer there; returns false. */
bool ke_quota_undo(struct ke_user *user, struct ke_charge charge)
{
	atomic_long_sub(charge.events, &user->events);
	atomic_long_sub(charge.ids, &user->ids);
	atomic_long_sub(charge.bytes, &user->bytes);
	/* Others may have been refused for that. Pairs with ke_room_watch(). */
	smp_mb__after_atomic();
	user_freed(user);
	return false;
}

static void charge_anyhow(struct ke_user *user, struct ke_charge charge)
{
	atomic_long_add(charge.bytes, &user->bytes);
	atomic_long_add(charge.events, &user->events);
	atomic_long_add(charge.ids, &user->ids);
}

bool ke_quota_move(struct ke_user *from, struct ke_user *to, struct ke_charge charge)
{
	const bool fits = ke_quota_charge_user(to, charge);

	if (!fits)
		charge_anyhow(to, charge);
	ke_quota_undo(from, charge);
	return fits;
}

int ke_quota_charge_over(const struct ke_identity *identity, struct ke_charge charge)
{
	if (!identity->passes_limits)
		return -EDQUOT;
	charge_anyhow(identity->user, charge);
	if (ke_quota_add(&ke_quota_bytes, charge.bytes, READ_ONCE(ke_limits.max_bytes)))
		return 0;
	ke_quota_undo(identity->user, charge);
	return -EAGAIN;
}

void ke_quota_tell_all(struct ke_user *user)
{
	common_freed();
	user_freed(user);
}

static const struct ke_charge user_charge = { .bytes = sizeof(struct ke_user) };

static struct ke_user *create_user(kuid_t uid)
{
	struct ke_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);

	if (!user)
		return NULL;
	user->uid = uid;
	refcount_set(&user->refs, 1);
	room_init(&user->room, wake_user);
	init_waitqueue_head(&user->wait);
	ke_pollers_init(&user->pollers);
	return user;
}

struct ke_user *ke_user_find(const struct ke_identity *identity)
{
	struct ke_identity owner = *identity;
	const kuid_t uid = owner.cred->uid;
	struct ke_user *user, *new;

	spin_lock(&users_lock);
	user = lookup(uid);
	spin_unlock(&users_lock);
	if (user)
		return user;

	new = create_user(uid);
	if (!new)
		return NULL;
	spin_lock(&users_lock);
	user = lookup(uid);
	if (!user)
		hash_add(users, &new->node, __kuid_val(uid));
	spin_unlock(&users_lock);
	if (user) {
		kfree(new);
		return user;
	}
	/* Whoever finds all room taken has to be able to receive, too. */
	owner.user = new;
	new->charged = !ke_quota_charge(&owner, user_charge);
	return new;
}

void ke_user_put(struct ke_user *user)
{
	if (!refcount_dec_and_lock(&user->refs, &users_lock))
		return;
	__acquire(&users_lock);	/* sparse does not know that it is taken */
	hash_del(&user->node);
	spin_unlock(&users_lock);
	if (user->charged) {
		/* Before wanted is looked at: pairs with ke_room_watch(). */
		atomic_long_sub_return(user_charge.bytes, &ke_quota_bytes);
		common_freed();
	}
	kfree(user);
}

struct ke_charge ke_quota_used(const struct ke_user *user)
{
	return (struct ke_charge) {
		.bytes = atomic_long_read(&user->bytes),
		.events = atomic_long_read(&user->events),
		.ids = atomic_long_read(&user->ids),
	};
}

bool ke_quota_can_fit(const struct ke_identity *identity, struct ke_charge charge)
{
	if (charge.bytes > READ_ONCE(ke_limits.max_bytes))
		return false;
	return (charge.bytes <= READ_ONCE(ke_limits.user_max_bytes) &&
		charge.events <= READ_ONCE(ke_limits.user_max_events) &&
		charge.ids <= READ_ONCE(ke_limits.user_max_ids)) || identity->passes_limits;
}

int ke_quota_confirm_id(const struct ke_identity *identity)
{
	const struct ke_charge used = ke_quota_used(identity->user);
	const bool over = used.bytes > READ_ONCE(ke_limits.user_max_bytes) ||
			  used.ids > READ_ONCE(ke_limits.user_max_ids);

	return over && !identity->passes_limits ? -EDQUOT : 0;
}

int ke_quota_check_all(unsigned long bytes)
{
	return atomic_long_read(&ke_quota_bytes) + bytes > READ_ONCE(ke_limits.max_bytes) ?
	       -EAGAIN : 0;
}

int ke_quota_check(const struct ke_identity *identity, struct ke_charge charge)
{
	if (is_over(identity->user, charge) && !identity->passes_limits)
		return -EDQUOT;
	return ke_quota_check_all(charge.bytes);
}

void ke_room_watch(struct ke_room *room)
{
	atomic_set(&room->wanted, 1);
	/*
	 * Before amounts and limits are looked at: pairs with ke_quota_uncharge()
	 * and its like, and with ke_quota_retry().
	 */
	smp_mb();
}

struct ke_room *ke_room_want(struct ke_user *user, int refusal, int *since)
{
	struct ke_room *room = refusal == -EDQUOT ? &user->room : &ke_quota_room;

	*since = atomic_read(&room->freed);
	ke_room_watch(room);
	return room;
}

int ke_room_wait(struct ke_user *user, struct ke_room *room, int since,
		 ktime_t *deadline)
{
	bool in_time = !deadline || ktime_get() < *deadline;
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait(&user->wait, &wait, TASK_INTERRUPTIBLE);
		err = -ETIMEDOUT;
		if (!in_time)
			break;
		err = -ERESTARTSYS;
		if (signal_pending(current))
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

	/* The limits before wanted is looked at: pairs with ke_room_watch(). */
	smp_mb();
	take_wish(&ke_quota_room);
	spin_lock(&users_lock);
	hash_for_each(users, bucket, user, node) {
		take_wish(&user->room);
		wake_senders(user);
	}
	spin_unlock(&users_lock);
}

/* Returns true once for all who wanted an ID until now. */
static bool take_wish_for_id(struct ke_room *room)
{
	return atomic_read(&room->wants_id) && atomic_xchg(&room->wants_id, 0);
}

static void retry_ids(struct work_struct *work)
{
	struct ke_user *user;
	int bucket;

	/* Of the room of all it is not known who wants what. */
	if (take_wish_for_id(&ke_quota_room)) {
		ke_quota_retry();
		return;
	}
	spin_lock(&users_lock);
	hash_for_each(users, bucket, user, node) {
		if (!take_wish_for_id(&user->room))
			continue;
		take_wish(&user->room);
		wake_senders(user);
	}
	spin_unlock(&users_lock);
}

void ke_quota_retry_ids(void)
{
	static DECLARE_WORK(work, retry_ids);

	queue_work(ke_workqueue, &work);
}

int ke_quota_init(void)
{
	ke_workqueue = alloc_workqueue("kevents", WQ_UNBOUND, 0);
	if (!ke_workqueue)
		return -ENOMEM;
	room_init(&ke_quota_room, wake_everybody);
	return 0;
}

void ke_quota_exit(void)
{
	destroy_workqueue(ke_workqueue);
}
