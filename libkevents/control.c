// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <errno.h>
#include <limits.h>
#include <linux/kevents.h>

_Static_assert(sizeof(int) == sizeof(__s32), "ke_list() passes its array to the module");

static int call_with_id(kevents_ctx *ctx, unsigned long cmd, int id)
{
	struct kevents_id arg = { .id = id };

	return ke_context_ioctl(ctx, cmd, &arg);
}

int ke_watch(kevents_ctx *ctx, int id)
{
	return call_with_id(ctx, KEVENTS_IOC_WATCH, id);
}

int ke_unwatch(kevents_ctx *ctx, int id)
{
	return call_with_id(ctx, KEVENTS_IOC_UNWATCH, id);
}

int ke_purge(kevents_ctx *ctx, int id)
{
	return call_with_id(ctx, KEVENTS_IOC_PURGE, id);
}

int ke_unclaim(kevents_ctx *ctx, int id)
{
	return call_with_id(ctx, KEVENTS_IOC_UNCLAIM, id);
}

int ke_claim(kevents_ctx *ctx, int id, mode_t mode)
{
	struct kevents_claim claim = { .id = id, .mode = mode };

	return ke_context_ioctl(ctx, KEVENTS_IOC_CLAIM, &claim);
}

int ke_stat(kevents_ctx *ctx, int id, struct ke_stat *stat)
{
	struct kevents_stat arg = { .id = id };
	int err;

	if (!stat)
		return -EINVAL;
	err = ke_context_ioctl(ctx, KEVENTS_IOC_STAT, &arg);
	if (err)
		return err;
	*stat = (struct ke_stat) {
		.id = id,
		.claimed = (int)arg.claimed,
		.pending = arg.pending,
		.leased = arg.leased,
		.bytes = arg.bytes,
		.waiters = arg.waiters,
		.sent = arg.sent,
		.received = arg.received,
		.expired = arg.expired,
		.returned = arg.returned,
		.owner_uid = arg.owner_uid,
		.owner_gid = arg.owner_gid,
		.mode = arg.mode,
	};
	return 0;
}

int ke_list(kevents_ctx *ctx, int *ids, size_t n)
{
	struct kevents_list list = { .ids = ke_address(ids), .n = n };
	int err = ke_context_ioctl(ctx, KEVENTS_IOC_LIST, &list);

	if (err)
		return err;
	return list.count > INT_MAX ? INT_MAX : (int)list.count;
}

int ke_limits(kevents_ctx *ctx, struct ke_limits *limits)
{
	struct kevents_limits arg;
	int err;

	if (!limits)
		return -EINVAL;
	err = ke_context_ioctl(ctx, KEVENTS_IOC_LIMITS, &arg);
	if (err)
		return err;
	*limits = (struct ke_limits) {
		.max_event_size = arg.max_event_size,
		.max_bytes = arg.max_bytes,
		.user_max_bytes = arg.user_max_bytes,
		.strict = arg.strict,
		.bytes = arg.bytes,
		.broker_bytes = arg.broker_bytes,
		.broker_events = arg.broker_events,
		.broker_ids = arg.broker_ids,
		.user_bytes = arg.user_bytes,
	};
	return 0;
}
