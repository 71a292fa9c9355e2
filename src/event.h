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

#include "account.h"

struct ke_lease_table;
struct ke_queue;

enum ke_event_state {
	KE_EVENT_WAITS,			/* in its queue, in a line */
	KE_EVENT_SORTED,		/* in its queue, in a tree */
	KE_EVENT_IN_FLIGHT,		/* taken by a receiver that copies it */
	KE_EVENT_LEASED,		/* with a client */
};

/*
 * A message. What stands under "queue lock" belongs to the holder of that, or to the
 * receiver that the event is in flight to, until the event has ended; the rest is
 * constant from the time the event is in its queue.
 */
struct ke_event {
	/* queue lock */
	union {
		struct hlist_node entry; /* waits, or ended */
		struct {
			struct rb_node node;	/* sorted, or leased */
			ktime_t latest;		/* sorted: expiry, of all below */
		};
	};
	struct timerqueue_node due;	/* in ke_queue.deadlines, or empty */
	struct ke_lease_table *holder;	/* if leased */
	u32 deliveries;			/* times it was received */
	u8 state;			/* enum ke_event_state; until it has ended */

	ktime_t ttl;			/* when it expires, CLOCK_MONOTONIC; 0: never */
	struct ke_queue *queue;		/* alive as long as it holds the event */
	struct ke_account *account;	/* that is charged, and so is kept */
	struct pid *pid;		/* the sending process; a reference */
	kuid_t uid;			/* the real ids of the sender */
	kgid_t gid;
	u64 seq;
	u64 sent_ns;
	u32 len;
	u32 bytes;			/* charged to account */
	u8 payload[] __aligned(8);	/* of a long one: struct ke_event_long */
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

/* Bytes that an object of @class and the free pointer behind it take. */
static inline u32 ke_event_total(unsigned int class)
{
	return class ? 1U << (KE_EVENT_SMALL_SHIFT + class) : KE_EVENT_SMALL_TOTAL;
}

/* Bytes of payload that an object of @class has room for. */
static inline u32 ke_event_class_size(unsigned int class)
{
	return class ? ke_event_total(class) - KE_EVENT_OVERHEAD : KE_EVENT_SMALL_SIZE;
}

/* The same with its share of the rest of a page. */
static inline unsigned long ke_event_class_bytes(unsigned int class)
{
	return class ? ke_event_total(class) :
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

/* The class of the event's own object, whether it is long or not. */
static inline unsigned int ke_event_object_class(u32 len)
{
	return likely(len <= KE_EVENT_INLINE_SIZE) ? ke_event_class(len) :
	       ke_event_head_class(len);
}

/* An event may be all that keeps the struct pid of its sender. */
static inline unsigned long ke_event_pid_bytes(const struct pid *pid)
{
	return sizeof(*pid) + (pid->level + 1) * sizeof(pid->numbers[0]);
}

/* What is charged for a queue: by everything that may be all that keeps one. */
extern const unsigned long ke_queue_bytes;

/* What is charged for an event of @class that the calling process sends. */
static inline unsigned long ke_event_inline_bytes(unsigned int class)
{
	return ke_event_class_bytes(class) + ke_queue_bytes +
	       ke_event_pid_bytes(task_tgid(current));
}

/* What is charged for an event of @len bytes that the calling process sends. */
static inline unsigned long ke_event_bytes(u32 len)
{
	if (likely(len <= KE_EVENT_INLINE_SIZE))
		return ke_event_inline_bytes(ke_event_class(len));
	return ke_event_inline_bytes(ke_event_head_class(len)) +
	       (unsigned long)ke_event_units(len) * KE_EVENT_UNIT;
}

/* What the calling process pays more than one of the initial pid namespace. */
static inline unsigned int ke_event_extra_bytes(void)
{
	return task_tgid(current)->level * sizeof(struct upid);
}

/*
 * Returns memory for an event of @len bytes; -ENOMEM, or -EINTR after a fatal signal. Its
 * charge keeps @account.
 */
struct ke_event *ke_event_alloc(struct ke_account *account, u32 len);

/*
 * An account keeps the memory of one event of class 0 for the next: a queue that is emptied as
 * fast as it is filled needs no more. It is constant for each account, and so not charged.
 */
static inline struct ke_event *ke_event_take_spare(struct ke_account *account)
{
	return READ_ONCE(account->spare) ? xchg(&account->spare, NULL) : NULL;
}

/* Returns whether the account of @event, which is of class 0, has kept its memory. */
static inline bool ke_event_keep_spare(struct ke_event *event)
{
	struct ke_account *account = event->account;

	return !READ_ONCE(account->spare) && !cmpxchg(&account->spare, NULL, event);
}

/*
 * Initialises what differs from event to event. Consumes a reference to @pid, that of the
 * calling process, whose credentials are @cred.
 */
static inline void ke_event_begin(struct ke_event *event, struct ke_account *account,
				  u32 len, unsigned long bytes, struct pid *pid,
				  const struct cred *cred)
{
	event->len = len;
	event->bytes = bytes;
	event->account = account;
	event->pid = pid;
	event->uid = cred->uid;
	event->gid = cred->gid;
	event->deliveries = 0;
	event->ttl = 0;
}

/*
 * Returns a new event from the calling process with room for @len bytes, for which
 * ke_event_bytes() has been charged to @account; -ENOMEM or -EINTR.
 */
static inline struct ke_event *ke_event_create(struct ke_account *account, u32 len)
{
	struct ke_event *event = NULL;

	if (likely(len <= KE_EVENT_SMALL_SIZE))
		event = ke_event_take_spare(account);
	if (!event)
		event = ke_event_alloc(account, len);
	if (!IS_ERR(event))
		ke_event_begin(event, account, len, ke_event_bytes(len),
			       get_pid(task_tgid(current)), current_cred());
	return event;
}

/* Events that are made at one go; what is known of them then lies on the stack. */
#define KE_EVENT_BULK		(BITS_PER_LONG / 4U)
#define KE_EVENT_BULK_SIZE	(KE_EVENT_HEAD_SIZE + KE_EVENT_UNIT_SIZE) /* one unit at most */

/*
 * Charges @identity with @n events of @len bytes, at most KE_EVENT_BULK_SIZE, or of the class
 * of that if they are not long. Gets memory for them and takes the references that
 * ke_event_begin() consumes. All or none: false if for whatever reason they have to be made
 * one by one.
 */
bool ke_event_create_bulk(u32 len, unsigned int n, const struct ke_identity *identity,
			  bool waits, struct ke_event **events);

/* Frees the memory of @event. */
void ke_event_free_memory(struct ke_event *event);

/* Ends @event, which is nowhere any more. */
static inline void ke_event_free(struct ke_event *event)
{
	struct ke_account *account = event->account;
	const unsigned long bytes = event->bytes;

	put_pid(event->pid);
	if (event->len > KE_EVENT_SMALL_SIZE || !ke_event_keep_spare(event))
		ke_event_free_memory(event);
	ke_uncharge(account, bytes);
}

/* Frees the events of a list that is not empty. */
void __ke_event_free_list(struct hlist_head *events);

/* Frees the events that entry links. */
static inline void ke_event_free_list(struct hlist_head *events)
{
	struct hlist_node *first = events->first;

	if (!first)
		return;
	if (first->next) {
		__ke_event_free_list(events);
	} else {
		events->first = NULL;
		ke_event_free(hlist_entry(first, struct ke_event, entry));
	}
}

int ke_event_init(void);
void ke_event_exit(void);

#endif /* KE_EVENT_H */
