// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <errno.h>
#include <linux/kevents.h>

/* The module gets the flags unchanged. */
_Static_assert(KE_PEEK == KEVENTS_RECEIVE_PEEK, "");
_Static_assert(KE_LEASE == KEVENTS_RECEIVE_LEASE, "");
_Static_assert(KE_WATCHED == KEVENTS_RECEIVE_WATCHED, "");
_Static_assert(KE_REDELIVERED == KEVENTS_RECEIVED_AGAIN, "");

#define CHUNK	32	/* events per ioctl(2), whose arguments are on the stack */

/* Callers cannot set KEVENTS_RECEIVE_TERMINATE. */
#define FLAGS	(KE_PEEK | KE_LEASE | KE_WATCHED)

int ke_poll_event(kevents_ctx *ctx, int id)
{
	struct kevents_poll poll = { .id = id };

	return ke_context_ioctl(ctx, KEVENTS_IOC_POLL, &poll);
}

/* Initialises only the fields that the module reads; it writes the others. */
static void prepare(struct kevents_receive *receive, void *data, size_t size)
{
	receive->id = 0;
	receive->flags = 0;
	receive->data = ke_address(data);
	receive->size = size;
	receive->deadline_ns = 0;
	receive->lease_ms = 0;
	receive->reserved32 = 0;
	receive->reserved = 0;
}

int ke_get_event(kevents_ctx *ctx, int id, void *buf, size_t size)
{
	struct kevents_receive receive;

	prepare(&receive, buf, size);
	receive.id = id;
	receive.flags = KEVENTS_RECEIVE_TERMINATE;
	return ke_context_ioctl(ctx, KEVENTS_IOC_RECEIVE, &receive);
}

static void received(struct ke_event *ev, const struct kevents_received *event)
{
	ev->id = event->id;
	ev->flags = event->flags;
	ev->len = event->len;
	ev->seq = event->seq;
	ev->sent_ns = event->sent_ns;
	ev->deliveries = event->deliveries;
	ev->pid = event->pid;
	ev->uid = event->uid;
	ev->gid = event->gid;
}

int ke_receive(kevents_ctx *ctx, int id, struct ke_event *ev, unsigned int flags,
	       int timeout_ms)
{
	struct kevents_receive receive;
	int err;

	if (!ke_event_is_valid(ev) || flags & ~FLAGS)
		return -EINVAL;
	prepare(&receive, ev->data, ev->size);
	receive.lease_ms = ev->lease_ms;
	receive.id = flags & KE_WATCHED ? 0 : id;
	receive.flags = flags;
	receive.deadline_ns = ke_deadline(timeout_ms);
	err = ke_context_ioctl(ctx, KEVENTS_IOC_RECEIVE, &receive);
	if (!err)
		received(ev, &receive.event);
	else if (err == -EMSGSIZE)
		ev->len = receive.event.len;
	return err;
}

static int receive_chunk(kevents_ctx *ctx, struct ke_event *evs, unsigned int n,
			 unsigned int flags, int timeout_ms)
{
	struct kevents_receive receives[CHUNK];
	struct kevents_batch batch = {
		.entries = ke_address(receives),
		.flags = flags,
		.deadline_ns = ke_deadline(timeout_ms),
	};
	unsigned int valid;
	int done;

	for (valid = 0; valid < n && ke_event_is_valid(&evs[valid]); valid++) {
		prepare(&receives[valid], evs[valid].data, evs[valid].size);
		receives[valid].lease_ms = evs[valid].lease_ms;
	}
	if (!valid)
		return -EINVAL;
	batch.n = valid;
	done = ke_context_ioctl(ctx, KEVENTS_IOC_RECEIVE_BATCH, &batch);
	for (int i = 0; i < done; i++)
		received(&evs[i], &receives[i].event);
	if (done == -EMSGSIZE)
		evs[0].len = receives[0].event.len;
	return done;
}

int ke_receive_batch(kevents_ctx *ctx, struct ke_event *evs, unsigned int n,
		     unsigned int flags, int timeout_ms)
{
	unsigned int total = 0, wanted;
	int done = 0;

	if ((!evs && n) || flags & ~(KE_LEASE | KE_WATCHED))
		return -EINVAL;
	if (ke_fd(ctx) < 0)
		return ke_fd(ctx);
	flags &= ~KE_WATCHED;
	while (total < n) {
		wanted = n - total < CHUNK ? n - total : CHUNK;
		done = receive_chunk(ctx, evs + total, wanted, flags, total ? 0 : timeout_ms);
		if (done > 0)
			total += (unsigned int)done;
		if (done != (int)wanted)
			break;
	}
	return total ? (int)total : done;
}
