// SPDX-License-Identifier: GPL-2.0-only
#include "ioctl.h"

#include <linux/fs.h>
#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "client.h"
#include "control.h"
#include "event.h"
#include "peek.h"
#include "receive.h"
#include "send.h"
#include "uaccess.h"

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

#define LIST_CHUNK	64	/* IDs listed in one step */

#define RECEIVE_FLAGS \
	(KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_TERMINATE | \
	 KEVENTS_RECEIVE_LEASE | KEVENTS_RECEIVE_WATCHED)

/* The fields of a struct kevents_receive that are not in struct ke_user_buf. */
struct receive_args {
	s32 id;
	u32 flags;
	u64 deadline_ns;
};

/* Two adjacent fields, read by a single access to user memory. */
union pair {
	u64 both;
	struct {
		u32 first;
		u32 second;
	};
};

static_assert(offsetof(struct kevents_send, flags) == 4);
static_assert(offsetof(struct kevents_send, ttl_ms) == 32);
static_assert(offsetof(struct kevents_send, reserved32) == 36);
static_assert(offsetof(struct kevents_receive, flags) == 4);
static_assert(offsetof(struct kevents_receive, lease_ms) == 32);
static_assert(offsetof(struct kevents_receive, reserved32) == 36);

static u64 address_of(const void __user *field)
{
	return (uintptr_t)field;
}

/*
 * Converts @deadline_ns from the time namespace of the calling process. Returns @deadline, or
 * NULL for a wait without a limit.
 */
static ktime_t *get_deadline(u64 deadline_ns, ktime_t *deadline)
{
	const s64 offset = ke_user_time_offset();

	if (deadline_ns > KTIME_MAX)
		return NULL;
	if ((s64)deadline_ns <= offset)
		*deadline = 0;
	else
		*deadline = min_t(u64, deadline_ns - offset, KTIME_MAX);
	return deadline;
}

/*
 * Reads @arg, and zeroes its seq, since no event has been sent yet. The caller sets waits and
 * deadline of @req. Returns 0, -EFAULT or -EINVAL.
 */
static __always_inline int get_send(struct ke_send_req *req, u64 *deadline_ns,
				    struct kevents_send __user *arg)
{
	union pair id_flags, ttl;
	u64 data, len, reserved;

