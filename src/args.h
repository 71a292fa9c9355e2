/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_ARGS_H
#define KE_ARGS_H

#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include "access.h"
#include "client.h"
#include "receive.h"
#include "sending.h"
#include "sink.h"

#define KE_ARGS_RECEIVE_FLAGS \
	(KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_TERMINATE | \
	 KEVENTS_RECEIVE_LEASE | KEVENTS_RECEIVE_WATCHED)

/* What a struct kevents_receive asks for. */
struct ke_args_receive {
	struct kevents_receive __user *arg;
	u64 data;
	u64 size;
	s32 id;
	u32 flags;
	u64 deadline_ns;
	u32 lease_ms;
};

/* Two fields that stand side by side, for one access to the caller's memory. */
union ke_args_pair {
	u64 both;
	struct {
		u32 first;
		u32 second;
	};
};

static_assert(offsetof(struct kevents_send, flags) == 4);
static_assert(offsetof(struct kevents_send, ttl_ms) == 32);
static_assert(offsetof(struct kevents_send, reserved32) == 36);
static_assert(offsetof(struct kevents_receive, flags) == 4);
static_assert(offsetof(struct kevents_receive, lease_ms) == 32);
static_assert(offsetof(struct kevents_receive, reserved32) == 36);

static inline u64 ke_args_address(const void __user *field)
{
	return (uintptr_t)field;
}

/*
 * Sets @deadline to @deadline_ns, a time of the caller's time namespace, and returns
 * it; NULL where a wait has no limit.
 */
static inline ktime_t *ke_args_deadline(u64 deadline_ns, ktime_t *deadline)
{
	const s64 offset = ke_sink_time_offset();

	if (deadline_ns > KTIME_MAX)
		return NULL;
	if ((s64)deadline_ns <= offset)
		*deadline = 0;
	else
		*deadline = min_t(u64, deadline_ns - offset, KTIME_MAX);
	return deadline;
}

/*
 * Fills what of @sending and @deadline_ns comes from @arg; -EFAULT or -EINVAL. No event has
 * been sent yet: @arg says so.
 */
static __always_inline int ke_args_get_send(struct ke_sending *sending,
					    u64 *deadline_ns,
					    struct kevents_send __user *arg)
{
	union ke_args_pair id_flags, ttl;
	u64 data, len, reserved;

	if (!ke_access_begin(arg, sizeof(*arg)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(data, &arg->data, fault);
	unsafe_get_user(len, &arg->len, fault);
	unsafe_get_user(*deadline_ns, &arg->deadline_ns, fault);
	unsafe_get_user(ttl.both, (const u64 __user *)&arg->ttl_ms, fault);
	unsafe_get_user(reserved, &arg->reserved, fault);
	unsafe_put_user(0ULL, &arg->seq, fault);
	user_access_end();
	sending->id = id_flags.first;
	sending->len = len;
	sending->data = data;
	sending->iter = NULL;
	sending->seq_addr = ke_args_address(&arg->seq);
	sending->ttl_ms = ttl.first;
	return id_flags.second | ttl.second | reserved ? -EINVAL : 0;

fault:
	user_access_end();
	return -EFAULT;
}

/* Reads @arg; -EFAULT or -EINVAL. */
static __always_inline int ke_args_get_receive(struct ke_args_receive *args,
					       struct kevents_receive __user *arg)
{
	union ke_args_pair id_flags, lease;
	u64 reserved;

	if (!ke_access_begin_read(arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(args->data, &arg->data, fault);
	unsafe_get_user(args->size, &arg->size, fault);
	unsafe_get_user(args->deadline_ns, &arg->deadline_ns, fault);
	unsafe_get_user(lease.both, (const u64 __user *)&arg->lease_ms, fault);
	unsafe_get_user(reserved, &arg->reserved, fault);
	user_read_access_end();
	args->arg = arg;
	args->id = id_flags.first;
	args->flags = id_flags.second;
	args->lease_ms = lease.first;
	return lease.second | reserved ? -EINVAL : 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Reads @arg, an entry of a batch whose events are leased or not; -EFAULT or -EINVAL. */
static __always_inline int ke_args_get_entry(struct ke_sink *sink, bool leases,
					     struct kevents_receive __user *arg)
{
	u64 data, size, deadline_ns, reserved;
	union ke_args_pair id_flags, lease;

	if (!ke_access_begin_read(arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(data, &arg->data, fault);
	unsafe_get_user(size, &arg->size, fault);
	unsafe_get_user(deadline_ns, &arg->deadline_ns, fault);
	unsafe_get_user(lease.both, (const u64 __user *)&arg->lease_ms, fault);
	unsafe_get_user(reserved, &arg->reserved, fault);
	user_read_access_end();
	sink->data = data;
	sink->size = size;
	sink->terminate = false;
	sink->received = ke_args_address(&arg->event);
	sink->lease_ms = lease.first;
	if (id_flags.both | deadline_ns | lease.second | reserved)
		return -EINVAL;
	return lease.first && !leases ? -EINVAL : 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Whether its flags, and what depends on them, go together. */
static inline bool ke_args_receive_is_valid(const struct ke_args_receive *args)
{
	const u32 either = KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_LEASE;

	if (likely(!(args->flags & ~KEVENTS_RECEIVE_TERMINATE)))
		return !args->lease_ms;
	if (args->flags & ~KE_ARGS_RECEIVE_FLAGS || (args->flags & either) == either)
		return false;
	if (args->flags & KEVENTS_RECEIVE_WATCHED && args->id)
		return false;
	if (args->flags & KEVENTS_RECEIVE_PEEK && args->deadline_ns)
		return false;
	return args->flags & KEVENTS_RECEIVE_LEASE || !args->lease_ms;
}

/* Fills @req and @sink but for waiting. */
static inline void ke_args_prepare(struct ke_recv_req *req, struct ke_sink *sink,
				   const struct ke_args_receive *args)
{
	req->leases = args->flags & KEVENTS_RECEIVE_LEASE;
	req->iter = NULL;
	req->sinks = sink;
	req->n = 1;
	req->done = 0;
	sink->data = args->data;
	sink->size = args->size;
	sink->terminate = args->flags & KEVENTS_RECEIVE_TERMINATE;
	sink->received = ke_args_address(&args->arg->event);
	sink->lease_ms = args->lease_ms;
}

/* Returns @err; with -EMSGSIZE @arg is told the length first, or it is -EFAULT. */
static inline int ke_args_tell_needed(int err, const struct ke_recv_req *req,
				      struct kevents_receive __user *arg)
{
	u64 needed;

	if (likely(err != -EMSGSIZE))
		return err;
	needed = req->needed;
	return copy_to_user(&arg->event.len, &needed, sizeof(needed)) ? -EFAULT : err;
}

#endif /* KE_ARGS_H */
