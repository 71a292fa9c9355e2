// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#define SEGMENT_ORDERS	5	/* segments of up to 64 KiB */
#define FREED_MAX	32	/* events freed in one step */

/* Unprivileged users can make these allocations fail, which must not fill the kernel log. */
#define GFP_EVENT	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN)

/* Bulk and higher-order allocations have a fallback: no direct reclaim, no OOM killer. */
#define GFP_PIECE	((GFP_EVENT & ~__GFP_DIRECT_RECLAIM) | __GFP_NORETRY)

static struct kmem_cache *caches[KE_EVENT_CLASSES];
static struct kmem_cache *segment_caches[SEGMENT_ORDERS];

static const char *const cache_names[KE_EVENT_CLASSES] = {
	"kevents_event", "kevents_event_256", "kevents_event_512",
	"kevents_event_1k", "kevents_event_2k", "kevents_event_4k",
};

static const char *const segment_names[SEGMENT_ORDERS] = {
	"kevents_segment_4k", "kevents_segment_8k", "kevents_segment_16k",
	"kevents_segment_32k", "kevents_segment_64k",
};

/* An event has no deadline when it is freed, so due stays initialised. */
static void construct_event(void *object)
{
	struct ke_event *event = object;

	timerqueue_init(&event->due);
}

/* A constructor exempts the cache from init_on_alloc: payloads overwrite their segments. */
static void construct_segment(void *object)
{
}

static struct kmem_cache *create_cache(const char *name, unsigned int size,
				       void (*construct)(void *object))
{
	return kmem_cache_create(name, size, 0, SLAB_ACCOUNT, construct);
}

int ke_event_init(void)
{
	unsigned int i;

	for (i = 0; i < KE_EVENT_CLASSES; i++) {
		caches[i] = create_cache(cache_names[i],
					 ke_event_total(i) - KE_EVENT_FREE_POINTER,
					 construct_event);
		if (!caches[i])
			goto fail;
	}
	for (i = 0; i < SEGMENT_ORDERS; i++) {
		segment_caches[i] = create_cache(segment_names[i],
						 (KE_EVENT_UNIT << i) - KE_EVENT_FREE_POINTER,
						 construct_segment);
		if (!segment_caches[i])
			goto fail;
	}
	ke_account_spare_cache = caches[0];
	return 0;

fail:
	ke_event_exit();
	return -ENOMEM;
}

static void destroy_caches(struct kmem_cache **some, unsigned int n)
{
	while (n--) {
		kmem_cache_destroy(some[n]);
		some[n] = NULL;
	}
}

void ke_event_exit(void)
{
	destroy_caches(segment_caches, SEGMENT_ORDERS);
	destroy_caches(caches, KE_EVENT_CLASSES);
}

static void init_segment(struct ke_segment *segment, unsigned int order, u32 len)
{
	segment->next = NULL;
	segment->size = min(len, KE_EVENT_UNIT_SIZE << order);
	segment->order = order;
}

/* Links a new segment of @order at @link, for up to @len bytes; NULL: out of memory. */
static struct ke_segment *add_segment(struct ke_segment **link, unsigned int order, u32 len)
{
	struct ke_segment *segment;

	segment = kmem_cache_alloc(segment_caches[order], order ? GFP_PIECE : GFP_EVENT);
	if (!segment)
		return NULL;
	init_segment(segment, order, len);
	*link = segment;
	return segment;
}

