// SPDX-License-Identifier: GPL-2.0-only
#include "uaccess.h"

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "compat.h"

/* A contiguous part of a payload. */
struct part {
	u8 *data;
	u32 size;
	struct ke_segment *next;	/* the part after it; NULL: none */
};

static struct part first_part(const struct ke_event *event)
{
	struct ke_event_long *payload = ke_event_long_payload(event);

	if (likely(event->len <= KE_EVENT_INLINE_SIZE))
		return (struct part) { .data = (u8 *)event->payload, .size = event->len };
	return (struct part) {
		.data = payload->data,
		.size = ke_event_head(event->len),
		.next = payload->segments,
	};
}

/* Advances to the next part. Returns false if @part is the last one. */
static bool next_part(struct part *part)
{
	struct ke_segment *segment = part->next;

	if (!segment)
		return false;
	*part = (struct part) {
		.data = segment->data,
		.size = segment->size,
		.next = segment->next,
	};
	return true;
}

/*
 * Parts never exceed their memory, so the check of hardened usercopy would be redundant: hence
 * the variants with an underscore, which omit only that.
 */
int ke_payload_copy_from_user(struct ke_event *event, const void __user *from)
{
	const u8 __user *at = from;
	struct part part = first_part(event);

	do {
		if (ke_compat_copy_from_user(part.data, at, part.size))
			return -EFAULT;
		at += part.size;
	} while (next_part(&part));
	return 0;
}

int ke_payload_copy_to_user(const struct ke_event *event, void __user *to)
{
	u8 __user *at = to;
	struct part part = first_part(event);

	do {
		if (ke_compat_copy_to_user(at, part.data, part.size))
			return -EFAULT;
		at += part.size;
	} while (next_part(&part));
	return 0;
}

void ke_payload_read(const struct ke_event *event, u32 from, u32 n, u8 *to)
{
	struct part part = first_part(event);
	u32 some;

	while (n) {
		if (from < part.size) {
			some = min(n, part.size - from);
			memcpy(to, part.data + from, some);
			to += some;
			from += some;
			n -= some;
		}
		from -= part.size;
		next_part(&part);
	}
}

int ke_payload_copy_from_iter(struct ke_event *event, struct iov_iter *iter)
{
	struct part part = first_part(event);
	size_t done = 0, n;

	do {
		n = _copy_from_iter(part.data, part.size, iter);
		done += n;
		if (n < part.size) {
			iov_iter_revert(iter, done);
			return -EFAULT;
		}
	} while (next_part(&part));
	return 0;
}

size_t ke_payload_copy_to_iter(const struct ke_event *event, struct iov_iter *iter)
{
	struct part part = first_part(event);
	size_t done = 0, n;

	do {
		n = _copy_to_iter(part.data, part.size, iter);
		done += n;
	} while (n == part.size && next_part(&part));
	return done;
}

int ke_copy_record_to_iter(struct iov_iter *iter, const struct ke_event *event, s32 id)
{
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
		done += ke_payload_copy_to_iter(event, iter);
	if (done == sizeof(record) + event->len)
		done += iov_iter_zero(padding, iter);
	if (done == KEVENTS_RECORD_SIZE(event->len))
		return 0;
	iov_iter_revert(iter, done);
	return -EFAULT;
}

int ke_copy_flat_to_user(const struct ke_user_buf *buf, const struct ke_event *event,
			 const void *payload, s32 id)
{
	int err = ke_put_received(event, id, u64_to_user_ptr(buf->received));

	if (!err && copy_to_user(u64_to_user_ptr(buf->data), payload, event->len))
		err = -EFAULT;
	return err ?: ke_terminate_payload(buf, event->len);
}
