// SPDX-License-Identifier: GPL-2.0-only
#include "sending.h"

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>

#include "broker.h"
#include "client.h"
#include "event.h"
#include "payer.h"
#include "payload.h"
#include "queue.h"
#include "quota.h"
#include "source.h"
#include "trace.h"
#include "writable.h"

/* Makes an event of @sending, with its payload. */
static __always_inline int create_event(struct ke_client *client,
					struct ke_sending *sending)
{
	struct ke_event *event;
	int err;

	if (sending->len > READ_ONCE(ke_limits.max_event_size))
		return -EMSGSIZE;
	event = ke_event_create(&client->spare, sending->len, &client->identity);
	if (IS_ERR(event))
		return PTR_ERR(event);
	if (sending->iter)
		err = ke_payload_copy_from_iter(event, sending->iter);
	else
		err = ke_source_fill(event, sending->data);
	if (err)
		ke_event_free(event, &client->spare);
	else
		sending->event = event;
	return err;
}

/* Whether @identity may send there, and is charged for the ID if it is new. */
static inline int prepare(struct ke_queue *queue, const struct ke_identity *identity)
{
	if (!ke_queue_allows_locked(queue, identity, KE_ACCESS_SEND))
		return -EPERM;
	return ke_queue_paid_locked(queue, identity->user) ? 0 :
	       ke_queue_charge_locked(queue, identity);
}

/*
 * Makes the events of @sendings, the first of which is for @queue, its latest, as
 * long as they are for it, too. Returns how many; @err says what stopped it.
 */
static __always_inline unsigned int append(struct ke_client *client,
					   struct ke_queue *queue,
					   const struct ke_sending *sendings,
					   unsigned int n, int *err)
{
	struct ke_broker *broker = client->broker;
	struct ke_event *event;
	unsigned int i = 0;
	ktime_t now;

	*err = prepare(queue, &client->identity);
	if (*err)
		return 0;
	now = ktime_get();
	do {
		event = sendings[i].event;
		event->seq = atomic64_inc_return(&broker->seq);
		*err = ke_source_tell_seq(event->seq, sendings[i].seq_addr,
					  KE_COPY_ATOMIC);
		if (*err)
			break;
		event->sent_ns = now;
		if (sendings[i].ttl_ms)
			event->ttl = ktime_add_ms(now, sendings[i].ttl_ms);
		ke_queue_append_locked(queue, event);
		trace_kevents_send(event);
	} while (++i < n && sendings[i].id == queue->id);
	if (unlikely(i && ke_queue_is_awaited_locked(queue)))
		ke_queue_wake_for_new_locked(queue, i);
	if (i)
		ke_wishes_tell(&broker->wishes, queue->id);
	return i;
}

/* A page was missing; another number will find it. */
static int bring_page(const struct ke_sending *sending)
{
	int err = ke_source_tell_seq(0, sending->seq_addr, KE_COPY_MAY_SLEEP);

	if (err)
		return err;
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	return 0;
}

/* Takes over as many events of @sendings as it returns; @err is why not all. */
static __always_inline unsigned int deliver(struct ke_client *client,
					    const struct ke_sending *sendings,
					    unsigned int n, int *err)
{
	struct ke_broker *broker = client->broker;
	struct ke_queue *queue;
	unsigned int done = 0;

	*err = 0;
	while (done < n && !*err) {
		queue = ke_broker_use_locked(broker, sendings[done].id, &client->identity);
		if (IS_ERR(queue)) {
			*err = PTR_ERR(queue);
			break;
		}
		__acquire(&queue->lock);
		done += append(client, queue, sendings + done, n - done, err);
		ke_broker_unlock(broker, queue);
		if (*err == -EFAULT)
			*err = bring_page(&sendings[done]);
	}
	return done;
}

