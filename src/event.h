/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_EVENT_H
#define KE_EVENT_H

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timerqueue.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "quota.h"

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
	struct ke_user *user;		/* the account that is charged; a reference */
	struct pid *pid;		/* the sending process; a reference */
	kuid_t uid;			/* the real ids of the sender */
	kgid_t gid;
	u64 seq;
	u64 sent_ns;
	u32 len;
	u32 bytes;			/* charged to user */
	u8 payload[] __aligned(8);	/* of a long one: struct ke_event_long */
};

enum ke_copy {
	KE_COPY_ATOMIC,			/* -EFAULT where a page is not present */
	KE_COPY_MAY_SLEEP,
};

/*
 * An event and a payload of up to KE_EVENT_INLINE_SIZE bytes are one object. The caches
 * have a constructor, so SLUB keeps its free pointer behind the object: with that pointer
 * an object of class 1 and up takes a power of two, which divides a page without a rest.
 */
#define KE_EVENT_CLASSES	6
#define KE_EVENT_FREE_POINTER	((u32)sizeof(void *))
#define KE_EVENT_OVERHEAD	((u32)sizeof(struct ke_event) + KE_EVENT_FREE_POINTER)
#define KE_EVENT_SMALL_SIZE	64U	/* bytes of payload in class 0 */
#define KE_EVENT_SMALL_TOTAL	ALIGN(KE_EVENT_OVERHEAD + KE_EVENT_SMALL_SIZE, 16)
#define KE_EVENT_SMALL_SHIFT	7	/* class 1 takes two times 1 << 7 bytes */
#define KE_EVENT_INLINE_SIZE	((1U << (KE_EVENT_SMALL_SHIFT + KE_EVENT_CLASSES - 1)) - \
				 KE_EVENT_OVERHEAD)

static_assert(KE_EVENT_SMALL_TOTAL >= 1 << KE_EVENT_SMALL_SHIFT);
static_assert(KE_EVENT_SMALL_TOTAL <= 2 << KE_EVENT_SMALL_SHIFT);

/* KE_EVENT_CLASSES or more: a long event, which needs segments. */
static inline unsigned int ke_event_class(u32 len)
{
	return likely(len <= KE_EVENT_SMALL_SIZE) ? 0 :
	       fls(len + KE_EVENT_OVERHEAD - 1) - KE_EVENT_SMALL_SHIFT;
}

/* Bytes of payload that an object of @class has room for. */
static inline u32 ke_event_class_size(unsigned int class)
{
	return class ? (1U << (KE_EVENT_SMALL_SHIFT + class)) - KE_EVENT_OVERHEAD :
	       KE_EVENT_SMALL_SIZE;
}

/* Bytes of memory that an object of @class takes, with its share of the rest of a page. */
static inline unsigned long ke_event_class_bytes(unsigned int class)
{
	return class ? 1UL << (KE_EVENT_SMALL_SHIFT + class) :
	       DIV_ROUND_UP(PAGE_SIZE, PAGE_SIZE / KE_EVENT_SMALL_TOTAL);
}

/*
 * The payload of a long event begins in the event's own object and goes on in segments.
 * A segment takes one unit of 4 KiB, or several units in one piece; a piece that is not
 * to be had is made up of single units, of which there are as many. So what an event
 * takes depends on its length alone, and none fails because memory is fragmented.
 */
struct ke_segment {
	struct ke_segment *next;
	u32 size;			/* bytes of payload here */
	u32 order;			/* 1 << order units */
	u8 data[];
};

struct ke_event_long {
	struct ke_segment *segments;
	u8 data[];			/* the first ke_event_head(len) bytes */
};

static inline struct ke_event_long *ke_event_long_payload(const struct ke_event *event)
{
	return (struct ke_event_long *)event->payload;
}

#define KE_EVENT_UNIT		4096U
#define KE_EVENT_UNIT_SIZE	(KE_EVENT_UNIT - KE_EVENT_FREE_POINTER - \
				 (u32)sizeof(struct ke_segment))
#define KE_EVENT_HEAD_SIZE	(KE_EVENT_INLINE_SIZE - (u32)sizeof(struct ke_event_long))

/* How many units a long event of @len bytes takes. */
static inline u32 ke_event_units(u32 len)
{
	return DIV_ROUND_UP(len - KE_EVENT_HEAD_SIZE, KE_EVENT_UNIT_SIZE);
}

/* How many bytes of its payload lie in its own object. */
static inline u32 ke_event_head(u32 len)
{
	u32 size = ke_event_units(len) * KE_EVENT_UNIT_SIZE;

	return len > size ? len - size : 0;
}

/* The class of that object. */
static inline unsigned int ke_event_head_class(u32 len)
{
	return ke_event_class(ke_event_head(len) + (u32)sizeof(struct ke_event_long));
}

/* An event may be all that keeps the struct pid of its sender. */
static inline unsigned long ke_event_pid_bytes(const struct pid *pid)
{
	return sizeof(*pid) + (pid->level + 1) * sizeof(pid->numbers[0]);
}

