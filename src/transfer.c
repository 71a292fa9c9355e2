// SPDX-License-Identifier: GPL-2.0-only
#include "transfer.h"

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "broker.h"
#include "client.h"
#include "clock.h"
#include "event.h"
#include "queue.h"
#include "quota.h"
#include "receiver.h"
#include "trace.h"

static struct ke_event *create_event(struct ke_user *user,
				     const struct ke_sending *sending)
{
	struct ke_event *event = ke_event_create(user, sending->len);
	int err;

	if (IS_ERR(event))
		return event;
	if (sending->ttl_ms) {
		event->deadline = ke_deadline_create();
		if (!event->deadline) {
			err = -ENOMEM;
			goto free;
		}
	}
	if (sending->iter)
		err = ke_event_fill_iter(event, sending->iter);
	else
		err = ke_event_fill(event, sending->data);
	if (!err)
		return event;
free:
	ke_event_discard(event);
	return ERR_PTR(err);
}

/* Whether the caller may send there, and is charged for the ID if it is new. */
static int prepare(struct ke_queue *queue, struct ke_user *user)
{
	if (!ke_queue_allows_locked(queue, KE_ACCESS_SEND))
		return -EPERM;
	/* Not taken from another who waits: two would take it to and fro. */
	if (queue->senders || !ke_queue_vacant_locked(queue))
		return 0;
	return ke_queue_charge_locked(queue, user);
}

/* Makes @event the latest of @queue, as far as that needs the lock. */
static int append(struct ke_broker *broker, struct ke_queue *queue,
		  struct ke_event *event, const struct ke_sending *sending)
{
	int err;

	err = prepare(queue, event->user);
	if (err)
		return err;
	err = ke_event_stamp(event, atomic64_inc_return(&broker->seq),
			     sending->seq_addr, KE_COPY_ATOMIC);
	if (err)
		return err;
	if (event->deadline)
		event->deadline->ttl = ktime_add_ms(ktime_get(), sending->ttl_ms);
	ke_queue_append_locked(queue, event);
	return 0;
}

