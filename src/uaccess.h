/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_UACCESS_H
#define KE_UACCESS_H

#include <linux/cred.h>
#include <linux/fault-inject-usercopy.h>
#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "event.h"

struct iov_iter;

/*
 * user_access_begin() and its variants, subject to fault injection as copy_from_user() is.
 * Macros, because objtool does not let a function return with user access enabled.
 */
#define ke_user_read_begin(from, len) \
	(!should_fail_usercopy() && user_read_access_begin(from, len))
#define ke_user_write_begin(to, len) \
	(!should_fail_usercopy() && user_write_access_begin(to, len))
#define ke_user_access_begin(at, len) \
	(!should_fail_usercopy() && user_access_begin(at, len))

/* Copy a whole payload. Return 0, or -EFAULT after a partial copy. */
int ke_payload_copy_from_user(struct ke_event *event, const void __user *from);
int ke_payload_copy_to_user(const struct ke_event *event, void __user *to);

/* Copies a whole payload. Returns 0, or -EFAULT with @iter unchanged. */
int ke_payload_copy_from_iter(struct ke_event *event, struct iov_iter *iter);

/* Copies @n bytes of the payload, from offset @from on, to kernel memory. */
void ke_payload_read(const struct ke_event *event, u32 from, u32 n, u8 *to);

/* Copies the payload. Returns the number of bytes copied. */
size_t ke_payload_copy_to_iter(const struct ke_event *event, struct iov_iter *iter);

/*
 * Small payloads are copied inline, word by word, in an unrolled loop: a call of copy_from_user()
 * would cost more than the copy. The kernel side is plain C, which KASAN and KMSAN check.
 */