static __always_inline int try_send(struct ke_client *client, struct ke_sending *sending)
{
	int err;

	err = create_event(client, sending);
	if (err)
		return err;
	if (deliver(client, sending, 1, &err))
		return 0;
	if (sending->iter)
		iov_iter_revert(sending->iter, sending->len);
	ke_event_free(sending->event, &client->spare);
	return err;
}

/* The queue that a sender who waits keeps; NULL: none yet. */
struct pin {
	struct ke_queue *queue;
	struct ke_holder holder;
};

/*
 * Whether one that does not wait has room for the ID and its event. Else it would only
 * take the charge for the ID from another, and give it back: that is room, and told.
 */
static int check_room(const struct ke_queue *queue, const struct ke_identity *identity,
		      const struct ke_sending *sending)
{
	struct ke_charge event = { .bytes = ke_event_bytes(sending->len), .events = 1 };
	struct ke_charge all = ke_queue_charge;

	if (sending->waits || ke_queue_paid_locked(queue, identity->user))
		return 0;
	all.bytes += event.bytes;
	all.events += event.events;
	if (ke_quota_check(identity, all) == -EDQUOT)
		return -EDQUOT;
	/* All users together have the ID already. */
	return ke_quota_check_all(event.bytes);
}

/*
 * Sees to it that a refusal can only come from the charge for the event, which
 * is one step: what fails after a charge gives room back, and would wake the
 * very sender that waits for room. Keeps the queue in @pin.
 */
static int pin_queue(struct ke_client *client, const struct ke_sending *sending,
		     struct pin *pin)
{
	const struct ke_identity *identity = &client->identity;
	struct ke_broker *broker = client->broker;
	struct ke_queue *queue = ke_broker_use_locked(broker, sending->id, identity);
	int err = 0;

	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	if (ke_queue_allows_locked(queue, identity, KE_ACCESS_SEND))
		err = check_room(queue, identity, sending);
	if (!err)
		err = prepare(queue, identity);
	if (!err && !pin->queue) {
		queue->senders++;
		pin->holder.user = identity->user;
		ke_payer_add(&queue->payer, &pin->holder);
		pin->queue = queue;
		/* For a moment it is of no use to others, and would wake who polls here. */
		if (sending->waits)
			ke_wishes_tell(&broker->wishes, queue->id);
	}
	ke_broker_unlock(broker, queue);
	return err;
}

static void unpin_queue(struct ke_broker *broker, struct pin *pin)
{
	struct ke_queue *queue = pin->queue;

	if (!queue)
		return;
	spin_lock(&queue->lock);
	queue->senders--;
	ke_payer_remove(&queue->payer, &pin->holder);
	ke_broker_unlock(broker, queue);
}

/* Sends when there is room; @refusal is why there was none. */
static noinline int wait_and_send(struct ke_client *client, struct ke_sending *sending,
				  int refusal)
{
	struct ke_refused_send refused = { .id = sending->id, .len = sending->len };
	struct ke_user *user = client->identity.user;
	struct ke_broker *broker = client->broker;
	struct pin pin = { };
	bool wants_id = false;
	struct ke_room *room;
	int since, err;

	ke_reaper_run(&broker->reaper);
	for (;;) {
		room = ke_room_want(user, refusal, &since);
		if (wants_id && sending->waits)
			ke_wishes_add(&broker->wishes, sending->id, room);
		err = pin_queue(client, sending, &pin);
		if (!err)
			err = try_send(client, sending);
		if (!ke_quota_refused(err))
			break;
		/* A refusal counts after all that could end it knew of the wish. */
		if (err == refusal && wants_id == !pin.queue) {
			if (!sending->waits)
				break;
			ke_reaper_run(&broker->reaper);
			err = ke_room_wait(user, room, since, sending->deadline);
			if (err)
				break;
		} else {
			refusal = err;
			wants_id = !pin.queue;
		}
		cond_resched();
	}
	unpin_queue(broker, &pin);
	if (ke_quota_refused(err))
		ke_writable_refused(client, &refused, err);
	return err;
}

