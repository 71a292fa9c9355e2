// SPDX-License-Identifier: GPL-2.0-only
#include "ioctl.h"

#include <linux/fs.h>
#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "client.h"
#include "clock.h"
#include "control.h"
#include "event.h"
#include "quota.h"
#include "receiver.h"
#include "transfer.h"

static_assert(sizeof(struct kevents_info) == 128);
static_assert(sizeof(struct kevents_send) == 56);
static_assert(sizeof(struct kevents_received) == 64);
static_assert(sizeof(struct kevents_receive) == 112);
static_assert(offsetof(struct kevents_receive, event) == 48);
static_assert(sizeof(struct kevents_poll) == 16);
static_assert(sizeof(struct kevents_batch) == 40);
static_assert(sizeof(struct kevents_lease) == 24);
static_assert(sizeof(struct kevents_id) == 16);
static_assert(sizeof(struct kevents_claim) == 16);
static_assert(sizeof(struct kevents_stat) == 120);
static_assert(sizeof(struct kevents_list) == 40);
static_assert(sizeof(struct kevents_limits) == 128);
static_assert(sizeof(struct kevents_record) == 16);

#define RECEIVE_FLAGS	(KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_TERMINATE | \
			 KEVENTS_RECEIVE_LEASE | KEVENTS_RECEIVE_WATCHED)
#define LIST_CHUNK	64

static u64 address_of(const void __user *field)
{
	return (uintptr_t)field;
}

static bool is_zero(const __u64 reserved[2])
{
	return !(reserved[0] | reserved[1]);
}

/* Returns @deadline set, or NULL where there is no limit or no waiting. */
static ktime_t *deadline_in(s32 timeout_ms, ktime_t *deadline)
{
	if (timeout_ms <= 0)
		return NULL;
	*deadline = ktime_add_ms(ktime_get(), timeout_ms);
	return deadline;
}