static __always_inline int ke_get_small_payload(void *payload, const void __user *addr, u32 len)
{
	const u64 __user *from = addr;
	const u8 __user *rest;
	u64 *to = payload;
	u8 *last;

	if (!len)
		return 0;
	if (!ke_user_read_begin(from, len))
		return -EFAULT;
	for (; len >= 8 * sizeof(*to); len -= 8 * sizeof(*to), to += 8, from += 8) {
		unsafe_get_user(to[0], from, fault);
		unsafe_get_user(to[1], from + 1, fault);
		unsafe_get_user(to[2], from + 2, fault);
		unsafe_get_user(to[3], from + 3, fault);
		unsafe_get_user(to[4], from + 4, fault);
		unsafe_get_user(to[5], from + 5, fault);
		unsafe_get_user(to[6], from + 6, fault);
		unsafe_get_user(to[7], from + 7, fault);
	}
	for (; len >= sizeof(*to); len -= sizeof(*to))
		unsafe_get_user(*to++, from++, fault);
	for (rest = (const u8 __user *)from, last = (u8 *)to; len; len--)
		unsafe_get_user(*last++, rest++, fault);
	user_read_access_end();
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Copies the payload of @event from @addr. Returns 0 or -EFAULT. May sleep. */
static __always_inline int ke_event_copy_from_user(struct ke_event *event, u64 addr)
{
	const void __user *from = u64_to_user_ptr(addr);

	if (event->len <= KE_EVENT_SMALL_SIZE)
		return ke_get_small_payload(event->payload, from, event->len);
	return ke_payload_copy_from_user(event, from);
}

/*
 * Writes @seq to @addr, unless that is 0. Best effort: the event has been sent already, so a
 * fault fails no call and need not be injected.
 */
static __always_inline void ke_put_seq_to_user(u64 seq, u64 addr)
{
	u64 __user *to = u64_to_user_ptr(addr);

	if (!addr || !user_write_access_begin(to, sizeof(*to)))
		return;
	unsafe_put_user(seq, to, fault);
fault:
	user_write_access_end();
}

/* User memory for one received event. */
struct ke_user_buf {
	u64 data;			/* address of the payload */
	u64 size;			/* bytes at data */
	bool terminate;			/* append a NUL byte if there is room */
	u64 received;			/* address of a struct kevents_received */
	u32 lease_ms;			/* duration of a lease; 0: no limit */
};

/* ke_event_copy_to_user() for a contiguous copy of the payload, at @payload. */
int ke_copy_flat_to_user(const struct ke_user_buf *buf, const struct ke_event *event,
			 const void *payload, s32 id);

/*
 * Copies @event, of @id, as a record, for which @iter has room. Returns 0, or -EFAULT with @iter
 * unchanged.
 */
int ke_copy_record_to_iter(struct iov_iter *iter, const struct ke_event *event, s32 id);

/* Offset of CLOCK_MONOTONIC in the time namespace of the calling process, in ns. */
static inline s64 ke_user_time_offset(void)
{
#ifdef CONFIG_TIME_NS
	const struct timespec64 *offset =
		&current->nsproxy->time_ns->offsets.monotonic;

	/* Before 5.15, timespec64_to_ns() returns KTIME_MAX for a negative time. */
	if (unlikely(offset->tv_sec | offset->tv_nsec))
		return timespec64_to_ktime(*offset);
#endif
	return 0;
}

/* Converts @ns to CLOCK_MONOTONIC of the time namespace of the calling process. */
static inline u64 ke_user_time(u64 ns)
{
	return ns + ke_user_time_offset();
}

/* from_kuid_munged() with a fast path for the initial user namespace. */
static inline uid_t ke_user_uid(struct user_namespace *ns, kuid_t uid)
{
	return ns == &init_user_ns ? __kuid_val(uid) : from_kuid_munged(ns, uid);
}

static inline gid_t ke_user_gid(struct user_namespace *ns, kgid_t gid)
{
	return ns == &init_user_ns ? __kgid_val(gid) : from_kgid_munged(ns, gid);
}

/* pid_nr_ns() with a fast path if @pid is of the PID namespace of the calling process. */
static inline pid_t ke_user_pid(struct pid *pid)
{
	struct pid_namespace *ns = ns_of_pid(task_pid(current));

	if (likely(ns_of_pid(pid) == ns))
		return pid->numbers[pid->level].nr;
	return pid_nr_ns(pid, ns);
}

static __always_inline int ke_put_received(const struct ke_event *event, s32 id,
					   struct kevents_received __user *to)
{
	struct user_namespace *user_ns = current_user_ns();
	u64 sent_ns = ke_user_time(event->sent_ns);
	pid_t pid = ke_user_pid(event->pid);
	uid_t uid = ke_user_uid(user_ns, event->uid);
	gid_t gid = ke_user_gid(user_ns, event->gid);

	if (!ke_user_write_begin(to, sizeof(*to)))
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

/* The counterpart of ke_get_small_payload(). */
static __always_inline int ke_put_small_payload(const void *payload, void __user *addr,
						u32 len)
{
	u64 __user *to = addr;
	const u64 *from = payload;
	u8 __user *rest;
	const u8 *last;

	if (!len)
		return 0;
	if (!ke_user_write_begin(to, len))
		return -EFAULT;
	for (; len >= 8 * sizeof(*from); len -= 8 * sizeof(*from), to += 8, from += 8) {
		unsafe_put_user(from[0], to, fault);
		unsafe_put_user(from[1], to + 1, fault);
		unsafe_put_user(from[2], to + 2, fault);
		unsafe_put_user(from[3], to + 3, fault);
		unsafe_put_user(from[4], to + 4, fault);
		unsafe_put_user(from[5], to + 5, fault);
		unsafe_put_user(from[6], to + 6, fault);
		unsafe_put_user(from[7], to + 7, fault);
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

static inline int ke_put_nul(u8 __user *to)
{
	if (!ke_user_write_begin(to, 1))
		return -EFAULT;
	unsafe_put_user(0, to, fault);
	user_write_access_end();
	return 0;

fault:
	user_write_access_end();
	return -EFAULT;
}

/* Appends a NUL byte to a payload of @len bytes, if @buf asks for one and has room. */
static __always_inline int ke_terminate_payload(const struct ke_user_buf *buf, u32 len)
{
	if (!buf->terminate || len >= buf->size)
		return 0;
	return ke_put_nul((u8 __user *)u64_to_user_ptr(buf->data) + len);
}

static __always_inline int ke_put_payload(const struct ke_event *event,
					  const struct ke_user_buf *buf)
{
	u8 __user *to = u64_to_user_ptr(buf->data);
	int err = 0;

	if (event->len <= KE_EVENT_SMALL_SIZE)
		err = ke_put_small_payload(event->payload, to, event->len);
	else
		err = ke_payload_copy_to_user(event, to);
	return err ?: ke_terminate_payload(buf, event->len);
}

/* Copies @event, of @id, to @buf, which has room for it. Returns 0 or -EFAULT. May sleep. */
static __always_inline int ke_event_copy_to_user(const struct ke_user_buf *buf,
						 const struct ke_event *event, s32 id)
{
	return ke_put_received(event, id, u64_to_user_ptr(buf->received)) ?:
	       ke_put_payload(event, buf);
}

#endif /* KE_UACCESS_H */
