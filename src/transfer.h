/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_TRANSFER_H
#define KE_TRANSFER_H

#include <linux/ktime.h>
#include <linux/types.h>

struct iov_iter;
struct ke_client;
struct ke_receiver;

/* A send in progress. */
struct ke_sending {
	s32 id;
	u64 len;
	u64 data;			/* address of the payload */
	struct iov_iter *iter;		/* or where it comes from instead */
	u64 seq_addr;			/* where its number goes; 0: nowhere */
	u32 ttl_ms;			/* 0: no limit */
	bool waits;			/* for room */
	ktime_t *deadline;		/* CLOCK_MONOTONIC; NULL: no limit */
};

/*
 * Sends one event. Returns 0, -EMSGSIZE, -EAGAIN, -EDQUOT, -ETIMEDOUT, -EINTR,
 * -ERESTARTSYS, -EPERM, -EFAULT or -ENOMEM.
 */
int ke_transfer_send(struct ke_client *client, struct ke_sending *sending);

/*
 * Receives one event of @id. Returns what ke_receiver_receive_locked() does, or
 * -EAGAIN, -EDQUOT, -ENOMEM.
 */
int ke_transfer_receive(struct ke_client *client, s32 id,
			struct ke_receiver *receiver);

/* The same from any ID that @client watches. */
int ke_transfer_receive_watched(struct ke_client *client,
				struct ke_receiver *receiver);

/* Returns 1 if a receiver of @id would find an event now, 0, or -EPERM. */
int ke_transfer_poll(struct ke_client *client, s32 id);

/* Whether a receiver of any watched ID would find one. */
bool ke_transfer_readable(struct ke_client *client);

/*
 * Whether there is room to send. If not, who waits in the rooms of the user and
 * of all is woken when there may be.
 */
bool ke_transfer_writable(struct ke_client *client);

#endif /* KE_TRANSFER_H */
