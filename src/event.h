/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_EVENT_H
#define KE_EVENT_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct iov_iter;
struct ke_deadline;
struct ke_lessee;
struct ke_queue;
struct ke_user;
struct pid;

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
		struct list_head entry;	/* waits, or ended */
		struct rb_node node;	/* returned, or leased */
	};
	struct ke_deadline *deadline;	/* NULL: none */
	struct ke_lessee *lessee;	/* who has it; NULL: nobody */
	u32 deliveries;			/* times it was handed out */
	u32 copiers : 24;		/* threads that copy it without the lock */
	u32 state : 8;			/* enum ke_event_state */

	struct ke_queue *queue;		/* alive as long as it holds the event */
	struct ke_user *user;		/* the sender, charged */
	struct pid *pid;
	kgid_t gid;
	u32 len;
	u64 seq;
	u64 sent_ns;
	void *data;			/* payload: inline_data or its own memory */
	u8 inline_data[];
};

/* Where a receive puts an event, in the memory of the calling process. */
struct ke_sink {
	u64 data;			/* address of the payload */
	u64 size;			/* room there */
	bool terminate;			/* with a NUL byte if there is room */
	u64 received;			/* address of a struct kevents_received */
	struct iov_iter *iter;		/* instead of all that: for a record */
	size_t copied;			/* to iter, by the last copy */
	u32 needed;			/* after -EMSGSIZE: length of the payload */
};

enum ke_copy {
	KE_COPY_ATOMIC,			/* -EFAULT where a page is not present */
	KE_COPY_MAY_SLEEP,
};

/* What is charged for an event of @len bytes: with all it may ever need. */
unsigned long ke_event_bytes(u32 len);

/*
 * Returns a new event of the calling process with room for @len bytes, charged
 * to @user; -EMSGSIZE, -EAGAIN, -EDQUOT or -ENOMEM.
 */
struct ke_event *ke_event_create(struct ke_user *user, u64 len);

/* Fills it from an address, or from @iter; 0 or -EFAULT. */
int ke_event_fill(struct ke_event *event, u64 addr);
int ke_event_fill_iter(struct ke_event *event, struct iov_iter *iter);

void ke_event_free(struct ke_event *event);

/* Frees @event, which has never been in a queue. */
void ke_event_discard(struct ke_event *event);

/* Frees those that are linked by entry. */
void ke_event_free_list(struct list_head *events);

/*
 * Accepts @event as number @seq and tells the sender, who wants to know it at
 * the address @seq_addr unless that is 0. -EFAULT if that cannot be written.
 */
int ke_event_stamp(struct ke_event *event, u64 seq, u64 seq_addr,
		   enum ke_copy how);

/* Shows @event to the calling process; 0, -EMSGSIZE or -EFAULT. */
int ke_event_copy_out(const struct ke_event *event, s32 id,
		      struct ke_sink *sink, enum ke_copy how);

/* The event that was copied last is not handed out after all. */
void ke_event_copy_undo(struct ke_sink *sink);

/*
 * Makes it likely that a later KE_COPY_ATOMIC to @sink finds its pages there,
 * without changing what they hold.
 */
void ke_event_prefault(const struct ke_sink *sink);

int ke_event_init(void);
void ke_event_exit(void);

#endif /* KE_EVENT_H */
