// SPDX-License-Identifier: GPL-2.0-only
#include "sink.h"

#include <linux/kevents.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "access.h"
#include "event.h"
#include "payload.h"
#include "quota.h"

/* More of a buffer is not looked at before there is an event. */
#define PREFAULT_MAX	65536

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
		done += ke_payload_copy_to_iter(event, iter);
	if (done == sizeof(record) + event->len)
		done += iov_iter_zero(padding, iter);
	if (done == KEVENTS_RECORD_SIZE(event->len))
		return 0;
	iov_iter_revert(iter, done);
	return -EFAULT;
}

int ke_sink_copy_record(struct ke_sink *sink, const struct ke_event *event, s32 id)
{
	int err;

	if (KEVENTS_RECORD_SIZE(event->len) > iov_iter_count(sink->iter)) {
		sink->needed = event->len;
		return -EMSGSIZE;
	}
	pagefault_disable();
	err = copy_record(event, id, sink);
	pagefault_enable();
	return err;
}

/* How much of its buffer a payload of @len bytes takes. */
static u64 size_of(const struct ke_sink *sink, u32 len)
{
	return len + (sink->terminate && len < sink->size);
}

/* All that will be written, not a byte of each page: tagged memory is good in parts. */
static int rewrite(u64 addr, u64 size)
{
	void __user *at;
	u8 chunk[128];
	u64 n;

	for (; size; addr += n, size -= n) {
		at = u64_to_user_ptr(addr);
		n = min_t(u64, size, sizeof(chunk));
		if (copy_from_user(chunk, at, n) || copy_to_user(at, chunk, n))
			return -EFAULT;
	}
	return 0;
}

static int clear(struct iov_iter *iter, size_t size)
{
	size_t done = iov_iter_zero(size, iter);

	iov_iter_revert(iter, done);
	return done == size ? 0 : -EFAULT;
}

int ke_sink_bring(const struct ke_sink *sink, u32 len)
{
	int err;

	if (sink->iter)
		return clear(sink->iter, KEVENTS_RECORD_SIZE(len));
	err = rewrite(sink->data, size_of(sink, len));
	return err ?: rewrite(sink->received, sizeof(struct kevents_received));
}

/* Writes back what is there: the buffer is the call's own until that returns. */
static bool touch(u64 addr)
{
	u8 __user *at = u64_to_user_ptr(addr);
	u8 byte;

	if (!ke_access_begin(at, sizeof(*at)))
		return false;
	unsafe_get_user(byte, at, fault);
	unsafe_put_user(byte, at, fault);
	user_access_end();
	return true;

fault:
	user_access_end();
	return false;
}

/* Touches each page from @addr on, up to the first that cannot be. */
static bool touch_pages(u64 addr, u64 end)
{
	for (; addr < end; addr = (addr & PAGE_MASK) + PAGE_SIZE)
		if (!touch(addr))
			return false;
	return true;
}

/* The absence of the first page is noticed before anything is written. */
bool ke_sink_are_present(const struct ke_sink *sink, u32 len)
{
	return touch_pages((sink->data & PAGE_MASK) + PAGE_SIZE,
			   sink->data + size_of(sink, len));
}

static void prefault(u64 addr, u64 size)
{
	touch_pages(addr, addr + min_t(u64, size, PREFAULT_MAX));
}

void ke_sink_prefault(const struct ke_sink *sink)
{
	if (sink->iter)
		return;
	prefault(sink->data,
		 min_t(u64, sink->size, READ_ONCE(ke_limits.max_event_size)));
	prefault(sink->received, sizeof(struct kevents_received));
}