static long do_info(struct kevents_info __user *arg)
{
	struct kevents_info info = {
		.abi_version = KEVENTS_ABI_VERSION,
		.max_event_size = READ_ONCE(ke_limits.max_event_size),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int get_send(struct ke_sending *sending, struct kevents_send *send,
		    struct kevents_send __user *arg)
{
	if (copy_from_user(send, arg, offsetof(struct kevents_send, seq)))
		return -EFAULT;
	if (send->flags || !is_zero(send->reserved))
		return -EINVAL;
	sending->id = send->id;
	sending->len = send->len;
	sending->data = send->data;
	sending->ttl_ms = send->ttl_ms;
	sending->seq_addr = address_of(&arg->seq);
	return 0;
}

static long do_send(struct ke_client *client, struct kevents_send __user *arg)
{
	struct ke_sending sending = { };
	struct kevents_send send;
	ktime_t deadline;
	int err;

	err = get_send(&sending, &send, arg);
	if (err)
		return err;
	sending.waits = send.timeout_ms;
	sending.deadline = deadline_in(send.timeout_ms, &deadline);
	return ke_transfer_send(client, &sending);
}

static int get_receive(struct kevents_receive *receive,
		       struct kevents_receive __user *arg)
{
	if (copy_from_user(receive, arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	if (!is_zero(receive->reserved))
		return -EINVAL;
	return 0;
}

static bool flags_are_valid(const struct kevents_receive *receive)
{
	const u32 either = KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_LEASE;

	if (receive->flags & ~RECEIVE_FLAGS || (receive->flags & either) == either)
		return false;
	if (receive->flags & KEVENTS_RECEIVE_WATCHED && receive->id)
		return false;
	return receive->flags & KEVENTS_RECEIVE_LEASE || !receive->lease_ms;
}

/* One receive; the caller has checked the flags and chosen how to wait. */
static int receive_one(struct ke_client *client, struct ke_receiver *receiver,
		       const struct kevents_receive *receive,
		       struct kevents_receive __user *arg)
{
	int err;

	ke_receiver_init(receiver);
	receiver->peek = receive->flags & KEVENTS_RECEIVE_PEEK;
	receiver->sink.data = receive->data;
	receiver->sink.size = receive->size;
	receiver->sink.terminate = receive->flags & KEVENTS_RECEIVE_TERMINATE;
	receiver->sink.received = address_of(&arg->event);
	if (receive->flags & KEVENTS_RECEIVE_LEASE) {
		receiver->lessee = &client->lessee;
		receiver->lease_ms = receive->lease_ms;
	}
	if (receiver->lease_ms) {
		receiver->spare = ke_deadline_create();
		if (!receiver->spare)
			return -ENOMEM;
	}
	if (receive->flags & KEVENTS_RECEIVE_WATCHED)
		err = ke_transfer_receive_watched(client, receiver);
	else
		err = ke_transfer_receive(client, receive->id, receiver);
	ke_receiver_exit(receiver);
	if (err == -EMSGSIZE &&
	    put_user((u64)receiver->sink.needed, &arg->event.len))
		return -EFAULT;
	return err;
}

static long do_receive(struct ke_client *client,
		       struct kevents_receive __user *arg)
{
	struct ke_receiver receiver = { };
	struct kevents_receive receive;
	ktime_t deadline;
	int err;

	err = get_receive(&receive, arg);
	if (err)
		return err;
	if (!flags_are_valid(&receive))
		return -EINVAL;
	receiver.waits = receive.timeout_ms;
	receiver.deadline = deadline_in(receive.timeout_ms, &deadline);
	return receive_one(client, &receiver, &receive, arg);
}

static int get_batch(struct kevents_batch *batch,
		     const struct kevents_batch __user *arg, u32 flags)
{
	if (copy_from_user(batch, arg, sizeof(*batch)))
		return -EFAULT;
	if (batch->flags & ~flags || batch->reserved32 ||
	    !is_zero(batch->reserved))
		return -EINVAL;
	batch->n = min_t(u32, batch->n, INT_MAX);
	return 0;
}

static int send_entry(struct ke_client *client,
		      struct kevents_send __user *entry,
		      const struct kevents_batch *batch, ktime_t *deadline)
{
	struct ke_sending sending = {
		.waits = batch->timeout_ms,
		.deadline = deadline,
	};
	struct kevents_send send;
	int err;

	err = get_send(&sending, &send, entry);
	if (!err && send.timeout_ms)
		err = -EINVAL;
	return err ?: ke_transfer_send(client, &sending);
}

static long do_send_batch(struct ke_client *client,
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
	deadline = deadline_in(batch.timeout_ms, &at);
	while (done < batch.n && !err && !(done && signal_pending(current))) {
		err = send_entry(client, entries + done, &batch, deadline);
		if (!err)
			done++;
		cond_resched();
	}
	return done ? (long)done : err;
}

static int receive_entry(struct ke_client *client,
			 struct kevents_receive __user *entry,
			 const struct kevents_batch *batch, ktime_t *deadline,
			 bool waits)
{
	struct ke_receiver receiver = {
		.waits = waits,
		.deadline = deadline,
	};
	struct kevents_receive receive;
	int err;

	err = get_receive(&receive, entry);
	if (err)
		return err;
	if (receive.flags || receive.timeout_ms)
		return -EINVAL;
	receive.flags = batch->flags | KEVENTS_RECEIVE_WATCHED;
	if (!flags_are_valid(&receive))
		return -EINVAL;
	return receive_one(client, &receiver, &receive, entry);
}

static long do_receive_batch(struct ke_client *client,
			     const struct kevents_batch __user *arg)
{
	struct kevents_receive __user *entries;
	struct kevents_batch batch;
	ktime_t at, *deadline;
	u32 done = 0;
	int err;

	err = get_batch(&batch, arg, KEVENTS_RECEIVE_LEASE);
	if (err)
		return err;
	entries = u64_to_user_ptr(batch.entries);
	deadline = deadline_in(batch.timeout_ms, &at);
	while (done < batch.n && !err && !(done && signal_pending(current))) {
		err = receive_entry(client, entries + done, &batch, deadline,
				    batch.timeout_ms && !done);
		if (!err)
			done++;
		cond_resched();
	}
	return done ? (long)done : err;
}

static long do_poll(struct ke_client *client,
		    const struct kevents_poll __user *arg)
{
	struct kevents_poll poll;

	if (copy_from_user(&poll, arg, sizeof(poll)))
		return -EFAULT;
	if (poll.flags || poll.reserved)
		return -EINVAL;
	return ke_transfer_poll(client, poll.id);
}

static long do_lease(struct ke_client *client,
		     const struct kevents_lease __user *arg,
		     int (*end)(struct ke_client *client, u64 seq))
{
	struct kevents_lease lease;

	if (copy_from_user(&lease, arg, sizeof(lease)))
		return -EFAULT;
	if (lease.flags || lease.reserved32 || lease.reserved)
		return -EINVAL;
	return end(client, lease.seq);
}

static long do_id(struct ke_client *client, const struct kevents_id __user *arg,
		  int (*call)(struct ke_client *client, s32 id))
{
	struct kevents_id id;

	if (copy_from_user(&id, arg, sizeof(id)))
		return -EFAULT;
	if (id.flags || id.reserved)
		return -EINVAL;
	return call(client, id.id);
}

static long do_claim(struct ke_client *client,
		     const struct kevents_claim __user *arg)
{
	struct kevents_claim claim;

	if (copy_from_user(&claim, arg, sizeof(claim)))
		return -EFAULT;
	if (claim.mode & ~0666 || claim.reserved)
		return -EINVAL;
	return ke_control_claim(client, claim.id, claim.mode);
}

static long do_stat(struct ke_client *client, struct kevents_stat __user *arg)
{
	struct kevents_stat stat = { };
	int err;

	if (copy_from_user(&stat, arg, offsetof(struct kevents_stat, pending)))
		return -EFAULT;
	if (stat.flags)
		return -EINVAL;
	err = ke_control_stat(client, &stat);
	if (err)
		return err;
	return copy_to_user(arg, &stat, sizeof(stat)) ? -EFAULT : 0;
}

static int list_ids(struct ke_client *client, const struct kevents_list *list,
		    u64 *count)
{
	s32 __user *to = u64_to_user_ptr(list->ids);
	s32 ids[LIST_CHUNK];
	s64 next = S32_MIN;
	u64 room;
	u32 n;

	for (*count = 0; next <= S32_MAX; *count += n) {
		n = ke_control_list(client, next, ids, LIST_CHUNK, &next);
		room = list->n > *count ? list->n - *count : 0;
		if (copy_to_user(to + *count, ids, min_t(u64, n, room) * sizeof(*ids)))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static long do_list(struct ke_client *client, struct kevents_list __user *arg)
{
	struct kevents_list list;
	u64 count;
	int err;

	if (copy_from_user(&list, arg, sizeof(list)))
		return -EFAULT;
	if (list.flags || list.reserved32 || list.reserved)
		return -EINVAL;
	err = list_ids(client, &list, &count);
	if (err)
		return err;
	return put_user(count, &arg->count);
}

static long do_limits(struct ke_client *client,
		      struct kevents_limits __user *arg)
{
	struct kevents_limits limits = { };
	int err = ke_control_limits(client, &limits);

	if (err)
		return err;
	return copy_to_user(arg, &limits, sizeof(limits)) ? -EFAULT : 0;
}

/* Which access mode of the file a command needs. */
static fmode_t mode_for(unsigned int cmd)
{
	switch (cmd) {
	case KEVENTS_IOC_SEND:
	case KEVENTS_IOC_SEND_BATCH:
		return FMODE_WRITE;
	case KEVENTS_IOC_RECEIVE:
	case KEVENTS_IOC_RECEIVE_BATCH:
	case KEVENTS_IOC_POLL:
	case KEVENTS_IOC_WATCH:
	case KEVENTS_IOC_PURGE:
		return FMODE_READ;
	default:
		return 0;
	}
}

long ke_ioctl(struct ke_client *client, fmode_t mode, unsigned int cmd,
	      unsigned long arg)
{
	void __user *user = (void __user *)arg;

	if (mode_for(cmd) & ~mode)
		return -EBADF;
	switch (cmd) {
	case KEVENTS_IOC_INFO:
		return do_info(user);
	case KEVENTS_IOC_SEND:
		return do_send(client, user);
	case KEVENTS_IOC_RECEIVE:
		return do_receive(client, user);
	case KEVENTS_IOC_POLL:
		return do_poll(client, user);
	case KEVENTS_IOC_SEND_BATCH:
		return do_send_batch(client, user);
	case KEVENTS_IOC_RECEIVE_BATCH:
		return do_receive_batch(client, user);
	case KEVENTS_IOC_ACK:
		return do_lease(client, user, ke_client_ack);
	case KEVENTS_IOC_NACK:
		return do_lease(client, user, ke_client_nack);
	case KEVENTS_IOC_WATCH:
		return do_id(client, user, ke_client_watch);
	case KEVENTS_IOC_UNWATCH:
		return do_id(client, user, ke_client_unwatch);
	case KEVENTS_IOC_STAT:
		return do_stat(client, user);
	case KEVENTS_IOC_LIST:
		return do_list(client, user);
	case KEVENTS_IOC_PURGE:
		return do_id(client, user, ke_control_purge);
	case KEVENTS_IOC_CLAIM:
		return do_claim(client, user);
	case KEVENTS_IOC_UNCLAIM:
		return do_id(client, user, ke_control_unclaim);
	case KEVENTS_IOC_LIMITS:
		return do_limits(client, user);
	default:
		return -ENOTTY;
	}
}
