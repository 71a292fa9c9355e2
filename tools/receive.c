// SPDX-License-Identifier: GPL-2.0-only
#include "receive.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "say.h"

#define ROOM	65536	/* the default of max_event_size */

static void make_room(struct receipt *receipt, size_t size)
{
	if (receipt->room >= size)
		return;
	receipt->event.data = xrealloc(receipt->event.data, size);
	receipt->room = size;
}

int receive(kevents_ctx *ctx, int id, struct receipt *receipt, unsigned int flags,
	    unsigned int lease_ms, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	int left = timeout_ms;
	int err;

	make_room(receipt, ROOM);
	for (;;) {
		receipt->event = (struct ke_event){
			.data = receipt->event.data,
			.size = receipt->room,
			.lease_ms = lease_ms,
		};
		err = ke_receive(ctx, id, &receipt->event, flags, left);
		if (err != -EMSGSIZE)
			return err;
		make_room(receipt, receipt->event.len);
		if (timeout_ms > 0)
			left = end > now_ms() ? (int)(end - now_ms()) : 0;
	}
}

void receipt_free(struct receipt *receipt)
{
	free(receipt->event.data);
	memset(receipt, 0, sizeof(*receipt));
}
