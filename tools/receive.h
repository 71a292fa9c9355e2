/* SPDX-License-Identifier: GPL-2.0-only */
/* Receiving events of any size. */
#ifndef RECEIVE_H
#define RECEIVE_H

#include <kevents.h>

/* An event to receive into: the payload's room grows by itself. */
struct receipt {
	struct ke_event event;
	size_t room;
};

/*
 * As ke_receive(), except that -EMSGSIZE does not come. lease_ms is for
 * KE_LEASE. What it allocates, receipt_free() frees.
 */
int receive(kevents_ctx *ctx, int id, struct receipt *receipt, unsigned int flags,
	    unsigned int lease_ms, int timeout_ms);

void receipt_free(struct receipt *receipt);

#endif /* RECEIVE_H */
