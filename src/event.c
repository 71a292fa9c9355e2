// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "quota.h"
#include "sender.h"

/*
 * All caches have a constructor: the kernel would clear their objects each time
 * before it is overwritten.
 */
#define CLASSES		11	/* up to 64 KiB */
#define FREED_MAX	32	/* events that are freed at one go */

/* What an ordinary user asks for must not fill the kernel log when it fails. */
#define GFP_EVENT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static struct kmem_cache *caches[CLASSES];

static const char *const cache_names[CLASSES] = {
	"kevents_event_64", "kevents_event_128", "kevents_event_256",
	"kevents_event_512", "kevents_event_1k", "kevents_event_2k",
	"kevents_event_4k", "kevents_data_8k", "kevents_data_16k",
	"kevents_data_32k", "kevents_data_64k",
};

/* An event is freed as it is made: it has no deadline. */
static void construct_event(void *object)
{
	struct ke_event *event = object;

	timerqueue_init(&event->due);
}

static void construct_data(void *object)
{
}

static struct kmem_cache *create_cache(unsigned int class, const char *name)
{
	u32 size = ke_event_class_size(class);

	if (class >= KE_EVENT_INLINE_CLASSES)
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
	ke_sender_spares = caches[0];
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

static void **large_payload(const struct ke_event *event)
{
	return (void **)event->payload;
}

void *ke_event_large_payload(const struct ke_event *event)
{
	if (ke_event_class(event->len) < KE_EVENT_INLINE_CLASSES)
		return (void *)event->payload;
	return *large_payload(event);
}

static void *alloc_large(unsigned int class)
{
	if (class < CLASSES)
		return kmem_cache_alloc(caches[class], GFP_EVENT);
	return kvmalloc(ke_event_class_size(class), GFP_EVENT);
}

static void free_large(unsigned int class, void *payload)
{
	if (class < CLASSES)
		kmem_cache_free(caches[class], payload);
	else
		kvfree(payload);
}

struct ke_event *ke_event_alloc(unsigned int class)
{
	struct ke_event *event;

	if (class < KE_EVENT_INLINE_CLASSES)
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

void ke_event_free_memory(struct ke_event *event)
{
	unsigned int class = ke_event_class(event->len);

	if (class >= KE_EVENT_INLINE_CLASSES) {
		free_large(class, *large_payload(event));
		class = 0;
	}
	kmem_cache_free(caches[class], event);
}

bool ke_event_create_bulk(struct ke_sender *sender, unsigned int class, unsigned int n,
			  const struct ke_identity *identity, struct ke_event **events)
{
	const struct ke_charge charge = {
		.bytes = n * ke_event_class_bytes(class),
		.events = n,
	};

	if (ke_quota_charge(identity, charge))
		return false;
	if (!kmem_cache_alloc_bulk(caches[class], GFP_EVENT, n, (void **)events)) {
		ke_quota_uncharge(identity->user, charge);
		return false;
	}
	refcount_add(n - 1, &sender->refs);
	return true;
}

/* Frees @n events that are alike. */
static void free_bulk(struct ke_event **events, unsigned int n)
{
	struct ke_sender *sender = events[0]->sender;
	const struct ke_charge charge = { .bytes = n * events[0]->bytes, .events = n };

	kmem_cache_free_bulk(caches[ke_event_class(events[0]->len)], n, (void **)events);
	ke_quota_uncharge(sender->user, charge);
	ke_sender_put_many(sender, n);
}

/* What is charged says of which class an event is. */
static bool are_alike(const struct ke_event *a, const struct ke_event *b)
{
	return a->sender == b->sender && a->bytes == b->bytes;
}

/* Frees @first and those behind it that are alike; returns the next. */
static struct ke_event *free_alike(struct ke_event *first)
{
	struct ke_event *events[FREED_MAX], *event = first;
	unsigned int n = 0;

	do {
		events[n++] = event;
		event = hlist_entry_safe(event->entry.next, struct ke_event, entry);
	} while (event && n < FREED_MAX && are_alike(first, event));
	free_bulk(events, n);
	return event;
}

static struct ke_event *free_one(struct ke_event *event)
{
	struct hlist_node *next = event->entry.next;

	ke_event_free(event);
	return hlist_entry_safe(next, struct ke_event, entry);
}

void ke_event_free_all(struct hlist_head *events)
{
	struct ke_event *event = hlist_entry_safe(events->first, struct ke_event, entry);

	while (event) {
		if (ke_event_class(event->len) < KE_EVENT_INLINE_CLASSES)
			event = free_alike(event);
		else
			event = free_one(event);
		cond_resched();
	}
	INIT_HLIST_HEAD(events);
}
