/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_SINK_H
#define KE_SINK_H

#include <linux/types.h>

#include "event.h"

struct iov_iter;

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

/* Shows @event, of @id, to the calling process; 0, -EMSGSIZE or -EFAULT. */
int ke_sink_show(struct ke_sink *sink, const struct ke_event *event, s32 id,
		 enum ke_copy how);

/* The event that was shown last is not handed out after all. */
void ke_sink_undo(struct ke_sink *sink);

/*
 * Makes it likely that a later KE_COPY_ATOMIC finds the pages there, without
 * changing what they hold.
 */
void ke_sink_prefault(const struct ke_sink *sink);

#endif /* KE_SINK_H */
