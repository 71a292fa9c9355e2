// SPDX-License-Identifier: GPL-2.0-only
#include "batch.h"

#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "args.h"
#include "client.h"
#include "event.h"
#include "receiver.h"
#include "receiving.h"
#include "sending.h"

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
	const struct kevents_send __user *entries;	/* those that are to be sent yet */
	u32 n;
	bool waits;
	ktime_t *deadline;
};

/* Gets ready what can be sent of the next @n; @err says why that is not all. */
static u32 get_sends(const struct sending *sending, struct ke_sending *sendings, u32 n,
		     int *err)
{
	const struct kevents_send __user *entry = sending->entries;
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

/* A batch of receives in progress. */
struct receiving {
	struct ke_receiver receiver;
	struct kevents_receive __user *entry;	/* whose turn it is */
};

/* ke_receiver.next, where nothing may sleep. */
static bool get_next_entry(struct ke_receiver *receiver)
{
	struct receiving *receiving = container_of(receiver, struct receiving, receiver);
	int err;

	pagefault_disable();
	err = ke_args_get_entry(receiver, ++receiving->entry);
	pagefault_enable();
	return !err;
}

static int receive_entries(struct ke_client *client, struct receiving *receiving,
			   struct kevents_receive __user *entries)
{
	struct ke_receiver *receiver = &receiving->receiver;
	int err;

	receiving->entry = entries + receiver->done;
	err = ke_args_get_entry(receiver, receiving->entry);
	if (err)
		return err;
	err = ke_receiving_receive_watched(client, receiver);
	ke_event_free_list(&receiver->ended, &client->spare);
	return ke_args_tell_needed(err, receiver, entries + receiver->done);
}

long ke_batch_receive(struct ke_client *client,
		      const struct kevents_batch __user *arg)
{
	struct receiving receiving = { };
	struct ke_receiver *receiver = &receiving.receiver;
	struct kevents_receive __user *entries;
	struct kevents_batch batch;
	ktime_t deadline;
	int err;

	err = get_batch(&batch, arg, KEVENTS_RECEIVE_LEASE);
	if (err)
		return err;
	entries = u64_to_user_ptr(batch.entries);
	if (batch.flags)
		receiver->lessee = &client->lessee;
	receiver->most = batch.n;
	receiver->next = get_next_entry;
	receiver->waits = batch.deadline_ns;
	receiver->deadline = ke_args_deadline(batch.deadline_ns, &deadline);
	while (receiver->done < batch.n && !err &&
	       !(receiver->done && signal_pending(current))) {
		err = receive_entries(client, &receiving, entries);
		receiver->waits = false;
		cond_resched();
	}
	return receiver->done ? (long)receiver->done : err;
}
