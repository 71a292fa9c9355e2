/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_QUOTA_H
#define KE_QUOTA_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "identity.h"
#include "poller.h"

/* The limits, module parameters; read them with READ_ONCE(). */
struct ke_quota_limits {
	unsigned int max_event_size;	/* bytes of one payload */
	unsigned long max_bytes;	/* held over all brokers */
	unsigned long user_max_bytes;	/* held for one user */
	unsigned int user_max_events;
	unsigned int user_max_ids;
	bool strict;			/* only claimed IDs can be used */
};

extern struct ke_quota_limits ke_limits;

/*
 * Room that senders were refused and wait for: that of all users, or of one. Who
 * wants to know of it sets wanted; who gives some back and finds that set counts
 * in freed and has all woken that want it.
 */
struct ke_room {
	atomic_t wanted;
	atomic_t freed;
	atomic_t wants_id;		/* one that costs nothing would be enough: see wish.h */
	struct work_struct wake;
};

/* Bytes held over all brokers, and the room left of max_bytes. */
extern atomic_long_t ke_quota_bytes;
extern struct ke_room ke_quota_room;

/* What is charged as a whole or not at all. */
struct ke_charge {
	unsigned long bytes;
	unsigned int events;
	unsigned int ids;
};

/* The account of one user over all brokers. */
struct ke_user {
	kuid_t uid;
	bool charged;			/* for itself: there was room */
	refcount_t refs;		/* 0 under users_lock alone */
	atomic_long_t bytes;		/* charged, over a limit only by right or ke_quota_move() */
	atomic_long_t events;
	atomic_long_t ids;
	struct ke_room room;
	wait_queue_head_t wait;		/* its senders, for whichever room */
	struct ke_pollers pollers;	/* its files, for whichever room */
	struct hlist_node node;		/* users_lock */
};

/* For what is done behind the callers' backs; not for what must be quick. */
extern struct workqueue_struct *ke_workqueue;

/* Returns a reference to the account of @identity, or NULL without memory. */
struct ke_user *ke_user_find(const struct ke_identity *identity);
void ke_user_put(struct ke_user *user);

/* Adds @amount to @used unless that would be more than @limit. */
static inline bool ke_quota_add(atomic_long_t *used, unsigned long amount,
				unsigned long limit)
{
	long old = atomic_long_read(used);

	do {
		if (unlikely(old + amount > limit))
			return false;
	} while (unlikely(!atomic_long_try_cmpxchg(used, &old, old + amount)));
	return true;
}

/* Whether @charge would bring @user over a limit, but for that of bytes. */
static inline bool ke_quota_too_many(const struct ke_user *user, struct ke_charge charge)
{
	if (charge.events && atomic_long_read(&user->events) + charge.events >
			     READ_ONCE(ke_limits.user_max_events))
		return true;
	return charge.ids && atomic_long_read(&user->ids) + charge.ids >
			     READ_ONCE(ke_limits.user_max_ids);
}

/* What is to be done where a charge does not fit: see ke_quota_charge(). */
bool ke_quota_undo(struct ke_user *user, struct ke_charge charge);
int ke_quota_charge_over(const struct ke_identity *identity, struct ke_charge charge);

static inline bool ke_quota_charge_user(struct ke_user *user, struct ke_charge charge)
{
	/* What is added and taken back wakes who waits: only after a race. */
	if (unlikely(ke_quota_too_many(user, charge)) ||
	    !ke_quota_add(&user->bytes, charge.bytes, READ_ONCE(ke_limits.user_max_bytes)))
		return false;
	if (charge.events && !ke_quota_add(&user->events, charge.events,
					   READ_ONCE(ke_limits.user_max_events)))
		return ke_quota_undo(user, (struct ke_charge) { .bytes = charge.bytes });
	if (charge.ids && !ke_quota_add(&user->ids, charge.ids,
					READ_ONCE(ke_limits.user_max_ids)))
		return ke_quota_undo(user, (struct ke_charge) {
			.bytes = charge.bytes, .events = charge.events });
	return true;
}

