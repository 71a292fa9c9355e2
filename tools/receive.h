/* SPDX-License-Identifier: GPL-2.0-only */
/* Receiving events of any size. */
#ifndef RECEIVE_H
#define RECEIVE_H

#include <kevents.h>

/* A received event, in a payload buffer that grows as needed. */
struct receipt {
	struct ke_event event;
	size_t room;
};

/*
 * Like ke_receive(), but enlarges the buffer instead of failing with -EMSGSIZE. lease_ms
 * is for KE_LEASE, and 0 without it. The caller frees the buffer with receipt_free().
 */
int receive(kevents_ctx *ctx, int id, struct receipt *receipt, unsigned int flags,
	    unsigned int lease_ms, int timeout_ms);

void receipt_free(struct receipt *receipt);

#endif /* RECEIVE_H */