/* What is charged for an event of @class that the calling process sends. */
static inline unsigned long ke_event_inline_bytes(unsigned int class)
{
	return ke_event_class_bytes(class) + ke_event_pid_bytes(task_tgid(current));
}

/* What is charged for an event of @len bytes that the calling process sends. */
static inline unsigned long ke_event_bytes(u32 len)
{
	if (likely(len <= KE_EVENT_INLINE_SIZE))
		return ke_event_inline_bytes(ke_event_class(len));
	return ke_event_inline_bytes(ke_event_head_class(len)) +
	       (unsigned long)ke_event_units(len) * KE_EVENT_UNIT;
}

/*
 * An event that has ended, kept by a client for the next small one of its account: a queue
 * that is emptied as fast as it is filled needs no more. It still has its references. It is
 * constant for each open file, and so not charged.
 */
struct ke_spare {
	struct ke_event *event;		/* or NULL; belongs to the one whose xchg() gets it */
	struct ke_user *user;		/* the account; constant */
};

/* Returns an event of the calling process, or NULL. */
static inline struct ke_event *ke_spare_take(struct ke_spare *spare)
{
	struct ke_event *event = READ_ONCE(spare->event) ? xchg(&spare->event, NULL) : NULL;

	if (event && unlikely(event->pid != task_tgid(current))) {
		put_pid(event->pid);
		event->pid = get_pid(task_tgid(current));
	}
	return event;
}

/* Returns whether @spare, which may be NULL, took @event, an object of class 0. */
static inline bool ke_spare_keep(struct ke_spare *spare, struct ke_event *event)
{
	return spare && event->user == spare->user && !READ_ONCE(spare->event) &&
	       !cmpxchg(&spare->event, NULL, event);
}

/* Nobody uses @spare any more. */
void ke_spare_drop(struct ke_spare *spare);

/*
 * Returns an event of the calling process with room for @len bytes, and a reference to
 * the account of @spare; -ENOMEM, or -EINTR after a fatal signal.
 */
struct ke_event *ke_event_alloc(struct ke_spare *spare, u32 len);

/* Initialises what differs from event to event. @cred is that of the calling process. */
static inline void ke_event_begin(struct ke_event *event, u32 len, unsigned long bytes,
				  const struct cred *cred)
{
	event->len = len;
	event->bytes = bytes;
	event->uid = cred->uid;
	event->gid = cred->gid;
	event->deliveries = 0;
	event->ttl = 0;
}

/*
 * Returns a new event from the calling process with room for @len bytes, charged to
 * @identity, whose client has @spare; -EAGAIN, -EDQUOT, -ENOMEM or -EINTR.
 */
static inline struct ke_event *ke_event_create(struct ke_spare *spare, u32 len,
					       const struct ke_identity *identity)
{
	const struct ke_charge charge = { .bytes = ke_event_bytes(len), .events = 1 };
	struct ke_event *event = NULL;
	int err;

	err = ke_quota_charge(identity, charge);
	if (unlikely(err))
		return ERR_PTR(err);
	if (len <= KE_EVENT_SMALL_SIZE)
		event = ke_spare_take(spare);
	if (!event)
		event = ke_event_alloc(spare, len);
	if (IS_ERR(event)) {
		ke_quota_uncharge(identity->user, charge);
		return event;
	}
	ke_event_begin(event, len, charge.bytes, current_cred());
	return event;
}

/* Events that are made at one go; what is known of them then lies on the stack. */
#define KE_EVENT_BULK	(BITS_PER_LONG / 4U)

/*
 * Charges @identity with @n events of @class, less than KE_EVENT_CLASSES, and makes them,
 * all but ke_event_begin(). All or none: false if for whatever reason they have to be made
 * one by one.
 */
bool ke_event_create_bulk(unsigned int class, unsigned int n,
			  const struct ke_identity *identity, struct ke_event **events);

void __ke_event_free(struct ke_event *event, struct ke_spare *spare);

/* Ends @event, which is nowhere any more. @spare is that of the caller's client, or NULL. */
static inline void ke_event_free(struct ke_event *event, struct ke_spare *spare)
{
	const struct ke_charge charge = { .bytes = event->bytes, .events = 1 };

	if (event->len <= KE_EVENT_SMALL_SIZE && ke_spare_keep(spare, event))
		ke_quota_uncharge(spare->user, charge);
	else
		__ke_event_free(event, spare);
}

/* Frees the events of a list that is not empty. */
void __ke_event_free_list(struct hlist_head *events, struct ke_spare *spare);

/* Frees the events that entry links. */
static inline void ke_event_free_list(struct hlist_head *events, struct ke_spare *spare)
{
	struct hlist_node *first = events->first;

	if (!first)
		return;
	if (first->next) {
		__ke_event_free_list(events, spare);
	} else {
		events->first = NULL;
		ke_event_free(hlist_entry(first, struct ke_event, entry), spare);
	}
}

int ke_event_init(void);
void ke_event_exit(void);

#endif /* KE_EVENT_H */
