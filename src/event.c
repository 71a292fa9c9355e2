// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <linux/cred.h>
#include <linux/kevents.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "clock.h"
#include "quota.h"

/* Up to this many bytes lie in the event itself; more get memory of their own. */
#define INLINE_SIZE	64
#define OBJECT_SIZE	(offsetof(struct ke_event, inline_data) + INLINE_SIZE)

/* More of a buffer is not looked at before there is an event. */
#define PREFAULT_MAX	65536

/* What an ordinary user asks for must not fill the kernel log when it fails. */
#define GFP_EVENT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static struct kmem_cache *event_cache;

/* An event is freed as it is made: nobody copies it. */
static void event_construct(void *object)
{
	struct ke_event *event = object;

	event->copiers = 0;
}

int ke_event_init(void)
{
	event_cache = kmem_cache_create_usercopy("kevents_event", OBJECT_SIZE, 0,
						 SLAB_ACCOUNT,
						 offsetof(struct ke_event, inline_data),
						 INLINE_SIZE, event_construct);
	return event_cache ? 0 : -ENOMEM;
}

void ke_event_exit(void)
{
	kmem_cache_destroy(event_cache);
}

unsigned long ke_event_bytes(u32 len)
{
	unsigned long bytes = OBJECT_SIZE + sizeof(struct ke_deadline);

	return len > INLINE_SIZE ? bytes + roundup_pow_of_two(len) : bytes;
}

static struct ke_event *alloc_event(u32 len)
{
	struct ke_event *event = kmem_cache_alloc(event_cache, GFP_EVENT);

	if (!event)
		return NULL;
	event->data = event->inline_data;
	if (len > INLINE_SIZE) {
		event->data = kvmalloc(len, GFP_EVENT);
		if (!event->data) {
			kmem_cache_free(event_cache, event);
			return NULL;
		}
	}
	return event;
}

struct ke_event *ke_event_create(struct ke_user *user, u64 len)
{
	struct ke_charge charge = { .events = 1 };
	struct ke_event *event;
	int err;

	if (len > READ_ONCE(ke_limits.max_event_size))
		return ERR_PTR(-EMSGSIZE);
	charge.bytes = ke_event_bytes(len);
	err = ke_quota_charge(user, &charge);
	if (err)
		return ERR_PTR(err);
	event = alloc_event(len);
	if (!event) {
		ke_quota_uncharge(user, &charge);
		return ERR_PTR(-ENOMEM);
	}
	event->deadline = NULL;
	event->lessee = NULL;
	event->deliveries = 0;
	event->len = len;
	event->user = user;
	event->gid = current_gid();
	event->pid = get_pid(task_tgid(current));
	return event;
}

int ke_event_fill(struct ke_event *event, u64 addr)
{
	return copy_from_user(event->data, u64_to_user_ptr(addr), event->len) ?
	       -EFAULT : 0;
}

int ke_event_fill_iter(struct ke_event *event, struct iov_iter *iter)
{
	return copy_from_iter_full(event->data, event->len, iter) ? 0 : -EFAULT;
}

void ke_event_free(struct ke_event *event)
{
	const struct ke_charge charge = {
		.bytes = ke_event_bytes(event->len),
		.events = 1,
	};
	struct ke_user *user = event->user;

	put_pid(event->pid);
	if (event->data != event->inline_data)
		kvfree(event->data);
	kmem_cache_free(event_cache, event);
	ke_quota_uncharge(user, &charge);
}

void ke_event_discard(struct ke_event *event)
{
	ke_deadline_free(event->deadline);
	ke_event_free(event);
}

void ke_event_free_list(struct list_head *events)
{
	struct ke_event *event, *next;

	list_for_each_entry_safe(event, next, events, entry) {
		ke_event_free(event);
		cond_resched();
	}
	INIT_LIST_HEAD(events);
}

/* Inline: where @len is constant the kernel need not look for the object. */
static __always_inline int copy_to(u64 addr, const void *from, u32 len,
				   enum ke_copy how)
{
	void __user *to = u64_to_user_ptr(addr);
	unsigned long left;

