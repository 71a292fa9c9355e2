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

/* Up to this many bytes lie in the event itself; more get memory of their own. */
#define OBJECT_SIZE	192
#define INLINE_SIZE	(OBJECT_SIZE - offsetof(struct ke_event, inline_data))

/* More of a buffer is not looked at before there is an event. */
#define PREFAULT_MAX	65536

/* What an ordinary user asks for must not fill the kernel log when it fails. */
#define GFP_EVENT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

unsigned int ke_max_event_size = 65536;

static struct kmem_cache *event_cache;

static void event_construct(void *object)
{
	struct ke_event *event = object;

	event->copiers = 0;
	event->gone = false;
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

static void free_object(struct ke_event *event)
{
	if (event->data != event->inline_data)
		kvfree(event->data);
	event->gone = false;
	kmem_cache_free(event_cache, event);
}

static struct ke_event *alloc_object(u32 len)
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

struct ke_event *ke_event_create(s32 id, u64 data, u64 len)
{
	struct ke_event *event;

	if (len > READ_ONCE(ke_max_event_size))
		return ERR_PTR(-EMSGSIZE);
	event = alloc_object(len);
	if (!event)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(event->data, u64_to_user_ptr(data), len)) {
		free_object(event);
		return ERR_PTR(-EFAULT);
	}
	event->deliveries = 0;
	event->len = len;
	event->id = id;
	event->uid = current_uid();
	event->gid = current_gid();
	event->pid = get_pid(task_tgid(current));
	return event;
}

void ke_event_free(struct ke_event *event)
{
	put_pid(event->pid);
	free_object(event);
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

static int copy_to(u64 addr, const void *from, u32 len, enum ke_copy how)
{
	void __user *to = u64_to_user_ptr(addr);

	if (!len)
		return 0;
	if (how == KE_COPY_ATOMIC)
		return copy_to_user_nofault(to, from, len);
	return copy_to_user(to, from, len) ? -EFAULT : 0;
}

int ke_event_stamp(struct ke_event *event, u64 seq, u64 seq_addr,
		   enum ke_copy how)
{
	event->seq = seq;
	event->sent_ns = ktime_get_ns();
	return copy_to(seq_addr, &seq, sizeof(seq), how);
}

/* CLOCK_MONOTONIC as the calling process reads it. */
static u64 monotonic_here(u64 ns)
{
	struct timespec64 ts = { };

	timens_add_monotonic(&ts);
	return ns + timespec64_to_ns(&ts);
}

int ke_event_copy_out(const struct ke_event *event, struct ke_sink *sink,
		      enum ke_copy how)
{
	struct kevents_received received = {
		.len = event->len,
		.seq = event->seq,
		.sent_ns = monotonic_here(event->sent_ns),
		.id = event->id,
		.deliveries = event->deliveries + 1,
		.pid = pid_nr_ns(event->pid, task_active_pid_ns(current)),
		.uid = from_kuid_munged(current_user_ns(), event->uid),
		.gid = from_kgid_munged(current_user_ns(), event->gid),
	};
	int err;

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
	prefault(sink->data, min_t(u64, sink->size, READ_ONCE(ke_max_event_size)));
	prefault(sink->received, sizeof(struct kevents_received));
}
