/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_RECEIVING_H
#define KE_RECEIVING_H

#include <linux/err.h>
#include <linux/types.h>

#include "broker.h"
#include "client.h"
#include "queue.h"
#include "quota.h"
#include "receiver.h"

/* As ke_broker_use_locked(), for who may wait there. */
struct ke_queue *ke_receiving_use_locked(struct ke_client *client, s32 id);

/*
 * Receives one event of @id. Returns what ke_receiver_receive_locked() does, or
 * -EAGAIN, -EDQUOT, -ENOMEM.
 */
static inline int ke_receiving_receive(struct ke_client *client, s32 id,
				       struct ke_receiver *receiver)
{
	struct ke_broker *broker = client->broker;
	struct ke_queue *queue;
	int err;

	if (receiver->waits)
		queue = ke_receiving_use_locked(client, id);
	else
		queue = ke_broker_find_locked(broker, id);
	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : -ENOMSG;
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	receiver->identity = &client->identity;
	err = ke_receiver_receive_locked(receiver, queue);
	ke_broker_unlock(broker, queue);
	return err;
}

/*
 * The same from any ID that @client watches; as many as @receiver wants. 0 if it
 * got at least one.
 */
int ke_receiving_receive_watched(struct ke_client *client,
				 struct ke_receiver *receiver);

/* Returns 1 if a receiver of @id would find an event now, 0, or -EPERM. */
int ke_receiving_poll(struct ke_client *client, s32 id);

/* Whether a receiver of any watched ID would find one. */
bool ke_receiving_readable(struct ke_client *client);

#endif /* KE_RECEIVING_H */
