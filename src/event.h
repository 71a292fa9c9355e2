/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_EVENT_H
#define KE_EVENT_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct pid;

/* Bytes of one payload, a module parameter. */
extern unsigned int ke_max_event_size;

/*
 * A message. All but the fields below "lock" is constant from the time the
 * event is in a queue. Owned by its queue while it waits there, then by the
 * receiver that took it.
 */
struct ke_event {
	struct list_head entry;		/* lock of the queue */
	u32 copiers;			/* lock: copy it out without the lock */
	bool gone;			/* lock: taken; the last copier frees it */
	u32 deliveries;			/* lock: times it was handed out before */
	u32 len;
	u64 seq;
	u64 sent_ns;
	s32 id;
	kuid_t uid;
	kgid_t gid;
	struct pid *pid;
	void *data;			/* payload: inline_data or its own memory */
	u8 inline_data[];
};

/* Where a receive puts an event, as addresses in the caller's memory. */
struct ke_sink {
	u64 data;
	u64 size;
	bool terminate;			/* with a NUL byte if there is room */
	u64 received;			/* a struct kevents_received */
	u32 needed;			/* after -EMSGSIZE: length of the payload */
};

enum ke_copy {
	KE_COPY_ATOMIC,			/* -EFAULT where a page is not present */
	KE_COPY_MAY_SLEEP,
};

/*
 * Returns a new event of the calling process with @len bytes copied from the
 * address @data in its memory; -EMSGSIZE, -ENOMEM or -EFAULT.
 */
struct ke_event *ke_event_create(s32 id, u64 data, u64 len);
void ke_event_free(struct ke_event *event);
void ke_event_free_list(struct list_head *events);

/*
 * Accepts @event as number @seq and tells the sender, who wants to know it at
 * the address @seq_addr. -EFAULT if that cannot be written.
 */
int ke_event_stamp(struct ke_event *event, u64 seq, u64 seq_addr,
		   enum ke_copy how);

/* Shows @event to the calling process; 0, -EMSGSIZE or -EFAULT. */
int ke_event_copy_out(const struct ke_event *event, struct ke_sink *sink,
		      enum ke_copy how);

/*
 * Makes it likely that a later KE_COPY_ATOMIC to @sink finds its pages there,
 * without changing what they hold.
 */
void ke_event_prefault(const struct ke_sink *sink);

int ke_event_init(void);
void ke_event_exit(void);

#endif /* KE_EVENT_H */
