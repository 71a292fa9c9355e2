// SPDX-License-Identifier: GPL-2.0-only
#include "receiving.h"

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "broker.h"
#include "client.h"
#include "event.h"
#include "lease.h"
#include "queue.h"
#include "quota.h"
#include "receiver.h"
#include "sink.h"

int ke_receiving_poll(struct ke_client *client, s32 id)
{
	struct ke_queue *queue = ke_broker_find_locked(client->broker, id);
	HLIST_HEAD(ended);
	int ret;

	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : 0;
	__acquire(&queue->lock);
	ke_lease_settle_locked(queue, &ended);
	if (ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE))
		ret = ke_queue_ready_locked(queue);
	else
		ret = -EPERM;
	ke_broker_unlock(client->broker, queue);
	ke_event_free_list(&ended, &client->spare);
	return ret;
}

struct ke_queue *ke_receiving_use_locked(struct ke_client *client, s32 id)
{
	struct ke_broker *broker = client->broker;
	struct ke_queue *queue = ke_broker_use_locked(broker, id, &client->identity);

	if (IS_ERR(queue))
		return queue;
	__acquire(&queue->lock);
	/* It may be new. */
	if (queue->payer.user == client->identity.user)
		ke_wishes_tell(&broker->wishes, id);
	__release(&queue->lock);
	return queue;
}

/*
 * Returns the watch whose turn it is among those that have an event, with its
 * queue locked, or NULL; the others that looked ready leave the list.
 */
static struct ke_watch *next_ready_locked(struct ke_client *client,
					  struct hlist_head *ended)
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
		if (ke_lease_settle_locked(queue, ended)) {
			ke_broker_unlock(client->broker, queue);
			continue;
		}
		if (ke_queue_ready_locked(queue) &&
		    ke_queue_allows_locked(queue, watch->identity, KE_ACCESS_RECEIVE)) {
			__release(&queue->lock);
			return watch;
		}
		ke_inbox_forget(watch);
		ke_broker_unlock(client->broker, queue);
	}
}

bool ke_receiving_readable(struct ke_client *client)
{
	HLIST_HEAD(ended);
	struct ke_watch *watch = next_ready_locked(client, &ended);

	if (watch) {
		__acquire(&watch->queue->lock);
		ke_broker_unlock(client->broker, watch->queue);
	}
	ke_event_free_list(&ended, &client->spare);
	return watch;
}

/* The queue that woke @receiver may wake another one. */
static void answer(struct ke_client *client, struct ke_receiver *receiver)
{
	struct ke_queue *queue = ke_inbox_waker(&client->inbox, receiver->waiter);

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
	unsigned int before = receiver->done;
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
		err = ke_receiver_take_locked(receiver, queue, &client->inbox);
		if (receiver->done > before && err != -EAGAIN && err != -EFAULT &&
		    !receiver->peek)
			had_its_turn(watch);
		ke_broker_unlock(client->broker, queue);
	} while (receiver->done == before && (err == -ENOMSG || err == -EAGAIN));
	return receiver->done > before ? 0 : err;
}

/* A receiver in the row that may be away for long lets the others pass. */
static void stall(struct ke_receiver *receiver, bool begins)
{
	struct ke_client *client = container_of(receiver->inbox, struct ke_client,
						inbox);

	if (begins) {
		ke_inbox_leave(receiver->inbox, receiver->waiter);
		answer(client, receiver);
	} else {
		ke_inbox_enter(receiver->inbox, receiver->waiter, true);
	}
}

static int wait_watched(struct ke_client *client, struct ke_receiver *receiver)
{
	struct ke_inbox *inbox = &client->inbox;
	bool in_time = ke_receiver_in_time(receiver);
	int err;

	for (;;) {
		if (ke_inbox_is_first(inbox, receiver->waiter)) {
			err = try_watched(client, receiver);
			if (err != -ENOMSG)
				return err;
		}
		answer(client, receiver);
		if (!in_time)
			return -ETIMEDOUT;
		if (signal_pending(current))
			return -ERESTARTSYS;
		/* What has expired must not wait, charged, for as long as this. */
		ke_event_free_list(&receiver->ended, &client->spare);
		if (ke_inbox_may_sleep(inbox, receiver->waiter))
			in_time = ke_receiver_sleep(receiver);
	}
}

int ke_receiving_receive_watched(struct ke_client *client,
				 struct ke_receiver *receiver)
{
	struct ke_waiter waiter = { .task = current };
	int err;

	receiver->identity = &client->identity;
	err = try_watched(client, receiver);
	if (err != -ENOMSG || !receiver->waits)
		return err;
	ke_sink_prefault(&receiver->sink);
	receiver->waiter = &waiter;
	receiver->inbox = &client->inbox;
	receiver->stall = stall;
	ke_inbox_enter(&client->inbox, receiver->waiter, false);
	err = wait_watched(client, receiver);
	ke_inbox_leave(&client->inbox, receiver->waiter);
	answer(client, receiver);
	receiver->inbox = NULL;
	receiver->waiter = NULL;
	receiver->stall = NULL;
	return err;
}
