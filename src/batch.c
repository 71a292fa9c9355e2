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

#define SEND_CHUNK	16	/* events of a batch that are made at a time */

static int get_batch(struct kevents_batch *batch,
		     const struct kevents_batch __user *arg, u32 flags)
{
	if (copy_from_user(batch, arg, sizeof(*batch)))
		return -EFAULT;
	if (batch->flags & ~flags || batch->reserved32 ||
	    batch->reserved[0] || batch->reserved[1])
		return -EINVAL;
	batch->n = min_t(u32, batch->n, INT_MAX);
	return 0;
}

/* Gets ready what can be sent; @err says why that is not all @n. */
static u32 get_sends(struct ke_sending *sendings,
		     const struct kevents_send __user *entries, u32 n, int *err)
{
	s32 timeout_ms;
	u32 i;

	for (i = 0, *err = 0; i < n; i++) {
		*err = ke_args_get_send(&sendings[i], &timeout_ms, &entries[i]);
		if (!*err && timeout_ms)
			*err = -EINVAL;
		if (*err)
			break;
	}
	return i;
}

static u32 send_chunk(struct ke_client *client,
		      const struct kevents_send __user *entries, u32 n,
		      const struct kevents_batch *batch, ktime_t *deadline,
		      int *err)
{
	struct ke_sending sendings[SEND_CHUNK] __uninitialized;
	u32 got, done, i;
	int bad;

	got = get_sends(sendings, entries, min_t(u32, n, SEND_CHUNK), &bad);
	for (i = 0; i < got; i++) {
		sendings[i].waits = batch->timeout_ms;
		sendings[i].deadline = deadline;
	}
	done = ke_sending_send_all(client, sendings, got, err);
	if (done == got)
		*err = bad;
	return done;
}

long ke_batch_send(struct ke_client *client,
		   const struct kevents_batch __user *arg)
{
	struct kevents_send __user *entries;
	struct kevents_batch batch;
	ktime_t at, *deadline;
	u32 done = 0;
	int err;

	err = get_batch(&batch, arg, 0);
	if (err)
		return err;
	entries = u64_to_user_ptr(batch.entries);
	deadline = ke_args_deadline(batch.timeout_ms, &at);
	while (done < batch.n && !err && !(done && signal_pending(current))) {
		done += send_chunk(client, entries + done, batch.n - done, &batch,
				   deadline, &err);
		cond_resched();
	}
	return done ? (long)done : err;
}

/* A batch of receives in progress. */
struct receiving {
	struct ke_receiver receiver;
	struct ke_client *client;
	const struct kevents_batch *batch;
	struct kevents_receive __user *entries;
};

/* Gets the next entry ready. */
static int get_entry(struct receiving *receiving)
{
	struct ke_receiver *receiver = &receiving->receiver;
	struct ke_wish wish;
	int err;

	err = ke_args_get_wish(&wish, &receiving->entries[receiver->done]);
	if (err)
		return err;
	if (wish.flags || wish.timeout_ms || wish.id)
		return -EINVAL;
	wish.flags = receiving->batch->flags | KEVENTS_RECEIVE_WATCHED;
	if (!ke_args_wish_is_valid(&wish))
		return -EINVAL;
	ke_args_prepare(receiver, receiving->client, &wish);
	return 0;
}

/* ke_receiver.next, where nothing may sleep. */
static bool get_next_entry(struct ke_receiver *receiver)
{
	struct receiving *receiving = container_of(receiver, struct receiving,
						   receiver);
	int err;

	if (receiver->done == receiving->batch->n)
		return false;
	pagefault_disable();
	err = get_entry(receiving);
	pagefault_enable();
	return !err;
}

static int receive_entries(struct receiving *receiving)
{
	struct ke_receiver *receiver = &receiving->receiver;
	u32 first = receiver->done;
	int err;

	err = get_entry(receiving);
	if (err)
		return err;
	receiver->waits = receiving->batch->timeout_ms && !first;
	err = ke_receiving_receive_watched(receiving->client, receiver);
	ke_event_free_list(&receiver->ended);
	return ke_args_tell_needed(err, receiver, &receiving->entries[receiver->done]);
}

long ke_batch_receive(struct ke_client *client,
		      const struct kevents_batch __user *arg)
{
	struct receiving receiving = { .client = client };
	struct ke_receiver *receiver = &receiving.receiver;
	struct kevents_batch batch;
	ktime_t deadline;
	int err;

	err = get_batch(&batch, arg, KEVENTS_RECEIVE_LEASE);
	if (err)
		return err;
	receiving.batch = &batch;
	receiving.entries = u64_to_user_ptr(batch.entries);
	receiver->next = get_next_entry;
	receiver->deadline = ke_args_deadline(batch.timeout_ms, &deadline);
	while (receiver->done < batch.n && !err &&
	       !(receiver->done && signal_pending(current))) {
		err = receive_entries(&receiving);
		cond_resched();
	}
	return receiver->done ? (long)receiver->done : err;
}