/* Builds a chain for @len bytes at @link. The caller frees it even after -ENOMEM or -EINTR. */
static int add_segments(struct ke_segment **link, u32 len)
{
	unsigned int order, singles = 0;
	struct ke_segment *segment;

	while (len) {
		order = ilog2(DIV_ROUND_UP(len, KE_EVENT_UNIT_SIZE));
		order = singles ? 0 : min(order, SEGMENT_ORDERS - 1U);
		segment = add_segment(link, order, len);
		if (segment) {
			len -= segment->size;
			link = &segment->next;
			if (singles)
				singles--;
		} else if (order) {
			singles = 1U << order;
		} else {
			return -ENOMEM;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Frees @segment and returns the next one. */
static struct ke_segment *free_segment(struct ke_segment *segment)
{
	struct kmem_cache *cache = segment_caches[segment->order];
	struct ke_segment *next = segment->next;

	kmem_cache_free(cache, segment);
	return next;
}

static void free_segments(struct ke_segment *segment)
{
	while (segment)
		segment = free_segment(segment);
}

static struct ke_event *alloc_long(struct ke_account *account, u32 len)
{
	unsigned int class = ke_event_head_class(len);
	struct ke_event_long *payload;
	struct ke_event *event;
	int err;

	event = class ? NULL : ke_event_take_spare(account);
	if (!event)
		event = kmem_cache_alloc(caches[class], GFP_EVENT);
	if (!event)
		return ERR_PTR(-ENOMEM);
	payload = ke_event_long_payload(event);
	payload->segments = NULL;
	err = add_segments(&payload->segments, len - ke_event_head(len));
	if (!err)
		return event;
	free_segments(payload->segments);
	kmem_cache_free(caches[class], event);
	return ERR_PTR(err);
}

struct ke_event *ke_event_alloc(struct ke_account *account, u32 len)
{
	if (unlikely(len > KE_EVENT_INLINE_SIZE))
		return alloc_long(account, len);
	return kmem_cache_alloc(caches[ke_event_class(len)], GFP_EVENT) ?: ERR_PTR(-ENOMEM);
}

void ke_event_free_memory(struct ke_event *event)
{
	unsigned int class = ke_event_class(event->len);

	if (unlikely(class >= KE_EVENT_CLASSES)) {
		free_segments(ke_event_long_payload(event)->segments);
		class = ke_event_head_class(event->len);
		if (!class && ke_event_keep_spare(event))
			return;
	}
	kmem_cache_free(caches[class], event);
}

/* Adds a segment of one unit, for @len bytes, to each of @events. All or none. */
static bool add_units(struct ke_event **events, unsigned int n, u32 len)
{
	struct ke_segment *segments[KE_EVENT_BULK];
	unsigned int i;

	if (!kmem_cache_alloc_bulk(segment_caches[0], GFP_PIECE, n, (void **)segments))
		return false;
	for (i = 0; i < n; i++) {
		init_segment(segments[i], 0, len);
		ke_event_long_payload(events[i])->segments = segments[i];
	}
	return true;
}

static bool alloc_bulk(u32 len, unsigned int n, struct ke_event **events)
{
	struct kmem_cache *cache = caches[ke_event_object_class(len)];

	if (!kmem_cache_alloc_bulk(cache, GFP_EVENT, n, (void **)events))
		return false;
	if (len <= KE_EVENT_INLINE_SIZE || add_units(events, n, len - ke_event_head(len)))
		return true;
	kmem_cache_free_bulk(cache, n, (void **)events);
	return false;
}

bool ke_event_create_bulk(u32 len, unsigned int n, const struct ke_identity *identity,
			  bool waits, struct ke_event **events)
{
	const unsigned long bytes = n * ke_event_bytes(len);

	if (ke_charge(identity, bytes, waits))
		return false;
	if (!alloc_bulk(len, n, events)) {
		ke_uncharge(identity->account, bytes);
		return false;
	}
	refcount_add(n, &task_tgid(current)->count);
	return true;
}

/* Frees the segments of @events, which have a single unit each. */
static void free_units(struct ke_event **events, unsigned int n)
{
	struct ke_segment *segments[FREED_MAX];
	unsigned int i;

	for (i = 0; i < n; i++)
		segments[i] = ke_event_long_payload(events[i])->segments;
	kmem_cache_free_bulk(segment_caches[0], n, (void **)segments);
}

/* Frees and uncharges @n events that are alike: see are_alike(). */
static void free_bulk(struct ke_event **events, unsigned int n)
{
	struct ke_account *account = events[0]->account;
	const unsigned long bytes = n * events[0]->bytes;
	const u32 len = events[0]->len;
	struct pid *pid = events[0]->pid;

	if (len > KE_EVENT_INLINE_SIZE)
		free_units(events, n);
	kmem_cache_free_bulk(caches[ke_event_object_class(len)], n, (void **)events);
	/* put_pid() drops the last reference. */
	if (n > 1)
		WARN_ON_ONCE(refcount_sub_and_test(n - 1, &pid->count));
	put_pid(pid);
	ke_uncharge(account, bytes);
}

/* Events of one process with equal charges have the same class and number of units. */
static bool are_alike(const struct ke_event *a, const struct ke_event *b)
{
	return a->bytes == b->bytes && a->pid == b->pid && a->account == b->account;
}

/* Frees @first and the events after it that are like it. Returns the next one, or NULL. */
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

void __ke_event_free_list(struct hlist_head *events)
{
	struct ke_event *event = hlist_entry_safe(events->first, struct ke_event, entry);

	while (event) {
		if (event->len <= KE_EVENT_BULK_SIZE)
			event = free_alike(event);
		else
			event = free_one(event);
		cond_resched();
	}
	INIT_HLIST_HEAD(events);
}
