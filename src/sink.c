// SPDX-License-Identifier: GPL-2.0-only
#include "sink.h"

#include <linux/cred.h>
#include <linux/kevents.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>

#include "event.h"
#include "quota.h"
#include "sender.h"

/* More of a buffer is not looked at before there is an event. */
#define PREFAULT_MAX	65536

/* CLOCK_MONOTONIC as the calling process reads it. */
static u64 monotonic_here(u64 ns)
{
#ifdef CONFIG_TIME_NS
	const struct timespec64 *offset =
		&current->nsproxy->time_ns->offsets.monotonic;

	if (unlikely(offset->tv_sec | offset->tv_nsec))
		ns += timespec64_to_ns(offset);
#endif
	return ns;
}

static int copy_record(const struct ke_event *event, s32 id,
		       struct ke_sink *sink)
{
	struct iov_iter *iter = sink->iter;
	const struct kevents_record record = {
		.id = id,
		.len = event->len,
		.seq = event->seq,
	};
	size_t padding = KEVENTS_RECORD_SIZE(event->len) - sizeof(record) -
			 event->len;
	size_t done;

	done = copy_to_iter(&record, sizeof(record), iter);
	if (done == sizeof(record))
		done += copy_to_iter(ke_event_payload(event), event->len, iter);
	if (done == sizeof(record) + event->len)
		done += iov_iter_zero(padding, iter);
	if (done == KEVENTS_RECORD_SIZE(event->len)) {
		sink->copied = done;
		return 0;
	}
	iov_iter_revert(iter, done);
	return -EFAULT;
}

static int copy_to_stream(const struct ke_event *event, s32 id,
			  struct ke_sink *sink, enum ke_copy how)
{
	int err;

	if (KEVENTS_RECORD_SIZE(event->len) > iov_iter_count(sink->iter)) {
		sink->needed = event->len;
		return -EMSGSIZE;
	}
	if (how == KE_COPY_MAY_SLEEP)
		return copy_record(event, id, sink);
	pagefault_disable();
	err = copy_record(event, id, sink);
	pagefault_enable();
	return err;
}

/* As from_kuid_munged(), without its search where there is nothing to map. */
static uid_t uid_here(struct user_namespace *ns, kuid_t uid)
{
	return ns == &init_user_ns ? __kuid_val(uid) : from_kuid_munged(ns, uid);
}

static gid_t gid_here(struct user_namespace *ns, kgid_t gid)
{
	return ns == &init_user_ns ? __kgid_val(gid) : from_kgid_munged(ns, gid);
}

/* As pid_nr_ns(), in line where both live in the same namespace. */
static pid_t pid_here(struct pid *pid)
{
	struct pid_namespace *ns = ns_of_pid(task_pid(current));

	if (likely(ns_of_pid(pid) == ns))
		return pid->numbers[pid->level].nr;
	return pid_nr_ns(pid, ns);
}

static __always_inline int show_received(const struct ke_event *event, s32 id,
					 struct kevents_received __user *to)
{
	struct user_namespace *user_ns = current_user_ns();
	const struct ke_sender *sender = event->sender;
	u64 sent_ns = monotonic_here(event->sent_ns);
	pid_t pid = pid_here(sender->pid);
	uid_t uid = uid_here(user_ns, sender->user->uid);
	gid_t gid = gid_here(user_ns, sender->gid);

	if (!user_write_access_begin(to, sizeof(*to)))
		return -EFAULT;
	unsafe_put_user((u64)event->len, &to->len, fault);
	unsafe_put_user(event->seq, &to->seq, fault);
	unsafe_put_user(sent_ns, &to->sent_ns, fault);
	unsafe_put_user(id, &to->id, fault);
	unsafe_put_user(event->deliveries ? KEVENTS_RECEIVED_AGAIN : 0, &to->flags, fault);
	unsafe_put_user(event->deliveries + 1, &to->deliveries, fault);
	unsafe_put_user(pid, &to->pid, fault);
	unsafe_put_user(uid, &to->uid, fault);
	unsafe_put_user(gid, &to->gid, fault);
	unsafe_put_user(0ULL, &to->reserved[0], fault);
	unsafe_put_user(0ULL, &to->reserved[1], fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* The counterpart of what fills a small event, for the same reasons. */
static __always_inline int show_small(const void *payload, void __user *addr, u32 len)
{
	u64 __user *to = addr;
	const u64 *from = payload;
	u8 __user *rest;
	const u8 *last;

	if (!len)
		return 0;
	if (!user_write_access_begin(to, len))
		return -EFAULT;
	for (; len >= 4 * sizeof(*from); len -= 4 * sizeof(*from), to += 4, from += 4) {
		unsafe_put_user(from[0], to, fault);
		unsafe_put_user(from[1], to + 1, fault);
		unsafe_put_user(from[2], to + 2, fault);
		unsafe_put_user(from[3], to + 3, fault);
	}
	for (; len >= sizeof(*from); len -= sizeof(*from))
		unsafe_put_user(*from++, to++, fault);
	for (rest = (u8 __user *)to, last = (const u8 *)from; len; len--)
		unsafe_put_user(*last++, rest++, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* Where a buffer has room for it. */
static int show_nul(u8 __user *to)
{
	if (!user_write_access_begin(to, 1))
		return -EFAULT;
	unsafe_put_user(0, to, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

static __always_inline int show_payload(const struct ke_event *event, const struct ke_sink *sink)
{
	u8 __user *to = u64_to_user_ptr(sink->data);
	int err = 0;

	if (event->len <= KE_EVENT_SMALL_SIZE)
		err = show_small(event->payload, to, event->len);
	else if (!access_ok(to, event->len) ||
		 __copy_to_user_inatomic(to, ke_event_payload(event), event->len))
		err = -EFAULT;
	if (!err && sink->terminate && event->len < sink->size)
		err = show_nul(to + event->len);
	return err;
}

int ke_sink_show(struct ke_sink *sink, const struct ke_event *event, s32 id,
		 enum ke_copy how)
{
	int err;

	if (sink->iter)
		return copy_to_stream(event, id, sink, how);
	if (event->len > sink->size) {
		sink->needed = event->len;
		return -EMSGSIZE;
	}
	if (how == KE_COPY_ATOMIC)
		pagefault_disable();
	err = show_payload(event, sink);
	if (!err)
		err = show_received(event, id, u64_to_user_ptr(sink->received));
	if (how == KE_COPY_ATOMIC)
		pagefault_enable();
	return err;
}

void ke_sink_undo(struct ke_sink *sink)
{
	if (sink->iter)
		iov_iter_revert(sink->iter, sink->copied);
}

/*
 * Writes back what is there: the buffer is the call's own until that returns.
 */
static bool prefault_byte(u64 addr)
{
	u8 __user *at = u64_to_user_ptr(addr);
	u8 byte;

	if (!user_access_begin(at, sizeof(*at)))
		return false;
	unsafe_get_user(byte, at, fault);
	unsafe_put_user(byte, at, fault);
	user_access_end();
	return true;

fault:
	user_access_end();
	return false;
}

static void prefault(u64 addr, u64 size)
{
	u64 end = addr + min_t(u64, size, PREFAULT_MAX);

	while (addr < end && prefault_byte(addr))
		addr = (addr & PAGE_MASK) + PAGE_SIZE;
}

void ke_sink_prefault(const struct ke_sink *sink)
{
	if (sink->iter)
		return;
	prefault(sink->data,
		 min_t(u64, sink->size, READ_ONCE(ke_limits.max_event_size)));
	prefault(sink->received, sizeof(struct kevents_received));
}