/* Takes over @event if it returns 0. */
static int deliver(struct ke_broker *broker, struct ke_event *event,
		   const struct ke_sending *sending)
{
	struct ke_queue *queue;
	int err;

	for (;;) {
		queue = ke_broker_get_locked(broker, sending->id, event->user);
		if (IS_ERR(queue))
			return PTR_ERR(queue);
		__acquire(&queue->lock);
		err = append(broker, queue, event, sending);
		ke_broker_unlock(broker, queue);
		if (err != -EFAULT)
			return err;
		/* A page is missing; the next number will find it. */
		err = ke_event_stamp(event, 0, sending->seq_addr,
				     KE_COPY_MAY_SLEEP);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
}

static int try_send(struct ke_client *client, struct ke_user *user,
		    const struct ke_sending *sending)
{
	struct ke_event *event;
	int err;

	event = create_event(user, sending);
	if (IS_ERR(event))
		return PTR_ERR(event);
	err = deliver(client->broker, event, sending);
	if (!err)
		return 0;
	if (sending->iter)
		iov_iter_revert(sending->iter, sending->len);
	ke_event_discard(event);
	return err;
}

/*
 * Sees to it that a refusal can only come from the charge for the event, which
 * is one step: what fails after a charge gives room back, and would wake the
 * very sender that waits for room. Pins the queue in @pinned.
 */
static int pin_queue(struct ke_broker *broker, s32 id, struct ke_user *user,
		     struct ke_queue **pinned)
{
	struct ke_queue *queue = ke_broker_get_locked(broker, id, user);
	int err;

	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	err = prepare(queue, user);
	if (!err && !*pinned) {
		queue->pins++;
		queue->senders++;
		*pinned = queue;
	}
	ke_broker_unlock(broker, queue);
	return err;
}

static void unpin_queue(struct ke_broker *broker, struct ke_queue *queue)
{
	if (!queue)
		return;
	spin_lock(&queue->lock);
	queue->senders--;
	queue->pins--;
	ke_broker_unlock(broker, queue);
}

/* Sends when there is room; @refusal is why there was none. */
static int wait_and_send(struct ke_client *client, struct ke_user *user,
			 const struct ke_sending *sending, int refusal)
{
	struct ke_broker *broker = client->broker;
	struct ke_queue *pinned = NULL;
	struct ke_room *room;
	int since, err;

	ke_broker_reap(broker);
	for (;;) {
		room = ke_room_want(user, refusal, &since);
		err = pin_queue(broker, sending->id, user, &pinned);
		if (!err)
			err = try_send(client, user, sending);
		if (!ke_quota_refused(err))
			break;
		if (err == refusal) {
			if (!sending->waits)
				break;
			err = ke_room_wait(user, room, since, sending->deadline);
			if (err)
				break;
		} else {
			refusal = err;
		}
		cond_resched();
	}
	unpin_queue(broker, pinned);
	if (ke_quota_refused(err) && user == client->user) {
		WRITE_ONCE(client->refused_since, since);
		WRITE_ONCE(client->refused, room);
	}
	return err;
}

int ke_transfer_send(struct ke_client *client, struct ke_sending *sending)
{
	struct ke_user *user = ke_client_user(client);
	int err;

	if (!user)
		return -ENOMEM;
	err = try_send(client, user, sending);
	if (ke_quota_refused(err))
		err = wait_and_send(client, user, sending, err);
	if (err)
		trace_kevents_refuse(sending->id, sending->len, err);
	else if (READ_ONCE(client->refused))
		WRITE_ONCE(client->refused, NULL);
	ke_user_put(user);
	return err;
}

int ke_transfer_receive(struct ke_client *client, s32 id,
			struct ke_receiver *receiver)
{
	struct ke_broker *broker = client->broker;
	struct ke_queue *queue;
	int err;

	if (receiver->waits)
		queue = ke_broker_get_locked(broker, id, client->user);
	else
		queue = ke_broker_find_locked(broker, id);
	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : -ENOMSG;
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	err = ke_receiver_receive_locked(receiver, queue);
	ke_broker_unlock(broker, queue);
	return err;
}

int ke_transfer_poll(struct ke_client *client, s32 id)
{
	struct ke_queue *queue = ke_broker_find_locked(client->broker, id);
	LIST_HEAD(ended);
	int ret;

	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : 0;
	__acquire(&queue->lock);
	ke_queue_trim_locked(queue, &ended);
	if (ke_queue_allows_locked(queue, KE_ACCESS_RECEIVE))
		ret = ke_queue_ready_locked(queue);
	else
		ret = -EPERM;
	ke_broker_unlock(client->broker, queue);
	ke_event_free_list(&ended);
	return ret;
}

/*
 * Returns the watch whose turn it is among those that have an event, with its
 * queue locked, or NULL; the others that looked ready leave the list.
 */
static struct ke_watch *next_ready_locked(struct ke_client *client,
					  struct list_head *ended)
{
	struct ke_watch *watch;
	struct ke_queue *queue;

	for (;;) {
		rcu_read_lock();
		watch = ke_inbox_first(&client->inbox);
		if (!watch) {
			rcu_read_unlock();
			return NULL;
		}
		queue = watch->queue;
		spin_lock(&queue->lock);
		if (watch->dead) {
			ke_broker_unlock(client->broker, queue);
			rcu_read_unlock();
			continue;
		}
		/* The watch stays as it is as long as the lock is held. */
		rcu_read_unlock();
		if (ke_queue_trim_locked(queue, ended)) {
			ke_broker_unlock(client->broker, queue);
			continue;
		}
		if (ke_queue_ready_locked(queue) &&
		    ke_queue_allows_watch_locked(queue, watch)) {
			__release(&queue->lock);
			return watch;
		}
		ke_inbox_forget(watch);
		ke_broker_unlock(client->broker, queue);
	}
}

bool ke_transfer_readable(struct ke_client *client)
{
	LIST_HEAD(ended);
	struct ke_watch *watch = next_ready_locked(client, &ended);

	if (watch) {
		__acquire(&watch->queue->lock);
		ke_broker_unlock(client->broker, watch->queue);
	}
	ke_event_free_list(&ended);
	return watch;
}

/* The queue that woke @receiver may wake another one. */
static void answer(struct ke_client *client, struct ke_receiver *receiver)
{
	struct ke_queue *queue = ke_inbox_waker(&client->inbox, &receiver->waiter);

	if (!queue)
		return;
	spin_lock(&queue->lock);
	queue->asked = false;
	queue->pins--;
	ke_queue_wake_locked(queue);
	ke_broker_unlock(client->broker, queue);
}

/* The others that are ready come first now. */
static void had_its_turn(struct ke_watch *watch)
{
	if (ke_queue_ready_locked(watch->queue))
		ke_inbox_rotate(watch);
	else
		ke_inbox_forget(watch);
}

static int try_watched(struct ke_client *client, struct ke_receiver *receiver)
{
	struct ke_watch *watch;
	struct ke_queue *queue;
	int err;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		watch = next_ready_locked(client, &receiver->ended);
		if (!watch)
			return -ENOMSG;
		queue = watch->queue;
		__acquire(&queue->lock);
		err = ke_receiver_try_locked(receiver, queue);
		if (!err && !receiver->peek)
			had_its_turn(watch);
		ke_broker_unlock(client->broker, queue);
	} while (err == -ENOMSG || err == -EAGAIN);
	return err;
}

