/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_EVENT_H
#define KE_EVENT_H

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/timerqueue.h>
#include <linux/types.h>

#include "quota.h"
#include "sender.h"

struct iov_iter;
struct ke_lessee;
struct ke_queue;

enum ke_event_state {
	KE_EVENT_WAITS,			/* in its queue, never handed out */
	KE_EVENT_RETURNED,		/* in its queue, handed out before */
	KE_EVENT_LEASED,		/* with a client */
};

/*
 * A message. What stands under "queue lock" belongs to whoever has that, until
 * the event has ended; the rest is constant from the time the event is in its
 * queue.
 */
struct ke_event {
	/* queue lock */
	union {
		struct hlist_node entry; /* waits, or ended */
		struct rb_node node;	/* returned, or leased */
	};
	struct timerqueue_node due;	/* in ke_queue.deadlines, or empty */
	struct ke_lessee *lessee;	/* who has it; if leased */
	u32 deliveries;			/* times it was handed out */
	u32 state;			/* enum ke_event_state; until it has ended */

	ktime_t ttl;			/* when it expires, CLOCK_MONOTONIC; 0: never */
	struct ke_queue *queue;		/* alive as long as it holds the event */
	struct ke_sender *sender;	/* a reference */
	u64 seq;
	u64 sent_ns;
	u32 len;
	u32 bytes;			/* what is charged for it */
	u8 payload[] __aligned(8);	/* or where that is, if it is large */
};

enum ke_copy {
	KE_COPY_ATOMIC,			/* -EFAULT where a page is not present */
	KE_COPY_MAY_SLEEP,
};

/*
 * Memory comes in classes: each has room for twice the payload of the one before.
 * In the first ones event and payload are one object; then the payload has an
 * object of its own. What is longer than the last class has room for comes from
 * kvmalloc().
 */
#define KE_EVENT_SMALL_SIZE	64U	/* bytes of payload in the first class */
#define KE_EVENT_INLINE_CLASSES	7	/* up to 4 KiB */

static inline unsigned int ke_event_class(u32 len)
{
	return len <= KE_EVENT_SMALL_SIZE ? 0 : fls((len - 1) / KE_EVENT_SMALL_SIZE);
}

static inline u32 ke_event_class_size(unsigned int class)
{
	return KE_EVENT_SMALL_SIZE << class;
}

/* What is charged for an event of @class, with all it may ever need. */
static inline unsigned long ke_event_class_bytes(unsigned int class)
{
	unsigned long bytes = sizeof(struct ke_event) + ke_event_class_size(class);

	return class < KE_EVENT_INLINE_CLASSES ? bytes : bytes + KE_EVENT_SMALL_SIZE;
}

static inline unsigned long ke_event_bytes(u32 len)
{
	return ke_event_class_bytes(ke_event_class(len));
}

/* Returns memory for an event, or NULL. */
struct ke_event *ke_event_alloc(unsigned int class);

/*
 * A sender keeps the memory of one small event, charged with it: a queue that is
 * emptied as fast as it is filled needs no more.
 */
static_assert(sizeof(struct ke_event) + KE_EVENT_SMALL_SIZE <= KE_SENDER_SPARE_SIZE);

static inline struct ke_event *ke_event_take_spare(struct ke_sender *sender, u32 len)
{
	if (len > KE_EVENT_SMALL_SIZE || !READ_ONCE(sender->spare))
		return NULL;
	return xchg(&sender->spare, NULL);
}

/* Gives @event what is new in it; it takes over a reference to @sender. */
static inline void ke_event_begin(struct ke_event *event, struct ke_sender *sender,
				  u32 len, unsigned long bytes)
{
	event->len = len;
	event->bytes = bytes;
	event->sender = sender;
	event->deliveries = 0;
	event->ttl = 0;
}

/*
 * Returns a new event from @sender, whose reference it takes over, with room for
 * @len bytes, charged to @identity as @sender is; -EAGAIN, -EDQUOT or -ENOMEM, and then
 * the reference is still the caller's.
 */
static inline struct ke_event *ke_event_create(struct ke_sender *sender, u32 len,
					       const struct ke_identity *identity)
{
	const struct ke_charge charge = { .bytes = ke_event_bytes(len), .events = 1 };
	struct ke_event *event;
	int err;

	err = ke_quota_charge(identity, charge);
	if (unlikely(err))
		return ERR_PTR(err);
	event = ke_event_take_spare(sender, len) ?: ke_event_alloc(ke_event_class(len));
	if (unlikely(!event)) {
		ke_quota_uncharge(sender->user, charge);
		return ERR_PTR(-ENOMEM);
	}
	ke_event_begin(event, sender, len, charge.bytes);
	return event;
}

/* Events that are made at one go; what is known of them then lies on the stack. */
#define KE_EVENT_BULK	(BITS_PER_LONG / 4U)

/*
 * Charges @identity with @n events of @class, one of those in which event and payload are
 * one object, and gets memory for them, which ke_event_begin() has to make @events of;
 * takes over a reference to @sender for each but the first, whose is the caller's.
 * All or none: false if for whatever reason they have to be made one by one.
 */
bool ke_event_create_bulk(struct ke_sender *sender, unsigned int class, unsigned int n,
			  const struct ke_identity *identity, struct ke_event **events);

/* The same as ke_event_payload() for more than that. */
void *ke_event_large_payload(const struct ke_event *event);

static inline void *ke_event_payload(const struct ke_event *event)
{
	return event->len <= KE_EVENT_SMALL_SIZE ? (void *)event->payload :
	       ke_event_large_payload(event);
}

/* Frees what @event takes. */
void ke_event_free_memory(struct ke_event *event);

static inline void ke_event_free(struct ke_event *event)
{
	const struct ke_charge charge = { .bytes = event->bytes, .events = 1 };
	struct ke_sender *sender = event->sender;

	/* The sender keeps the memory of one: see ke_event_take_spare(). */
	if (event->len > KE_EVENT_SMALL_SIZE || READ_ONCE(sender->spare) ||
	    cmpxchg(&sender->spare, NULL, event))
		ke_event_free_memory(event);
	ke_quota_uncharge(sender->user, charge);
	ke_sender_put(sender);
}

/* The same as ke_event_free_list() where there are any. */
void ke_event_free_all(struct hlist_head *events);

/* Frees those that are linked by entry. */
static inline void ke_event_free_list(struct hlist_head *events)
{
	struct hlist_node *first = events->first;

	if (!first)
		return;
	if (first->next) {
		ke_event_free_all(events);
	} else {
		events->first = NULL;
		ke_event_free(hlist_entry(first, struct ke_event, entry));
	}
}

int ke_event_init(void);
void ke_event_exit(void);

#endif /* KE_EVENT_H */
