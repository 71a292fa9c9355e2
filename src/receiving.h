/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_RECEIVING_H
#define KE_RECEIVING_H

#include <linux/types.h>

struct ke_client;
struct ke_receiver;

/*
 * Receives one event of @id. Returns what ke_receiver_receive_locked() does, or
 * -EAGAIN, -EDQUOT, -ENOMEM.
 */
int ke_receiving_receive(struct ke_client *client, s32 id,
			 struct ke_receiver *receiver);

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