/* What is to be done about a send that ended with @err, and what comes of it. */
static noinline int finish_send(struct ke_client *client, struct ke_sending *sending,
				int err)
{
	if (ke_quota_refused(err))
		err = wait_and_send(client, sending, err);
	if (err)
		trace_kevents_refuse(sending->id, sending->len, err);
	else
		ke_refusal_forget(&client->refusal);
	return err;
}

int ke_sending_send(struct ke_client *client, struct ke_sending *sending)
{
	int err = try_send(client, sending);

	if (unlikely(err || ke_refusal_is_noted(&client->refusal)))
		err = finish_send(client, sending, err);
	return err;
}

/* How many of @sendings, from the first on, are of its class, and need no second look. */
static unsigned int count_alike(const struct ke_sending *sendings, unsigned int n)
{
	const u32 limit = READ_ONCE(ke_limits.max_event_size);
	u32 least, most;
	unsigned int class, i = 1;

	if (sendings[0].iter || sendings[0].len > limit)
		return 0;
	class = ke_event_class(sendings[0].len);
	if (class >= KE_EVENT_CLASSES)
		return 0;
	least = class ? ke_event_class_size(class - 1) + 1 : 0;
	most = min(ke_event_class_size(class), limit);
	while (i < n && sendings[i].len - least <= most - least)
		i++;
	return i;
}

/*
 * Makes events of the first of @sendings at one go, as many as are alike. Returns
 * how many; where it stops the next is to be made by itself, which tells why.
 */
static unsigned int create_alike(struct ke_client *client, struct ke_sending *sendings,
				 unsigned int n)
{
	struct ke_event *events[KE_EVENT_BULK];
	const struct cred *cred = current_cred();
	unsigned int class, i, done = 0;
	unsigned long bytes;
	int err = 0;

	n = count_alike(sendings, min(n, KE_EVENT_BULK));
	if (n < 2)
		return 0;
	class = ke_event_class(sendings[0].len);
	if (!ke_event_create_bulk(class, n, &client->identity, events))
		return 0;
	bytes = ke_event_inline_bytes(class);
	for (i = 0; i < n; i++) {
		ke_event_begin(events[i], sendings[i].len, bytes, cred);
		if (!err)
			err = ke_source_fill(events[i], sendings[i].data);
		if (err)
			ke_event_free(events[i], &client->spare);
		else
			sendings[done++].event = events[i];
	}
	return done;
}

/* Makes events of as many of @sendings as it returns; @err is why not of all. */
static unsigned int create_all(struct ke_client *client, struct ke_sending *sendings,
			       unsigned int n, int *err)
{
	unsigned int made = 0, alike;

	for (*err = 0; made < n; made += alike) {
		alike = create_alike(client, sendings + made, n - made);
		if (alike)
			continue;
		*err = create_event(client, &sendings[made]);
		if (*err)
			break;
		alike = 1;
	}
	return made;
}

/*
 * Sends as many of @n as there is room for. What is made of them is made before
 * any of them is sent, which is all the same: nobody waits meanwhile.
 */
static unsigned int try_all(struct ke_client *client, struct ke_sending *sendings,
			    unsigned int n, int *err)
{
	unsigned int made, done;
	int refusal;

	made = create_all(client, sendings, n, &refusal);
	done = deliver(client, sendings, made, err);
	if (done == made)
		*err = refusal;
	while (made > done)
		ke_event_free(sendings[--made].event, &client->spare);
	return done;
}

unsigned int ke_sending_send_all(struct ke_client *client,
				 struct ke_sending *sendings, unsigned int n,
				 int *err)
{
	unsigned int done = 0, went;

	*err = 0;
	while (!*err && done < n) {
		went = try_all(client, sendings + done, n - done, err);
		done += went;
		if (went)
			ke_refusal_forget(&client->refusal);
		if (done == n)
			break;
		*err = finish_send(client, &sendings[done], *err);
		if (!*err)
			done++;
	}
	return done;
}
