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

/* What an ordinary user asks for must not fill the kernel log when it fails. */
#define GFP_EVENT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

static struct kmem_cache *caches[CLASSES];

static const char *const cache_names[CLASSES] = {
	"kevents_event_64", "kevents_event_128", "kevents_event_256",
	"kevents_event_512", "kevents_event_1k", "kevents_event_2k",
	"kevents_event_4k", "kevents_data_8k", "kevents_data_16k",
	"kevents_data_32k", "kevents_data_64k",
};

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

void ke_event_free_all(struct hlist_head *events)
{
	struct hlist_node *next;
	struct ke_event *event;

	hlist_for_each_entry_safe(event, next, events, entry) {
		ke_event_free(event);
		if (next)
			cond_resched();
	}
	INIT_HLIST_HEAD(events);
}