/* A receiver in the row that may be away for long lets the others pass. */
static void stall(struct ke_receiver *receiver, bool begins)
{
	struct ke_client *client = container_of(receiver->inbox, struct ke_client,
						inbox);

	if (begins) {
		ke_inbox_leave(receiver->inbox, &receiver->waiter);
		answer(client, receiver);
	} else {
		ke_inbox_enter(receiver->inbox, &receiver->waiter, true);
	}
}

static int wait_watched(struct ke_client *client, struct ke_receiver *receiver)
{
	struct ke_inbox *inbox = &client->inbox;
	bool in_time = true;
	int err;

	for (;;) {
		if (ke_inbox_is_first(inbox, &receiver->waiter)) {
			err = try_watched(client, receiver);
			if (err != -ENOMSG)
				return err;
		}
		answer(client, receiver);
		if (signal_pending(current))
			return ke_receiver_interruption(receiver);
		if (!in_time)
			return -ETIMEDOUT;
		if (ke_inbox_may_sleep(inbox, &receiver->waiter))
			in_time = ke_receiver_sleep(receiver);
	}
}

int ke_transfer_receive_watched(struct ke_client *client,
				struct ke_receiver *receiver)
{
	int err = try_watched(client, receiver);

	if (err != -ENOMSG || !receiver->waits)
		return err;
	ke_event_prefault(&receiver->sink);
	receiver->inbox = &client->inbox;
	receiver->stall = stall;
	ke_inbox_enter(&client->inbox, &receiver->waiter, false);
	err = wait_watched(client, receiver);
	ke_inbox_leave(&client->inbox, &receiver->waiter);
	answer(client, receiver);
	return err;
}

/* Room that comes to @room from now on is noticed. */
static bool is_refused(struct ke_client *client, struct ke_room *room)
{
	int since = READ_ONCE(client->refused_since);

	if (!room || ke_room_came(room, since))
		return false;
	ke_room_watch(room);
	return !ke_room_came(room, since);
}

bool ke_transfer_writable(struct ke_client *client)
{
	int refusal = 0, since, err;

	if (is_refused(client, READ_ONCE(client->refused)))
		return false;
	/* No only after a look that followed the wish for that very room. */
	while ((err = ke_quota_check(client->user, ke_event_bytes(0))) &&
	       err != refusal) {
		refusal = err;
		ke_room_want(client->user, refusal, &since);
	}
	return !err;
}
