/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_SOURCE_H
#define KE_SOURCE_H

#include <linux/types.h>
#include <linux/uaccess.h>

#include "access.h"
#include "event.h"
#include "payload.h"

/*
 * Small payloads go word by word, in C that checkers of memory see: a call of
 * the general function costs more than the copy. Eight words at a time, for the
 * same reason.
 */
static __always_inline int ke_source_fill_small(void *payload, const void __user *addr, u32 len)
{
	const u64 __user *from = addr;
	const u8 __user *rest;
	u64 *to = payload;
	u8 *last;

	if (!len)
		return 0;
	if (!ke_access_begin_read(from, len))
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

/* Fills @event from an address; 0 or -EFAULT. */
static __always_inline int ke_source_fill(struct ke_event *event, u64 addr)
{
	const void __user *from = u64_to_user_ptr(addr);

	if (event->len <= KE_EVENT_SMALL_SIZE)
		return ke_source_fill_small(event->payload, from, event->len);
	return ke_payload_copy_from_user(event, from);
}

/*
 * Writes @seq to @addr unless that is 0. The event has been sent: memory that is writable no
 * more keeps what it holds. Since no call fails by that, fault injection leaves it alone.
 */
static __always_inline void ke_source_put_seq(u64 seq, u64 addr)
{
	u64 __user *to = u64_to_user_ptr(addr);

	if (!addr || !user_write_access_begin(to, sizeof(*to)))
		return;
	unsafe_put_user(seq, to, fault);
fault:
	user_write_access_end();
}

#endif /* KE_SOURCE_H */
