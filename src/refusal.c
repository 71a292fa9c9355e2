// SPDX-License-Identifier: GPL-2.0-only
#include "refusal.h"

void ke_refusal_init(struct ke_refusal *refusal, struct ke_user *user,
		     wait_queue_head_t *wait)
{
	spin_lock_init(&refusal->lock);
	refusal->room = NULL;
	ke_poller_init(&refusal->poller, wait, &user->pollers);
}

static void set(struct ke_refusal *refusal, struct ke_room *room, int since)
{
	spin_lock(&refusal->lock);
	refusal->since = since;
	WRITE_ONCE(refusal->room, room);
	spin_unlock(&refusal->lock);
}

void ke_refusal_note(struct ke_refusal *refusal, struct ke_room *room, int since)
{
	set(refusal, room, since);
	ke_poller_enter(&refusal->poller);
	/* Who was told of room may not have known of the poller yet. */
	if (ke_room_came(room, since))
		ke_poller_wake(&refusal->poller);
}

void ke_refusal_end(struct ke_refusal *refusal)
{
	set(refusal, NULL, 0);
	ke_poller_wake(&refusal->poller);
}

bool ke_refusal_stands(struct ke_refusal *refusal)
{
	bool stands = false;

	if (!ke_refusal_is_noted(refusal))
		return false;
	spin_lock(&refusal->lock);
	if (refusal->room && !ke_room_came(refusal->room, refusal->since)) {
		ke_poller_enter(&refusal->poller);
		ke_room_watch(refusal->room);
		stands = !ke_room_came(refusal->room, refusal->since);
	}
	spin_unlock(&refusal->lock);
	return stands;
}
