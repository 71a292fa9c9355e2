/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_WRITABLE_H
#define KE_WRITABLE_H

#include <linux/types.h>

struct ke_client;

/* A send that was refused, and holds nothing any more. */
struct ke_refused_send {
	s32 id;
	u64 len;
};

/*
 * @refusal, -EAGAIN or -EDQUOT, was the answer to @send on @client: so poll says until
 * room comes, unless that asks for more than there can be.
 */
void ke_writable_refused(struct ke_client *client, const struct ke_refused_send *send,
			 int refusal);

/*
 * Whether there is room for @client to send. If not, who polls it is woken when there
 * may be.
 */
bool ke_writable(struct ke_client *client);

#endif /* KE_WRITABLE_H */