	if (!len)
		return 0;
	if (how == KE_COPY_MAY_SLEEP)
		return copy_to_user(to, from, len) ? -EFAULT : 0;
	if (!access_ok(to, len))
		return -EFAULT;
	pagefault_disable();
	left = __copy_to_user_inatomic(to, from, len);
	pagefault_enable();
	return left ? -EFAULT : 0;
}

int ke_event_stamp(struct ke_event *event, u64 seq, u64 seq_addr,
		   enum ke_copy how)
{
	event->seq = seq;
	event->sent_ns = ktime_get_ns();
	if (!seq_addr)
		return 0;
	return copy_to(seq_addr, &seq, sizeof(seq), how);
}

/* CLOCK_MONOTONIC as the calling process reads it. */
static u64 monotonic_here(u64 ns)
{
	struct timespec64 ts = { };

	timens_add_monotonic(&ts);
	return ns + timespec64_to_ns(&ts);
}

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
		done += copy_to_iter(event->data, event->len, iter);
	if (done == sizeof(record) + event->len)
		done += iov_iter_zero(padding, iter);
	if (done == KEVENTS_RECORD_SIZE(event->len)) {
		sink->copied = done;
		return 0;
	}
	iov_iter_revert(iter, done);
	return -EFAULT;
}

static int copy_to_stream(const struct ke_event *event, s32 id,
			  struct ke_sink *sink, enum ke_copy how)
{
	int err;

	if (KEVENTS_RECORD_SIZE(event->len) > iov_iter_count(sink->iter)) {
		sink->needed = event->len;
		return -EMSGSIZE;
	}
	if (how == KE_COPY_MAY_SLEEP)
		return copy_record(event, id, sink);
	pagefault_disable();
	err = copy_record(event, id, sink);
	pagefault_enable();
	return err;
}

int ke_event_copy_out(const struct ke_event *event, s32 id,
		      struct ke_sink *sink, enum ke_copy how)
{
	struct kevents_received received = {
		.len = event->len,
		.seq = event->seq,
		.sent_ns = monotonic_here(event->sent_ns),
		.id = id,
		.flags = event->deliveries ? KEVENTS_RECEIVED_AGAIN : 0,
		.deliveries = event->deliveries + 1,
		.pid = pid_nr_ns(event->pid, task_active_pid_ns(current)),
		.uid = from_kuid_munged(current_user_ns(), event->user->uid),
		.gid = from_kgid_munged(current_user_ns(), event->gid),
	};
	int err;

	if (sink->iter)
		return copy_to_stream(event, id, sink, how);
	if (event->len > sink->size) {
		sink->needed = event->len;
		return -EMSGSIZE;
	}
	err = copy_to(sink->data, event->data, event->len, how);
	if (!err && sink->terminate && event->len < sink->size)
		err = copy_to(sink->data + event->len, "", 1, how);
	if (err)
		return err;
	return copy_to(sink->received, &received, sizeof(received), how);
}

void ke_event_copy_undo(struct ke_sink *sink)
{
	if (sink->iter)
		iov_iter_revert(sink->iter, sink->copied);
}

/*
 * Reading first lets a stack grow, which get_user_pages_fast() does not: it
 * would complain in the kernel log.
 */
static bool prefault_page(u64 addr)
{
	struct page *page;
	char c;

	if (copy_from_user(&c, u64_to_user_ptr(addr), sizeof(c)))
		return false;
	if (get_user_pages_fast(addr & PAGE_MASK, 1, FOLL_WRITE, &page) != 1)
		return false;
	put_page(page);
	return true;
}

static void prefault(u64 addr, u64 size)
{
	u64 end = addr + min_t(u64, size, PREFAULT_MAX);

	while (addr < end && prefault_page(addr))
		addr = (addr & PAGE_MASK) + PAGE_SIZE;
}

void ke_event_prefault(const struct ke_sink *sink)
{
	if (sink->iter)
		return;
	prefault(sink->data,
		 min_t(u64, sink->size, READ_ONCE(ke_limits.max_event_size)));
	prefault(sink->received, sizeof(struct kevents_received));
}
