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
	KE_EVENT_WAITS,			/* pending, in ke_queue.events */
	KE_EVENT_SORTED,		/* pending, in ke_queue.sorted */
	KE_EVENT_IN_FLIGHT,		/* taken, being copied by a receiver */
	KE_EVENT_LEASED,		/* in the lease table of a client */
};

/*
 * A message. The fields marked "queue lock" are covered by ke_queue.lock. They belong to the
 * receiver while the event is in flight, and to the call that frees the event once it is in a
 * dispose list. All others are constant from the time the event is in its queue.
 */
struct ke_event {
	/* queue lock */
	union {
		struct hlist_node entry; /* KE_EVENT_WAITS, or in a dispose list */
		struct {
			struct rb_node node;	/* sorted; leased: ke_lease_table.lock, too */
			ktime_t latest;		/* sorted: the latest expiry in the subtree */
		};
	};
	struct timerqueue_node due;	/* in ke_queue.deadlines, or empty */
	struct ke_lease_table *holder;	/* if leased */
	u32 deliveries;			/* times it has been received */
	u8 state;			/* enum ke_event_state; stale in a dispose list */

	ktime_t ttl;			/* time of expiry, CLOCK_MONOTONIC; 0: never */
	struct ke_queue *queue;		/* kept alive by the event */
	struct ke_account *account;	/* kept alive by the charge */
	struct pid *pid;		/* the sending process; a reference */
	kuid_t uid;			/* real IDs of the sender */
	kgid_t gid;
	u64 seq;
	u64 sent_ns;
	u32 len;
	u32 bytes;			/* charged to account */
	u8 payload[] __aligned(8);	/* of a long event: struct ke_event_long */
};

/*
 * An event with a payload of up to KE_EVENT_INLINE_SIZE bytes is a single object. The caches
 * have a constructor, so SLUB places its free pointer after the object. From class 1 on, both
 * together are a power of two, so that objects fill a page.
 */
#define KE_EVENT_CLASSES	6
#define KE_EVENT_FREE_POINTER	((u32)sizeof(void *))
#define KE_EVENT_OVERHEAD	((u32)sizeof(struct ke_event) + KE_EVENT_FREE_POINTER)
#define KE_EVENT_SMALL_SIZE	64U	/* bytes of payload in class 0 */
#define KE_EVENT_SMALL_TOTAL	ALIGN(KE_EVENT_OVERHEAD + KE_EVENT_SMALL_SIZE, 16)
#define KE_EVENT_SMALL_SHIFT	7	/* class n > 0 takes 1 << (7 + n) bytes */
#define KE_EVENT_INLINE_SIZE	((1U << (KE_EVENT_SMALL_SHIFT + KE_EVENT_CLASSES - 1)) - \
				 KE_EVENT_OVERHEAD)

static_assert(KE_EVENT_SMALL_TOTAL >= 1 << KE_EVENT_SMALL_SHIFT);
static_assert(KE_EVENT_SMALL_TOTAL <= 2 << KE_EVENT_SMALL_SHIFT);

/* Returns the class for @len bytes of payload; KE_EVENT_CLASSES or more for a long event. */
static inline unsigned int ke_event_class(u32 len)
{
	return likely(len <= KE_EVENT_SMALL_SIZE) ? 0 :
	       fls(len + KE_EVENT_OVERHEAD - 1) - KE_EVENT_SMALL_SHIFT;
}

/* Bytes of an object of @class and its free pointer. */
static inline u32 ke_event_total(unsigned int class)
{
	return class ? 1U << (KE_EVENT_SMALL_SHIFT + class) : KE_EVENT_SMALL_TOTAL;
}

/* Bytes of payload that fit in an object of @class. */
static inline u32 ke_event_class_size(unsigned int class)
{
	return class ? ke_event_total(class) - KE_EVENT_OVERHEAD : KE_EVENT_SMALL_SIZE;
}

/* ke_event_total() plus a share of the rest of a page. */
static inline unsigned long ke_event_class_bytes(unsigned int class)
{
	return class ? ke_event_total(class) :
	       DIV_ROUND_UP(PAGE_SIZE, PAGE_SIZE / KE_EVENT_SMALL_TOTAL);
}

/*
 * The payload of a long event begins in the object of the event and continues in segments. A
 * segment is 1 << order contiguous units of 4 KiB. A segment that cannot be allocated is replaced
 * by as many single units. So the memory that an event takes depends on its length alone, and
 * fragmentation fails no send.
 */
