// SPDX-License-Identifier: GPL-2.0-only
#include "batch.h"

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "args.h"
#include "client.h"
#include "event.h"
#include "receive.h"
#include "sending.h"
#include "sink.h"

static int get_batch(struct kevents_batch *batch,
		     const struct kevents_batch __user *arg, u32 flags)
{
	if (copy_from_user(batch, arg, sizeof(*batch)))
		return -EFAULT;
	if (batch->flags & ~flags || batch->reserved[0] || batch->reserved[1])
		return -EINVAL;
	batch->n = min_t(u32, batch->n, INT_MAX);
	return 0;
}

/* A batch of sends in progress. */
struct sending {
	struct kevents_send __user *entries;	/* those that are to be sent yet */
	u32 n;
	bool waits;
	ktime_t *deadline;
};

/* Gets ready what can be sent of the next @n; @err says why that is not all. */
static u32 get_sends(const struct sending *sending, struct ke_sending *sendings, u32 n,
		     int *err)
{
	struct kevents_send __user *entry = sending->entries;
	const bool waits = sending->waits;
	ktime_t *const deadline = sending->deadline;
	struct ke_sending *to;
	u64 deadline_ns;

	for (to = sendings; to < sendings + n; to++) {
		*err = ke_args_get_send(to, &deadline_ns, entry++);
		if (unlikely(*err))
			return to - sendings;
		if (unlikely(deadline_ns))
			break;
		to->waits = waits;
		to->deadline = deadline;
	}
	*err = to < sendings + n ? -EINVAL : 0;
	return to - sendings;
}

static u32 send_chunk(struct ke_client *client, const struct sending *sending, int *err)
{
	struct ke_sending sendings[KE_EVENT_BULK] __uninitialized;
	u32 got, done;
	int bad;

	got = get_sends(sending, sendings, min(sending->n, KE_EVENT_BULK), &bad);
	done = ke_sending_send_all(client, sendings, got, err);
	if (done == got)
		*err = bad;
	return done;
}

long ke_batch_send(struct ke_client *client,
		   const struct kevents_batch __user *arg)
{
	struct kevents_batch batch;
	struct sending sending;
	u32 chunk, done = 0;
	ktime_t deadline;
	int err;

	err = get_batch(&batch, arg, 0);
	if (err)
		return err;
	sending.entries = u64_to_user_ptr(batch.entries);
	sending.n = batch.n;
	sending.waits = batch.deadline_ns;
	sending.deadline = ke_args_deadline(batch.deadline_ns, &deadline);
	while (sending.n && !err && !(done && signal_pending(current))) {
		chunk = send_chunk(client, &sending, &err);
		sending.entries += chunk;
		sending.n -= chunk;
		done += chunk;
		cond_resched();
	}
	return done ? (long)done : err;
}

/* Reads up to @n of @entries; @err says why not all. */
static unsigned int get_sinks(struct kevents_receive __user *entries, unsigned int n,
			      bool leases, struct ke_sink *sinks, int *err)
{
	unsigned int i;

	*err = 0;
	for (i = 0; i < n && !*err; i++)
		*err = ke_args_get_entry(&sinks[i], leases, &entries[i]);
	return *err ? i - 1 : i;
}

static int receive_entries(struct ke_client *client, struct ke_recv_req *req,
			   struct kevents_receive __user *entries, unsigned int n)
{
	struct ke_sink sinks[KE_RUN_MAX] __uninitialized;
	int err, bad;

	req->sinks = sinks;
	req->n = get_sinks(entries, min(n, KE_RUN_MAX), req->leases, sinks, &bad);
	req->done = 0;
	if (!req->n)
		return bad;
	err = ke_receive_watched(client, req);
	return ke_args_tell_needed(err, req, entries);
}

long ke_batch_receive(struct ke_client *client,
		      const struct kevents_batch __user *arg)
{
	struct ke_recv_req req = { };
	struct kevents_receive __user *entries;
	struct kevents_batch batch;
	ktime_t deadline;
	u32 done = 0;
	int err;

	err = get_batch(&batch, arg, KEVENTS_RECEIVE_LEASE);
	if (err)
		return err;
	entries = u64_to_user_ptr(batch.entries);
	req.leases = batch.flags;
	req.waits = batch.deadline_ns;
	req.deadline = ke_args_deadline(batch.deadline_ns, &deadline);
	while (done < batch.n && !err && !(done && signal_pending(current))) {
		err = receive_entries(client, &req, entries + done, batch.n - done);
		done += req.done;
		req.waits = false;
		cond_resched();
	}
	return done ? (long)done : err;
}
