// SPDX-License-Identifier: GPL-2.0-only
#include "refusal.h"

void ke_refusal_init(struct ke_refusal *refusal, struct ke_user *owner,
		     wait_queue_head_t *wait)
{
	spin_lock_init(&refusal->lock);
	refusal->user = NULL;
	refusal->room = NULL;
	refusal->owner = owner;
	ke_poller_init(&refusal->poller, wait);
}

/* Returns the account to be given back without the lock, or NULL. */
static struct ke_user *set(struct ke_refusal *refusal, struct ke_user *user,
			   struct ke_room *room, int since)
{
	struct ke_user *old = refusal->user;

	lockdep_assert_held(&refusal->lock);
	refusal->user = user;
	refusal->since = since;
	WRITE_ONCE(refusal->room, room);
	return old;
}

static void put(struct ke_user *user)
{
	if (user)
		ke_user_put(user);
}

void ke_refusal_drop(struct ke_refusal *refusal)
{
	ke_poller_end(&refusal->poller);
	put(refusal->user);
}

static void poll(struct ke_refusal *refusal, struct ke_user *user)
{
	lockdep_assert_held(&refusal->lock);
	/* An account that did not open it may go before the file does. */
	ke_user_poll(user == refusal->owner ? user : NULL, &refusal->poller);
}

void ke_refusal_poll(struct ke_refusal *refusal, struct ke_user *user)
{
	spin_lock(&refusal->lock);
	poll(refusal, user);
	spin_unlock(&refusal->lock);
}

void ke_refusal_note(struct ke_refusal *refusal, struct ke_user *user,
		     struct ke_room *room, int since)
{
	struct ke_user *old;

	refcount_inc(&user->refs);
	spin_lock(&refusal->lock);
	old = set(refusal, user, room, since);
	poll(refusal, user);
	spin_unlock(&refusal->lock);
	put(old);
	/* Who was told of room may not have known of the poller yet. */
	if (ke_room_came(room, since))
		ke_poller_wake(&refusal->poller);
}

void ke_refusal_end(struct ke_refusal *refusal)
{
	struct ke_user *old;

	spin_lock(&refusal->lock);
	old = set(refusal, NULL, NULL, 0);
	spin_unlock(&refusal->lock);
	put(old);
	ke_poller_wake(&refusal->poller);
}

bool ke_refusal_stands(struct ke_refusal *refusal, const struct ke_user *user)
{
	bool stands = false;

	if (!ke_refusal_is_noted(refusal))
		return false;
	spin_lock(&refusal->lock);
	if (refusal->room && refusal->user == user &&
	    !ke_room_came(refusal->room, refusal->since)) {
		poll(refusal, refusal->user);
		ke_room_watch(refusal->room);
		stands = !ke_room_came(refusal->room, refusal->since);
	}
	spin_unlock(&refusal->lock);
	return stands;
}
