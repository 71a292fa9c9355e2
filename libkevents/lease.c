// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <linux/kevents.h>

static int end_lease(kevents_ctx *ctx, unsigned long cmd, uint64_t seq)
{
	struct kevents_lease lease = { .seq = seq };

	return ke_context_ioctl(ctx, cmd, &lease);
}

int ke_ack(kevents_ctx *ctx, uint64_t seq)
{
	return end_lease(ctx, KEVENTS_IOC_ACK, seq);
}

int ke_nack(kevents_ctx *ctx, uint64_t seq)
{
	return end_lease(ctx, KEVENTS_IOC_NACK, seq);
}
