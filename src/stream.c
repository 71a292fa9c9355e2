// SPDX-License-Identifier: GPL-2.0-only
#include "stream.h"

#include <linux/kevents.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "client.h"
#include "receive.h"
#include "sending.h"

/* Whether what has been done of @size bytes is to be all. */
static bool is_interrupted(const struct iov_iter *iter, size_t size)
{
	return iov_iter_count(iter) < size && signal_pending(current);
}

ssize_t ke_stream_read(struct ke_client *client, struct iov_iter *to,
		       bool waits)
{
	struct ke_recv_req req = { .iter = to, .n = KE_RUN_MAX, .waits = waits };
	size_t size = iov_iter_count(to);
	int err = 0;

	while (!err && iov_iter_count(to) && !is_interrupted(to, size)) {
		err = ke_receive_watched(client, &req);
		req.waits = false;
		cond_resched();
	}
	return size - iov_iter_count(to) ?: err == -ENOMSG ? -EAGAIN : err;
}

static size_t padding_of(u32 len)
{
	return KEVENTS_RECORD_SIZE(len) - sizeof(struct kevents_record) - len;
}

/* Looks at the zeros behind the payload, at which @from stands. */
static int check_padding(struct iov_iter *from, u32 len)
{
	size_t size = padding_of(len);
	u64 padding = 0;

	if (!size)
		return 0;
	iov_iter_advance(from, len);
	if (!copy_from_iter_full(&padding, size, from))
		return -EFAULT;
	iov_iter_revert(from, len + size);
	return padding ? -EINVAL : 0;
}

static int write_record(struct ke_client *client, struct iov_iter *from,
			bool waits)
{
	struct ke_sending sending = { .waits = waits };
	size_t before = iov_iter_count(from);
	struct kevents_record record;
	int err;

	if (before < sizeof(record))
		return -EINVAL;
	if (!copy_from_iter_full(&record, sizeof(record), from))
		return -EFAULT;
	if (record.seq || KEVENTS_RECORD_SIZE(record.len) > before) {
		iov_iter_revert(from, sizeof(record));
		return -EINVAL;
	}
	sending.id = record.id;
	sending.len = record.len;
	sending.iter = from;
	err = check_padding(from, record.len);
	if (!err)
		err = ke_sending_send(client, &sending);
	if (err)
		iov_iter_revert(from, before - iov_iter_count(from));
	else
		iov_iter_advance(from, padding_of(record.len));
	return err;
}

ssize_t ke_stream_write(struct ke_client *client, struct iov_iter *from,
			bool waits)
{
	size_t size = iov_iter_count(from);
	int err = 0;

	while (!err && iov_iter_count(from) && !is_interrupted(from, size)) {
		err = write_record(client, from, waits);
		cond_resched();
	}
	if (iov_iter_count(from) < size)
		return size - iov_iter_count(from);
	return err == -EDQUOT ? -EAGAIN : err;
}
