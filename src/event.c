// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "quota.h"
#include "sender.h"

/*
 * Memory comes in classes: each has room for twice the payload of the one before.
 * In the first ones event and payload are one object; then the payload has an
 * object of its own. What is longer than the last class has room for comes from
 * kvmalloc(). All caches have a constructor: the kernel would clear their objects
 * each time before it is overwritten.
 */
#define SMALL_SIZE	KE_EVENT_SMALL_SIZE
#define INLINE_CLASSES	7	/* up to 4 KiB */
#define CLASSES		11	/* up to 64 KiB */

/* What an ordinary user asks for must not fill the kernel log when it fails. */
#define GFP_EVENT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static struct kmem_cache *caches[CLASSES];

static const char *const cache_names[CLASSES] = {
	"kevents_event_64", "kevents_event_128", "kevents_event_256",
	"kevents_event_512", "kevents_event_1k", "kevents_event_2k",
	"kevents_event_4k", "kevents_data_8k", "kevents_data_16k",
	"kevents_data_32k", "kevents_data_64k",
};

static unsigned int class_of(u32 len)
{
	return len ? fls((len - 1) / SMALL_SIZE) : 0;
}

static u32 class_size(unsigned int class)
{
	return SMALL_SIZE << class;
}

/* An event is freed as it is made: nobody copies it, nor has it a deadline. */
static void construct_event(void *object)
{
	struct ke_event *event = object;

	event->copiers = 0;
	timerqueue_init(&event->due);
}

static void construct_data(void *object)
{
}

static struct kmem_cache *create_cache(unsigned int class, const char *name)
{
	u32 size = class_size(class);

	if (class >= INLINE_CLASSES)
		return kmem_cache_create_usercopy(name, size, 0,
						  SLAB_ACCOUNT, 0, size,
						  construct_data);
	return kmem_cache_create_usercopy(name,
					  sizeof(struct ke_event) + size, 0,
					  SLAB_ACCOUNT, sizeof(struct ke_event),
					  size, construct_event);
}

int ke_event_init(void)
{
	unsigned int i;

	for (i = 0; i < CLASSES; i++) {
		caches[i] = create_cache(i, cache_names[i]);
		if (!caches[i]) {
			ke_event_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

void ke_event_exit(void)
{
	unsigned int i;

	for (i = 0; i < CLASSES; i++) {
		kmem_cache_destroy(caches[i]);
		caches[i] = NULL;
	}
}

unsigned long ke_event_bytes(u32 len)
{
	unsigned int class = class_of(len);
	unsigned long bytes = sizeof(struct ke_event) + class_size(class);

	return class < INLINE_CLASSES ? bytes : bytes + SMALL_SIZE;
}

static void **large_payload(const struct ke_event *event)
{
	return (void **)event->payload;
}

void *ke_event_large_payload(const struct ke_event *event)
{
	if (class_of(event->len) < INLINE_CLASSES)
		return (void *)event->payload;
	return *large_payload(event);
}

static void *alloc_large(unsigned int class)
{
	if (class < CLASSES)
		return kmem_cache_alloc(caches[class], GFP_EVENT);
	return kvmalloc(class_size(class), GFP_EVENT);
}

static void free_large(unsigned int class, void *payload)
{
	if (class < CLASSES)
		kmem_cache_free(caches[class], payload);
	else
		kvfree(payload);
}

static struct ke_event *alloc_event(unsigned int class)
{
	struct ke_event *event;

	if (class < INLINE_CLASSES)
		return kmem_cache_alloc(caches[class], GFP_EVENT);
	event = kmem_cache_alloc(caches[0], GFP_EVENT);
	if (!event)
		return NULL;
	*large_payload(event) = alloc_large(class);
	if (*large_payload(event))
		return event;
	kmem_cache_free(caches[0], event);
	return NULL;
}

struct ke_event *ke_event_create(struct ke_sender *sender, u32 len)
{
	const struct ke_charge charge = { .bytes = ke_event_bytes(len), .events = 1 };
	struct ke_event *event;
	int err;

	err = ke_quota_charge(sender->user, charge);
	if (err)
		return ERR_PTR(err);
	event = alloc_event(class_of(len));
	if (!event) {
		ke_quota_uncharge(sender->user, charge);
		return ERR_PTR(-ENOMEM);
	}
	event->len = len;
	event->bytes = charge.bytes;
	event->sender = sender;
	event->deliveries = 0;
	event->ttl = 0;
	return event;
}

static __always_inline void free_event(struct ke_event *event)
{
	unsigned int class = class_of(event->len);
	struct ke_sender *sender = event->sender;
	const struct ke_charge charge = { .bytes = event->bytes, .events = 1 };

	if (class >= INLINE_CLASSES) {
		free_large(class, *large_payload(event));
		class = 0;
	}
	kmem_cache_free(caches[class], event);
	ke_quota_uncharge(sender->user, charge);
	ke_sender_put(sender);
}

void ke_event_free(struct ke_event *event)
{
	free_event(event);
}

void ke_event_free_all(struct hlist_head *events)
{
	struct hlist_node *next;
	struct ke_event *event;

	hlist_for_each_entry_safe(event, next, events, entry) {
		free_event(event);
		if (next)
			cond_resched();
	}
	INIT_HLIST_HEAD(events);
}

/*
 * Small payloads go word by word, in C that checkers of memory see: a call of
 * the general function costs more than the copy. Four words at a time, for the
 * same reason.
 */
static __always_inline int fill_small(void *payload, const void __user *addr, u32 len)
{
	const u64 __user *from = addr;
	const u8 __user *rest;
	u64 *to = payload;
	u8 *last;

	if (!len)
		return 0;
	if (!user_read_access_begin(from, len))
		return -EFAULT;
	for (; len >= 4 * sizeof(*to); len -= 4 * sizeof(*to), to += 4, from += 4) {
		unsafe_get_user(to[0], from, fault);
		unsafe_get_user(to[1], from + 1, fault);
		unsafe_get_user(to[2], from + 2, fault);
		unsafe_get_user(to[3], from + 3, fault);
	}
	for (; len >= sizeof(*to); len -= sizeof(*to))
		unsafe_get_user(*to++, from++, fault);
	for (rest = (const u8 __user *)from, last = (u8 *)to; len; len--)
		unsafe_get_user(*last++, rest++, fault);
	user_read_access_end();
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

int ke_event_fill(struct ke_event *event, u64 addr)
{
	const void __user *from = u64_to_user_ptr(addr);

	if (event->len <= SMALL_SIZE)
		return fill_small(event->payload, from, event->len);
	return copy_from_user(ke_event_payload(event), from, event->len) ? -EFAULT : 0;
}

int ke_event_fill_iter(struct ke_event *event, struct iov_iter *iter)
{
	return copy_from_iter_full(ke_event_payload(event), event->len, iter) ? 0 : -EFAULT;
}

int ke_event_tell_seq(u64 seq, u64 addr, enum ke_copy how)
{
	u64 __user *to = u64_to_user_ptr(addr);
	int err = 0;

	if (!addr)
		return 0;
	if (how == KE_COPY_ATOMIC)
		pagefault_disable();
	if (user_write_access_begin(to, sizeof(*to))) {
		unsafe_put_user(seq, to, fault);
		user_write_access_end();
	} else {
		err = -EFAULT;
	}
out:
	if (how == KE_COPY_ATOMIC)
		pagefault_enable();
	return err;

fault:
	user_write_access_end();
	err = -EFAULT;
	goto out;
}
