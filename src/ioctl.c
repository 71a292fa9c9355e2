// SPDX-License-Identifier: GPL-2.0-only
#include "ioctl.h"

#include <linux/fs.h>
#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "args.h"
#include "batch.h"
#include "client.h"
#include "control.h"
#include "peek.h"
#include "receive.h"
#include "sending.h"
#include "sink.h"

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

#define LIST_CHUNK	64	/* IDs that are listed at a time */

static long do_info(struct kevents_info __user *arg)
{
	struct kevents_info info = {
		.abi_version = KEVENTS_ABI_VERSION,
		.max_event_size = READ_ONCE(ke_limits.max_event_size),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static noinline long do_send(struct ke_client *client, struct kevents_send __user *arg)
{
	struct ke_sending sending __uninitialized;
	ktime_t deadline;
	u64 deadline_ns;
	int err;

	err = ke_args_get_send(&sending, &deadline_ns, arg);
	if (err)
		return err;
	sending.waits = deadline_ns;
	if (deadline_ns)
		sending.deadline = ke_args_deadline(deadline_ns, &deadline);
	return ke_sending_send(client, &sending);
}

static noinline int peek(struct ke_client *client, const struct ke_args_receive *args,
			 struct ke_recv_req *req)
{
	if (args->flags & KEVENTS_RECEIVE_WATCHED)
		return ke_peek_watched(client, req->sinks, &req->needed);
	return ke_peek(client, args->id, req->sinks, &req->needed);
}

static noinline long do_receive(struct ke_client *client,
				struct kevents_receive __user *arg)
{
	struct ke_args_receive args __uninitialized;
	struct ke_recv_req req __uninitialized;
	struct ke_sink sink __uninitialized;
	ktime_t deadline;
	int err;

	err = ke_args_get_receive(&args, arg);
	if (err)
		return err;
	if (!ke_args_receive_is_valid(&args))
		return -EINVAL;
	ke_args_prepare(&req, &sink, &args);
	req.waits = args.deadline_ns;
	if (args.deadline_ns)
		req.deadline = ke_args_deadline(args.deadline_ns, &deadline);
	if (unlikely(args.flags & KEVENTS_RECEIVE_PEEK))
		err = peek(client, &args, &req);
	else if (args.flags & KEVENTS_RECEIVE_WATCHED)
		err = ke_receive_watched(client, &req);
	else
		err = ke_receive(client, args.id, &req);
	return ke_args_tell_needed(err, &req, arg);
}

static long do_poll(struct ke_client *client,
		    const struct kevents_poll __user *arg)
{
	struct kevents_poll poll;

	if (copy_from_user(&poll, arg, sizeof(poll)))
		return -EFAULT;
	if (poll.flags || poll.reserved)
		return -EINVAL;
	return ke_receive_poll(client, poll.id);
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
	return copy_to_user(&arg->count, &count, sizeof(count)) ? -EFAULT : 0;
}

static long do_limits(struct ke_client *client,
		      struct kevents_limits __user *arg)
{
	struct kevents_limits limits = { };

	ke_control_limits(client, &limits);
	return copy_to_user(arg, &limits, sizeof(limits)) ? -EFAULT : 0;
}

/* Whether the file was opened for what a command does. */
static int check(fmode_t mode, fmode_t needed)
{
	return mode & needed ? 0 : -EBADF;
}

static noinline long do_other(struct ke_client *client, fmode_t mode, unsigned int cmd,
			      void __user *user)
{
	switch (cmd) {
	case KEVENTS_IOC_SEND_BATCH:
		return check(mode, FMODE_WRITE) ?: ke_batch_send(client, user);
	case KEVENTS_IOC_RECEIVE_BATCH:
		return check(mode, FMODE_READ) ?: ke_batch_receive(client, user);
	case KEVENTS_IOC_POLL:
		return check(mode, FMODE_READ) ?: do_poll(client, user);
	case KEVENTS_IOC_WATCH:
		return check(mode, FMODE_READ) ?: do_id(client, user, ke_client_watch);
	case KEVENTS_IOC_PURGE:
		return check(mode, FMODE_READ) ?: do_id(client, user, ke_control_purge);
	case KEVENTS_IOC_INFO:
		return do_info(user);
	case KEVENTS_IOC_ACK:
		return do_lease(client, user, ke_client_ack);
	case KEVENTS_IOC_NACK:
		return do_lease(client, user, ke_client_nack);
	case KEVENTS_IOC_UNWATCH:
		return do_id(client, user, ke_client_unwatch);
	case KEVENTS_IOC_STAT:
		return do_stat(client, user);
	case KEVENTS_IOC_LIST:
		return do_list(client, user);
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

long ke_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct ke_client *client = file->private_data;
	void __user *user = (void __user *)arg;
	fmode_t mode = file->f_mode;

	/* What is called most is not to be searched for. */
	if (cmd == KEVENTS_IOC_SEND)
		return check(mode, FMODE_WRITE) ?: do_send(client, user);
	if (cmd == KEVENTS_IOC_RECEIVE)
		return check(mode, FMODE_READ) ?: do_receive(client, user);
	return do_other(client, mode, cmd, user);
}
