// SPDX-License-Identifier: GPL-2.0-only
#include "sink.h"

#include <linux/kevents.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "event.h"
#include "payload.h"

int ke_sink_copy_record(struct iov_iter *iter, const struct ke_event *event, s32 id)
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

int ke_sink_copy_flat(const struct ke_sink *sink, const struct ke_event *event,
		      const void *payload, s32 id)
{
	int err = ke_sink_put_received(event, id, u64_to_user_ptr(sink->received));

	if (!err && copy_to_user(u64_to_user_ptr(sink->data), payload, event->len))
		err = -EFAULT;
	return err ?: ke_sink_terminate(sink, event->len);
}
