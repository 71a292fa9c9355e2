// SPDX-License-Identifier: GPL-2.0-only
#include "receive.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "say.h"

#define INITIAL_SIZE	65536	/* the default of max_event_size */

static void reserve(struct event_buf *buf, size_t size)
{
	if (buf->capacity >= size)
		return;
	buf->event.data = xrealloc(buf->event.data, size);
	buf->capacity = size;
}

int receive(kevents_ctx *ctx, int id, struct event_buf *buf, unsigned int flags,
	    unsigned int lease_ms, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int left = timeout_ms;
	int err;

	reserve(buf, INITIAL_SIZE);
	for (;;) {
		buf->event = (struct ke_event){
			.data = buf->event.data,
			.size = buf->capacity,
			.lease_ms = lease_ms,
		};
		err = ke_receive(ctx, id, &buf->event, flags, left);
		if (err != -EMSGSIZE)
			return err;
		reserve(buf, buf->event.len);
		if (timeout_ms > 0)
			left = end > now_ms() ? (int)(end - now_ms()) : 0;
	}
}

void event_buf_free(struct event_buf *buf)
{
	free(buf->event.data);
	memset(buf, 0, sizeof(*buf));
}
