// SPDX-License-Identifier: GPL-2.0-only
#include "writable.h"

#include <linux/cred.h>

#include "broker.h"
#include "client.h"
#include "event.h"
#include "queue.h"
#include "quota.h"
#include "refusal.h"
#include "sender.h"

/* What @send, made again, would take. */
static struct ke_charge charge_of(struct ke_broker *broker, struct ke_user *user,
				  const struct ke_refused_send *send)
{
	struct ke_queue *queue = ke_broker_find_locked(broker, send->id);
	struct ke_charge charge = { .bytes = ke_event_bytes(send->len), .events = 1 };
	bool paid = false;

	if (queue) {
		__acquire(&queue->lock);
		paid = ke_queue_paid_locked(queue, user);
		ke_broker_unlock(broker, queue);
	}
	if (!paid) {
		charge.bytes += ke_queue_charge.bytes;
		charge.ids = ke_queue_charge.ids;
	}
	if (!send->is_charged)
		charge.bytes += ke_sender_charge().bytes;
	return charge;
}

/* Whether @charge, which is refused, would fit if the ID came to cost nothing. */
static bool is_id_refused(struct ke_user *user, struct ke_charge charge)
{
	if (!charge.ids)
		return false;
	charge.ids -= ke_queue_charge.ids;
	charge.bytes -= ke_queue_charge.bytes;
	return !ke_quota_check(user, charge);
}

/*
 * What the send itself gave back, an ID of its own, is no room; what came since then,
 * from others, is.
 */
void ke_writable_refused(struct ke_client *client, struct ke_user *user,
			 const struct ke_refused_send *send, int refusal)
{
	bool wants_id = false, wanted_id;
	struct ke_charge charge;
	struct ke_room *room;
	int since, before;

	do {
		before = refusal;
		wanted_id = wants_id;
		ke_reaper_run(&client->broker->reaper);
		room = ke_room_want(user, refusal, &since);
		if (wants_id)
			ke_wishes_add(&client->broker->wishes, send->id, room);
		/* Those that had come before they were told of. */
		ke_reaper_run(&client->broker->reaper);
		charge = charge_of(client->broker, user, send);
		refusal = ke_quota_check(user, charge);
		wants_id = refusal && is_id_refused(user, charge);
	} while (refusal && (refusal != before || (wants_id && !wanted_id)));
	if (refusal && ke_quota_can_fit(charge)) {
		ke_refusal_note(&client->refusal, user, room, since);
	} else {
		ke_refusal_poll(&client->refusal, user);
		ke_poller_wake(&client->refusal.poller);
	}
}

/* The account of the calling process, or NULL if it has none; see ke_client_user(). */
static struct ke_user *charged_user(struct ke_client *client)
{
	if (uid_eq(client->user->uid, current_uid()))
		return client->user;
	return ke_user_find_charged(current_uid());
}

bool ke_writable(struct ke_client *client)
{
	const struct ke_charge charge = { .bytes = ke_event_bytes(0), .events = 1 };
	struct ke_user *user = charged_user(client);
	int refusal = 0, since, err = -EDQUOT;

	if (user && ke_refusal_stands(&client->refusal, user))
		goto out;
	/* No only after a look that followed the wish for that very room. */
	while ((err = ke_quota_check(user, charge)) && err != refusal) {
		refusal = err;
		ke_refusal_poll(&client->refusal, user);
		ke_room_want(user, refusal, &since);
		ke_reaper_run(&client->broker->reaper);
	}
out:
	if (user)
		ke_client_user_put(client, user);
	return !err;
}
