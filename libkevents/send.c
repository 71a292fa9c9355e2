// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <errno.h>
#include <linux/kevents.h>

#define CHUNK	32	/* events per ioctl(2), whose arguments are on the stack */

int ke_send_event(kevents_ctx *ctx, int id, const void *msg, size_t len)
{
	struct kevents_send send = {
		.id = id,
		.data = ke_address(msg),
		.len = len,
	};

	return ke_context_ioctl(ctx, KEVENTS_IOC_SEND, &send);
}

/* Initialises only the fields that the module reads; it writes the others. */
static void prepare(struct kevents_send *send, const struct ke_event *ev)
{
	send->id = ev->id;
	send->flags = 0;
	send->data = ke_address(ev->data);
	send->len = ev->len;
	send->deadline_ns = 0;
	send->ttl_ms = ev->ttl_ms;
	send->reserved32 = 0;
	send->reserved = 0;
}

int ke_send(kevents_ctx *ctx, struct ke_event *ev, unsigned int flags, int timeout_ms)
{
	struct kevents_send send;
	int err;

	if (!ke_event_is_valid(ev))
		return -EINVAL;
	prepare(&send, ev);
	send.flags = flags;
	send.deadline_ns = ke_deadline(timeout_ms);
	err = ke_context_ioctl(ctx, KEVENTS_IOC_SEND, &send);
	if (!err)
		ev->seq = send.seq;
	return err;
}

static int send_chunk(kevents_ctx *ctx, struct ke_event *evs, unsigned int n,
		      uint64_t deadline_ns)
{
	struct kevents_send sends[CHUNK];
	struct kevents_batch batch = {
		.entries = ke_address(sends),
		.deadline_ns = deadline_ns,
	};
	unsigned int valid;
	int done;

	for (valid = 0; valid < n && ke_event_is_valid(&evs[valid]); valid++)
		prepare(&sends[valid], &evs[valid]);
	if (!valid)
		return -EINVAL;
	batch.n = valid;
	done = ke_context_ioctl(ctx, KEVENTS_IOC_SEND_BATCH, &batch);
	for (int i = 0; i < done; i++)
		evs[i].seq = sends[i].seq;
	return done;
}

int ke_send_batch(kevents_ctx *ctx, struct ke_event *evs, unsigned int n, int timeout_ms)
{
	const uint64_t deadline_ns = ke_deadline(timeout_ms);
	unsigned int total = 0, wanted;
	int done = 0;

	if (!evs && n)
		return -EINVAL;
	if (ke_fd(ctx) < 0)
		return ke_fd(ctx);
	while (total < n) {
		wanted = n - total < CHUNK ? n - total : CHUNK;
		done = send_chunk(ctx, evs + total, wanted, deadline_ns);
		if (done > 0)
			total += (unsigned int)done;
		if (done != (int)wanted)
			break;
	}
	return total ? (int)total : done;
}
