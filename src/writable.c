// SPDX-License-Identifier: GPL-2.0-only
#include "writable.h"

#include "broker.h"
#include "client.h"
#include "event.h"
#include "queue.h"
#include "quota.h"
#include "refusal.h"

/* What @send, made again, would take. */
static struct ke_charge charge_of(struct ke_client *client,
				  const struct ke_refused_send *send)
{
	struct ke_queue *queue = ke_broker_find_locked(client->broker, send->id);
	struct ke_charge charge = { .bytes = ke_event_bytes(send->len), .events = 1 };
	bool paid = false;

	if (queue) {
		__acquire(&queue->lock);
		paid = ke_queue_paid_locked(queue, client->identity.user);
		ke_broker_unlock(client->broker, queue);
	}
	if (!paid) {
		charge.bytes += ke_queue_charge.bytes;
		charge.ids = ke_queue_charge.ids;
	}
	return charge;
}

/* Whether @charge, which is refused, would fit if the ID came to cost nothing. */
static bool is_id_refused(const struct ke_identity *identity, struct ke_charge charge)
{
	if (!charge.ids)
		return false;
	charge.ids -= ke_queue_charge.ids;
	charge.bytes -= ke_queue_charge.bytes;
	return !ke_quota_check(identity, charge);
}

/*
 * What the send itself gave back, an ID of its own, is no room; what came since then,
 * from others, is.
 */
void ke_writable_refused(struct ke_client *client, const struct ke_refused_send *send,
			 int refusal)
{
	const struct ke_identity *identity = &client->identity;
	bool wants_id = false, wanted_id;
	struct ke_charge charge;
	struct ke_room *room;
	int since, before;

	do {
		before = refusal;
		wanted_id = wants_id;
		ke_reaper_run(&client->broker->reaper);
		room = ke_room_want(identity->user, refusal, &since);
		if (wants_id)
			ke_wishes_add(&client->broker->wishes, send->id, room);
		/* Those that had come before they were told of. */
		ke_reaper_run(&client->broker->reaper);
		charge = charge_of(client, send);
		refusal = ke_quota_check(identity, charge);
		wants_id = refusal && is_id_refused(identity, charge);
	} while (refusal && (refusal != before || (wants_id && !wanted_id)));
	if (refusal && ke_quota_can_fit(identity, charge)) {
		ke_refusal_note(&client->refusal, room, since);
	} else {
		ke_poller_enter(&client->refusal.poller);
		ke_poller_wake(&client->refusal.poller);
	}
}

bool ke_writable(struct ke_client *client)
{
	const struct ke_charge charge = { .bytes = ke_event_bytes(0), .events = 1 };
	const struct ke_identity *identity = &client->identity;
	int refusal = 0, since, err;

	if (ke_refusal_stands(&client->refusal))
		return false;
	/* No only after a look that followed the wish for that very room. */
	while ((err = ke_quota_check(identity, charge)) && err != refusal) {
		refusal = err;
		ke_poller_enter(&client->refusal.poller);
		ke_room_want(identity->user, refusal, &since);
		ke_reaper_run(&client->broker->reaper);
	}
	return !err;
}
