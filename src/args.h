/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_ARGS_H
#define KE_ARGS_H

#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/types.h>
#include <linux/uaccess.h>

#include "access.h"
#include "client.h"
#include "receiver.h"
#include "sending.h"

#define KE_ARGS_RECEIVE_FLAGS \
	(KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_TERMINATE | \
	 KEVENTS_RECEIVE_LEASE | KEVENTS_RECEIVE_WATCHED)

/* What a struct kevents_receive asks for. */
struct ke_wish {
	struct kevents_receive __user *arg;
	u64 data;
	u64 size;
	s32 id;
	u32 flags;
	s32 timeout_ms;
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
static_assert(offsetof(struct kevents_send, timeout_ms) == 24);
static_assert(offsetof(struct kevents_send, ttl_ms) == 28);
static_assert(offsetof(struct kevents_receive, flags) == 4);
static_assert(offsetof(struct kevents_receive, timeout_ms) == 24);
static_assert(offsetof(struct kevents_receive, lease_ms) == 28);

static inline u64 ke_args_address(const void __user *field)
{
	return (uintptr_t)field;
}

/* Returns @deadline set, or NULL where there is no limit or no waiting. */
static inline ktime_t *ke_args_deadline(s32 timeout_ms, ktime_t *deadline)
{
	if (timeout_ms <= 0)
		return NULL;
	*deadline = ktime_add_ms(ktime_get(), timeout_ms);
	return deadline;
}

/* Fills what of @sending and @timeout_ms comes from @arg; -EFAULT or -EINVAL. */
static __always_inline int ke_args_get_send(struct ke_sending *sending,
					    s32 *timeout_ms,
					    const struct kevents_send __user *arg)
{
	union ke_args_pair id_flags, times;
	u64 data, len, reserved, more;

	if (!ke_access_begin_read(arg, offsetof(struct kevents_send, seq)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(data, &arg->data, fault);
	unsafe_get_user(len, &arg->len, fault);
	unsafe_get_user(times.both, (const u64 __user *)&arg->timeout_ms, fault);
	unsafe_get_user(reserved, &arg->reserved[0], fault);
	unsafe_get_user(more, &arg->reserved[1], fault);
	user_read_access_end();
	*timeout_ms = times.first;
	sending->id = id_flags.first;
	sending->len = len;
	sending->data = data;
	sending->iter = NULL;
	sending->seq_addr = ke_args_address(&arg->seq);
	sending->ttl_ms = times.second;
	sending->sender = NULL;
	return id_flags.second | reserved | more ? -EINVAL : 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Reads @arg; -EFAULT or -EINVAL. */
static __always_inline int ke_args_get_wish(struct ke_wish *wish,
					    struct kevents_receive __user *arg)
{
	union ke_args_pair id_flags, times;
	u64 reserved, more;

	if (!ke_access_begin_read(arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(wish->data, &arg->data, fault);
	unsafe_get_user(wish->size, &arg->size, fault);
	unsafe_get_user(times.both, (const u64 __user *)&arg->timeout_ms, fault);
	unsafe_get_user(reserved, &arg->reserved[0], fault);
	unsafe_get_user(more, &arg->reserved[1], fault);
	user_read_access_end();
	wish->arg = arg;
	wish->id = id_flags.first;
	wish->flags = id_flags.second;
	wish->timeout_ms = times.first;
	wish->lease_ms = times.second;
	return reserved | more ? -EINVAL : 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/*
 * Has @receiver, which knows of peek, terminate and lessee, get what @arg, an entry
 * of a batch, asks for; -EFAULT or -EINVAL. Does not sleep where page faults are off.
 */
static __always_inline int ke_args_get_entry(struct ke_receiver *receiver,
					     struct kevents_receive __user *arg)
{
	union ke_args_pair id_flags, times;
	u64 data, size, reserved, more;

	if (!ke_access_begin_read(arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(data, &arg->data, fault);
	unsafe_get_user(size, &arg->size, fault);
	unsafe_get_user(times.both, (const u64 __user *)&arg->timeout_ms, fault);
	unsafe_get_user(reserved, &arg->reserved[0], fault);
	unsafe_get_user(more, &arg->reserved[1], fault);
	user_read_access_end();
	receiver->sink.data = data;
	receiver->sink.size = size;
	receiver->sink.received = ke_args_address(&arg->event);
	receiver->lease_ms = times.second;
	if (id_flags.both | times.first | reserved | more)
		return -EINVAL;
	return times.second && !receiver->lessee ? -EINVAL : 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Whether its flags, and what depends on them, go together. */
static inline bool ke_args_wish_is_valid(const struct ke_wish *wish)
{
	const u32 either = KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_LEASE;

	if (likely(!(wish->flags & ~KEVENTS_RECEIVE_TERMINATE)))
		return !wish->lease_ms;
	if (wish->flags & ~KE_ARGS_RECEIVE_FLAGS || (wish->flags & either) == either)
		return false;
	if (wish->flags & KEVENTS_RECEIVE_WATCHED && wish->id)
		return false;
	return wish->flags & KEVENTS_RECEIVE_LEASE || !wish->lease_ms;
}

/* Has @receiver do what @wish says, but for waiting. */
static inline void ke_args_prepare(struct ke_receiver *receiver, struct ke_client *client,
				   const struct ke_wish *wish)
{
	receiver->peek = wish->flags & KEVENTS_RECEIVE_PEEK;
	receiver->sink.data = wish->data;
	receiver->sink.size = wish->size;
	receiver->sink.terminate = wish->flags & KEVENTS_RECEIVE_TERMINATE;
	receiver->sink.received = ke_args_address(&wish->arg->event);
	if (wish->flags & KEVENTS_RECEIVE_LEASE) {
		receiver->lessee = &client->lessee;
		receiver->lease_ms = wish->lease_ms;
	}
}

/* Returns @err; with -EMSGSIZE @arg is told the length first, or it is -EFAULT. */
static inline int ke_args_tell_needed(int err, const struct ke_receiver *receiver,
				      struct kevents_receive __user *arg)
{
	u64 needed;

	if (err != -EMSGSIZE)
		return err;
	needed = receiver->sink.needed;
	return copy_to_user(&arg->event.len, &needed, sizeof(needed)) ? -EFAULT : err;
}

#endif /* KE_ARGS_H */