struct ke_segment {
	struct ke_segment *next;
	u32 size;			/* bytes of payload in data */
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

/* Units in the segments of a long event of @len bytes. */
static inline u32 ke_event_units(u32 len)
{
	return DIV_ROUND_UP(len - KE_EVENT_HEAD_SIZE, KE_EVENT_UNIT_SIZE);
}

/* Bytes of payload in the object of a long event of @len bytes. */
static inline u32 ke_event_head(u32 len)
{
	u32 size = ke_event_units(len) * KE_EVENT_UNIT_SIZE;

	return len > size ? len - size : 0;
}

/* Class of the object of a long event. */
static inline unsigned int ke_event_head_class(u32 len)
{
	return ke_event_class(ke_event_head(len) + (u32)sizeof(struct ke_event_long));
}

/* Class of the object of any event. */
static inline unsigned int ke_event_object_class(u32 len)
{
	return likely(len <= KE_EVENT_INLINE_SIZE) ? ke_event_class(len) :
	       ke_event_head_class(len);
}

/* An event may hold the last reference to the struct pid of its sender. */
static inline unsigned long ke_event_pid_bytes(const struct pid *pid)
{
	return sizeof(*pid) + (pid->level + 1) * sizeof(pid->numbers[0]);
}

/* Charged with each event, watch and claim: any of them may be all that keeps a queue. */
extern const unsigned long ke_queue_bytes;

/* Charge for an event of the calling process in an object of @class, without segments. */
static inline unsigned long ke_event_inline_bytes(unsigned int class)
{
	return ke_event_class_bytes(class) + ke_queue_bytes +
	       ke_event_pid_bytes(task_tgid(current));
}

/* Charge for an event of @len bytes of the calling process. */
static inline unsigned long ke_event_bytes(u32 len)
{
	if (likely(len <= KE_EVENT_INLINE_SIZE))
		return ke_event_inline_bytes(ke_event_class(len));
	return ke_event_inline_bytes(ke_event_head_class(len)) +
	       (unsigned long)ke_event_units(len) * KE_EVENT_UNIT;
}

/* Additional charge for a sender in a nested PID namespace, which has a larger struct pid. */
static inline unsigned int ke_event_extra_bytes(void)
{
	return task_tgid(current)->level * sizeof(struct upid);
}

/*
 * Allocates an event with room for @len bytes, its fields uninitialised. The caller has charged
 * @account. May sleep. Returns -ENOMEM, or -EINTR after a fatal signal.
 */
struct ke_event *ke_event_alloc(struct ke_account *account, u32 len);

/*
 * An account caches one free object of class 0: a queue that is emptied as fast as it is filled
 * needs no more. The spare is not charged, because no account has more than one.
 */
static inline struct ke_event *ke_event_take_spare(struct ke_account *account)
{
	return READ_ONCE(account->spare) ? xchg(&account->spare, NULL) : NULL;
}

/* Caches the object of @event, which is of class 0. Returns false if there is a spare already. */
static inline bool ke_event_keep_spare(struct ke_event *event)
{
	struct ke_account *account = event->account;

	return !READ_ONCE(account->spare) && !cmpxchg(&account->spare, NULL, event);
}

/*
 * Initialises a newly allocated event, for which @bytes have been charged to @account. @pid and
 * @cred are those of the calling process. Consumes a reference to @pid.
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
 * Returns a new event of the calling process with room for @len bytes. The caller has charged
 * ke_event_bytes() to @account, and uncharges it on failure. May sleep. Returns -ENOMEM, or
 * -EINTR after a fatal signal.
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

/* Events created in one step; bounded, because callers keep arrays of them on the stack. */
#define KE_EVENT_BULK		(BITS_PER_LONG / 4U)
#define KE_EVENT_BULK_SIZE	(KE_EVENT_HEAD_SIZE + KE_EVENT_UNIT_SIZE) /* one unit at most */

/*
 * Charges the account of @identity for @n events and allocates them, for ke_event_begin(). All
 * have @len bytes, at most KE_EVENT_BULK_SIZE; for inline events, the same class is enough.
 * Takes @n references to the PID of the calling process. @waits is that of ke_charge(). May
 * sleep. Returns false with nothing done on any failure: the caller then creates them one by one.
 */
bool ke_event_create_bulk(u32 len, unsigned int n, const struct ke_identity *identity,
			  bool waits, struct ke_event **events);

/* Frees the object and the segments of @event. */
void ke_event_free_memory(struct ke_event *event);

/* Frees and uncharges @event, which is in no list or tree. */
static inline void ke_event_free(struct ke_event *event)
{
	struct ke_account *account = event->account;
	const unsigned long bytes = event->bytes;

	put_pid(event->pid);
	if (event->len > KE_EVENT_SMALL_SIZE || !ke_event_keep_spare(event))
		ke_event_free_memory(event);
	ke_uncharge(account, bytes);
}

/* Slow path of ke_event_free_list(): several events. */
void __ke_event_free_list(struct hlist_head *events);

/* Frees the events of a dispose list and empties it. May sleep. */
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
