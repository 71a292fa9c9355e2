/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_EVENT_H
#define KE_EVENT_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/timerqueue.h>
#include <linux/types.h>

struct iov_iter;
struct ke_lessee;
struct ke_queue;
struct ke_sender;

enum ke_event_state {
	KE_EVENT_WAITS,			/* in its queue, never handed out */
	KE_EVENT_RETURNED,		/* in its queue, handed out before */
	KE_EVENT_LEASED,		/* with a client */
	KE_EVENT_ENDED,			/* nowhere: to be freed */
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
	u32 copiers : 24;		/* threads that copy it without the lock */
	u32 state : 8;			/* enum ke_event_state */

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

/* What is charged for an event of @len bytes, with all it may ever need. */
unsigned long ke_event_bytes(u32 len);

/*
 * Returns a new event from @sender, whose reference it takes over, with room for
 * @len bytes, charged to the sender's user; -EAGAIN, -EDQUOT or -ENOMEM, and then
 * the reference is still the caller's.
 */
struct ke_event *ke_event_create(struct ke_sender *sender, u32 len);

/* Bytes of payload for which the smallest events have room. */
#define KE_EVENT_SMALL_SIZE	64U

/* The same as ke_event_payload() for more than that. */
void *ke_event_large_payload(const struct ke_event *event);

static inline void *ke_event_payload(const struct ke_event *event)
{
	return event->len <= KE_EVENT_SMALL_SIZE ? (void *)event->payload :
	       ke_event_large_payload(event);
}

/* Fills it from an address, or from @iter; 0 or -EFAULT. */
int ke_event_fill(struct ke_event *event, u64 addr);
int ke_event_fill_iter(struct ke_event *event, struct iov_iter *iter);

void ke_event_free(struct ke_event *event);

/* The same as ke_event_free_list() where there are any. */
void ke_event_free_all(struct hlist_head *events);

/* Frees those that are linked by entry. */
static inline void ke_event_free_list(struct hlist_head *events)
{
	if (!hlist_empty(events))
		ke_event_free_all(events);
}

/*
 * Tells the calling process, which sent it, that an event got number @seq; it
 * wants to know at the address @addr unless that is 0. 0 or -EFAULT.
 */
int ke_event_tell_seq(u64 seq, u64 addr, enum ke_copy how);

int ke_event_init(void);
void ke_event_exit(void);

#endif /* KE_EVENT_H */