	if (!ke_user_access_begin(arg, sizeof(*arg)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(data, &arg->data, fault);
	unsafe_get_user(len, &arg->len, fault);
	unsafe_get_user(*deadline_ns, &arg->deadline_ns, fault);
	unsafe_get_user(ttl.both, (const u64 __user *)&arg->ttl_ms, fault);
	unsafe_get_user(reserved, &arg->reserved, fault);
	unsafe_put_user(0ULL, &arg->seq, fault);
	user_access_end();
	req->id = id_flags.first;
	req->len = len;
	req->data = data;
	req->iter = NULL;
	req->seq_addr = address_of(&arg->seq);
	req->ttl_ms = ttl.first;
	return id_flags.second | ttl.second | reserved ? -EINVAL : 0;

fault:
	user_access_end();
	return -EFAULT;
}

/* Reads @arg. Returns 0, -EFAULT, or -EINVAL if a reserved field is not 0. */
static __always_inline int get_receive(struct receive_args *args, struct ke_user_buf *buf,
				       struct kevents_receive __user *arg)
{
	union pair id_flags, lease;
	u64 reserved;

	if (!ke_user_read_begin(arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	unsafe_get_user(id_flags.both, (const u64 __user *)&arg->id, fault);
	unsafe_get_user(buf->data, &arg->data, fault);
	unsafe_get_user(buf->size, &arg->size, fault);
	unsafe_get_user(args->deadline_ns, &arg->deadline_ns, fault);
	unsafe_get_user(lease.both, (const u64 __user *)&arg->lease_ms, fault);
	unsafe_get_user(reserved, &arg->reserved, fault);
	user_read_access_end();
	args->id = id_flags.first;
	args->flags = id_flags.second;
	buf->terminate = args->flags & KEVENTS_RECEIVE_TERMINATE;
	buf->received = address_of(&arg->event);
	buf->lease_ms = lease.first;
	return lease.second | reserved ? -EINVAL : 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

/* Returns whether the flags are known and agree with each other and with the other fields. */
static bool is_valid(const struct receive_args *args, u32 lease_ms)
{
	const u32 either = KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_LEASE;

	if (likely(!(args->flags & ~KEVENTS_RECEIVE_TERMINATE)))
		return !lease_ms;
	if (args->flags & ~RECEIVE_FLAGS || (args->flags & either) == either)
		return false;
	if (args->flags & KEVENTS_RECEIVE_WATCHED && args->id)
		return false;
	if (args->flags & KEVENTS_RECEIVE_PEEK && args->deadline_ns)
		return false;
	return args->flags & KEVENTS_RECEIVE_LEASE || !lease_ms;
}

/* Writes the length of the payload to @arg if @err is -EMSGSIZE. Returns @err or -EFAULT. */
static int put_needed(int err, const struct ke_recv_req *req,
		      struct kevents_receive __user *arg)
{
	u64 needed;

	if (likely(err != -EMSGSIZE))
		return err;
	needed = req->needed;
	return copy_to_user(&arg->event.len, &needed, sizeof(needed)) ? -EFAULT : err;
}

static noinline long do_send(struct ke_client *client, struct kevents_send __user *arg)
{
	struct ke_send_req req __uninitialized;
	ktime_t deadline;
	u64 deadline_ns;
	int err;

	err = get_send(&req, &deadline_ns, arg);
	if (err)
		return err;
	req.waits = deadline_ns;
	if (deadline_ns)
		req.deadline = get_deadline(deadline_ns, &deadline);
	return ke_send(client, &req);
}

static noinline int do_peek(struct ke_client *client, const struct receive_args *args,
			    struct ke_recv_req *req)
{
	if (args->flags & KEVENTS_RECEIVE_WATCHED)
		return ke_peek_watched(client, req->bufs, &req->needed);
	return ke_peek(client, args->id, req->bufs, &req->needed);
}

static noinline long do_receive(struct ke_client *client, struct kevents_receive __user *arg)
{
	struct receive_args args __uninitialized;
	struct ke_recv_req req __uninitialized;
	struct ke_user_buf buf __uninitialized;
	ktime_t deadline;
	int err;

	err = get_receive(&args, &buf, arg);
	if (err)
		return err;
	if (!is_valid(&args, buf.lease_ms))
		return -EINVAL;
	req.leases = args.flags & KEVENTS_RECEIVE_LEASE;
	req.iter = NULL;
	req.bufs = &buf;
	req.n = 1;
	req.done = 0;
	req.waits = args.deadline_ns;
	if (args.deadline_ns)
		req.deadline = get_deadline(args.deadline_ns, &deadline);
	if (unlikely(args.flags & KEVENTS_RECEIVE_PEEK))
		err = do_peek(client, &args, &req);
	else if (args.flags & KEVENTS_RECEIVE_WATCHED)
		err = ke_receive_watched(client, &req);
	else
		err = ke_receive(client, args.id, &req);
	return put_needed(err, &req, arg);
}

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
struct send_run {
	struct kevents_send __user *entries;	/* still to be sent */
	u32 n;					/* number of entries */
	bool waits;
	ktime_t *deadline;
};

/* Reads the next @n entries into @reqs. Returns how many; @err is why it stopped, or 0. */
static u32 get_sends(const struct send_run *run, struct ke_send_req *reqs, u32 n,
		     int *err)
{
	struct kevents_send __user *entry = run->entries;
	const bool waits = run->waits;
	ktime_t *const deadline = run->deadline;
	struct ke_send_req *to;
	u64 deadline_ns;

	for (to = reqs; to < reqs + n; to++) {
		*err = get_send(to, &deadline_ns, entry++);
		if (unlikely(*err))
			return to - reqs;
		if (unlikely(deadline_ns))
			break;
		to->waits = waits;
		to->deadline = deadline;
	}
	*err = to < reqs + n ? -EINVAL : 0;
	return to - reqs;
}

static u32 send_chunk(struct ke_client *client, const struct send_run *run, int *err)
{
	struct ke_send_req reqs[KE_EVENT_BULK] __uninitialized;
	u32 got, done;
	int bad;

	got = get_sends(run, reqs, min(run->n, KE_EVENT_BULK), &bad);
	done = ke_send_all(client, reqs, got, err);
	if (done == got)
		*err = bad;
	return done;
}

static long do_send_batch(struct ke_client *client, const struct kevents_batch __user *arg)
{
	struct kevents_batch batch;
	struct send_run run;
	u32 chunk, done = 0;
	ktime_t deadline;
	int err;

	err = get_batch(&batch, arg, 0);
	if (err)
		return err;
	run.entries = u64_to_user_ptr(batch.entries);
	run.n = batch.n;
	run.waits = batch.deadline_ns;
	run.deadline = get_deadline(batch.deadline_ns, &deadline);
	while (run.n && !err && !(done && signal_pending(current))) {
		chunk = send_chunk(client, &run, &err);
		run.entries += chunk;
		run.n -= chunk;
		done += chunk;
		cond_resched();
	}
	return done ? (long)done : err;
}

/* Reads an entry of a batch, which has no ID, flags or deadline. Returns 0, -EFAULT or -EINVAL. */
static __always_inline int get_entry(struct ke_user_buf *buf, bool leases,
				     struct kevents_receive __user *arg)
{
	struct receive_args args;
	int err = get_receive(&args, buf, arg);

	if (err)
		return err;
	if (args.id || args.flags || args.deadline_ns)
		return -EINVAL;
	return buf->lease_ms && !leases ? -EINVAL : 0;
}

/* Reads @n entries into @bufs. Returns how many; @err is why it stopped, or 0. */
static unsigned int get_bufs(struct kevents_receive __user *entries, unsigned int n,
			     bool leases, struct ke_user_buf *bufs, int *err)
{
	unsigned int i;

	*err = 0;
	for (i = 0; i < n && !*err; i++)
		*err = get_entry(&bufs[i], leases, &entries[i]);
	return *err ? i - 1 : i;
}

static int receive_entries(struct ke_client *client, struct ke_recv_req *req,
			   struct kevents_receive __user *entries, unsigned int n)
{
	struct ke_user_buf bufs[KE_RUN_MAX] __uninitialized;
	int err, bad;

	req->bufs = bufs;
	req->n = get_bufs(entries, min(n, KE_RUN_MAX), req->leases, bufs, &bad);
	req->done = 0;
	if (!req->n)
		return bad;
	err = ke_receive_watched(client, req);
	return put_needed(err, req, entries);
}

static long do_receive_batch(struct ke_client *client,
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
	req.deadline = get_deadline(batch.deadline_ns, &deadline);
	while (done < batch.n && !err && !(done && signal_pending(current))) {
		err = receive_entries(client, &req, entries + done, batch.n - done);
		done += req.done;
		req.waits = false;
		cond_resched();
	}
	return done ? (long)done : err;
}

static long do_info(struct kevents_info __user *arg)
{
	struct kevents_info info = {
		.abi_version = KEVENTS_ABI_VERSION,
		.max_event_size = READ_ONCE(ke_limits.max_event_size),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
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

/* Returns 0 if the file was opened in mode @needed, else -EBADF. */
static int check(fmode_t mode, fmode_t needed)
{
	return mode & needed ? 0 : -EBADF;
}

static noinline long do_other(struct ke_client *client, fmode_t mode, unsigned int cmd,
			      void __user *user)
{
	switch (cmd) {
	case KEVENTS_IOC_SEND_BATCH:
		return check(mode, FMODE_WRITE) ?: do_send_batch(client, user);
	case KEVENTS_IOC_RECEIVE_BATCH:
		return check(mode, FMODE_READ) ?: do_receive_batch(client, user);
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

	/* The hot commands bypass the switch. */
	if (cmd == KEVENTS_IOC_SEND)
		return check(mode, FMODE_WRITE) ?: do_send(client, user);
	if (cmd == KEVENTS_IOC_RECEIVE)
		return check(mode, FMODE_READ) ?: do_receive(client, user);
	return do_other(client, mode, cmd, user);
}