/*
 * Charges @charge to @to, over its limits if need be, and no longer to @from. Returns
 * whether @to had room.
 */
bool ke_quota_move(struct ke_user *from, struct ke_user *to, struct ke_charge charge);

/*
 * Charges @charge to the account of @identity, which has to outlive that. Returns 0;
 * -EAGAIN if all users together have no room for it; -EDQUOT if the account is over a
 * limit of its own.
 */
static inline int ke_quota_charge(const struct ke_identity *identity,
				  struct ke_charge charge)
{
	if (unlikely(!ke_quota_charge_user(identity->user, charge)))
		return ke_quota_charge_over(identity, charge);
	if (likely(ke_quota_add(&ke_quota_bytes, charge.bytes,
				READ_ONCE(ke_limits.max_bytes))))
		return 0;
	ke_quota_undo(identity->user, charge);
	return -EAGAIN;
}

/* The same as ke_quota_tell() where somebody wants to know. */
void ke_quota_tell_all(struct ke_user *user);

/*
 * Tells those that wait for room of @user, or of all, that there is some; after
 * a full barrier, which pairs with ke_room_watch().
 */
static inline void ke_quota_tell(struct ke_user *user)
{
	if (unlikely(atomic_read(&ke_quota_room.wanted) || atomic_read(&user->room.wanted)))
		ke_quota_tell_all(user);
}

/*
 * What is to be freed after a grace period is uncharged before: room that a call
 * has made is there when it returns. The memory cgroup counts it until then.
 */
static inline void ke_quota_uncharge(struct ke_user *user, struct ke_charge charge)
{
	if (charge.events)
		atomic_long_sub(charge.events, &user->events);
	if (charge.ids)
		atomic_long_sub(charge.ids, &user->ids);
	atomic_long_sub(charge.bytes, &user->bytes);
	/* Before wanted is looked at: pairs with ke_room_watch(). */
	atomic_long_sub_return(charge.bytes, &ke_quota_bytes);
	ke_quota_tell(user);
}

/* Whether @err says that there was no room for a charge. */
static inline bool ke_quota_refused(int err)
{
	return err == -EAGAIN || err == -EDQUOT;
}

/*
 * Where to wait after @refusal of ke_quota_charge(), and since when: room that
 * comes after this call is noticed by ke_room_came().
 */
struct ke_room *ke_room_want(struct ke_user *user, int refusal, int *since);

/* Room that comes after this call is counted. */
void ke_room_watch(struct ke_room *room);

static inline bool ke_room_came(const struct ke_room *room, int since)
{
	return atomic_read(&room->freed) != since;
}

/*
 * Has @user wait until room came to @room, at most until @deadline
 * (CLOCK_MONOTONIC; NULL: no limit). A deadline that has passed goes before a
 * signal, and both before room. Returns 0, -ETIMEDOUT or -ERESTARTSYS.
 */
int ke_room_wait(struct ke_user *user, struct ke_room *room, int since,
		 ktime_t *deadline);

/* Returns what is charged to @user now. */
struct ke_charge ke_quota_used(const struct ke_user *user);

/*
 * Whether @identity, which is charged for an ID already, has room for it: 0, or
 * -EDQUOT.
 */
int ke_quota_confirm_id(const struct ke_identity *identity);

/* Whether @identity could ever be charged that much. */
bool ke_quota_can_fit(const struct ke_identity *identity, struct ke_charge charge);

/* Whether @charge could be charged to @identity; if not, why. */
int ke_quota_check(const struct ke_identity *identity, struct ke_charge charge);

/* Whether all users together have room for @bytes: 0, or -EAGAIN. */
int ke_quota_check_all(unsigned long bytes);

/* The limits have changed: all who wait try again. */
void ke_quota_retry(void);

/* Those who wait for room and want an ID, too, try again, soon; may be called under locks. */
void ke_quota_retry_ids(void);

int ke_quota_init(void);
void ke_quota_exit(void);

#endif /* KE_QUOTA_H */
