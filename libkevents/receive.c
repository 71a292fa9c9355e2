// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <errno.h>
#include <linux/kevents.h>

_Static_assert(KE_PEEK == KEVENTS_RECEIVE_PEEK, "flags are handed on as they are");

int ke_poll_event(kevents_ctx *ctx, int id)
{
	struct kevents_poll poll = { .id = id };

	return ke_context_ioctl(ctx, KEVENTS_IOC_POLL, &poll);
}

int ke_get_event(kevents_ctx *ctx, int id, void *buf, size_t size)
{
	struct kevents_receive receive = {
		.id = id,
		.data = ke_address(buf),
		.size = size,
		.flags = KEVENTS_RECEIVE_TERMINATE,
	};

	return ke_context_ioctl(ctx, KEVENTS_IOC_RECEIVE, &receive);
}

int ke_receive(kevents_ctx *ctx, int id, struct ke_event *ev, unsigned int flags,
	       int timeout_ms)
{
	struct kevents_receive receive = {
		.id = id,
		.flags = flags,
		.timeout_ms = timeout_ms,
	};
	const struct kevents_received *event = &receive.event;
	int err;

	/* KEVENTS_RECEIVE_TERMINATE is not for callers. */
	if (!ke_event_is_valid(ev) || flags & ~KE_PEEK)
		return -EINVAL;
	receive.data = ke_address(ev->data);
	receive.size = ev->size;
	receive.lease_ms = ev->lease_ms;
	err = ke_context_ioctl(ctx, KEVENTS_IOC_RECEIVE, &receive);
	if (!err || err == -EMSGSIZE)
		ev->len = event->len;
	if (err)
		return err;
	ev->id = event->id;
	ev->flags = event->flags;
	ev->seq = event->seq;
	ev->sent_ns = event->sent_ns;
	ev->deliveries = event->deliveries;
	ev->pid = event->pid;
	ev->uid = event->uid;
	ev->gid = event->gid;
	return 0;
}
