/* SPDX-License-Identifier: GPL-2.0-only */
/* Receiving events of any size. */
#ifndef RECEIVE_H
#define RECEIVE_H

#include <kevents.h>

/* A received event, in a payload buffer that grows as needed. */
struct event_buf {
	struct ke_event event;
	size_t capacity;
};

/*
 * Like ke_receive(), but enlarges the buffer instead of failing with -EMSGSIZE. lease_ms
 * is for KE_LEASE, and 0 without it. The caller frees the buffer with event_buf_free().
 */
int receive(kevents_ctx *ctx, int id, struct event_buf *buf, unsigned int flags,
	    unsigned int lease_ms, int timeout_ms);

void event_buf_free(struct event_buf *buf);

#endif /* RECEIVE_H */
