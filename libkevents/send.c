// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <errno.h>
#include <linux/kevents.h>

int ke_send_event(kevents_ctx *ctx, int id, const void *msg, size_t len)
{
	struct kevents_send send = {
		.id = id,
		.data = ke_address(msg),
		.len = len,
	};

	return ke_context_ioctl(ctx, KEVENTS_IOC_SEND, &send);
}

int ke_send(kevents_ctx *ctx, struct ke_event *ev, unsigned int flags, int timeout_ms)
{
	struct kevents_send send = {
		.flags = flags,
		.timeout_ms = timeout_ms,
	};
	int err;

	if (!ke_event_is_valid(ev))
		return -EINVAL;
	send.id = ev->id;
	send.data = ke_address(ev->data);
	send.len = ev->len;
	send.ttl_ms = ev->ttl_ms;
	err = ke_context_ioctl(ctx, KEVENTS_IOC_SEND, &send);
	if (!err)
		ev->seq = send.seq;
	return err;
}
