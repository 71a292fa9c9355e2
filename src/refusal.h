/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_REFUSAL_H
#define KE_REFUSAL_H

#include <linux/compiler.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "quota.h"

/*
 * What an open file knows of sends that were refused, for poll. Only the latest
 * refusal is known, and ends with the next send that goes.
 */
struct ke_refusal {
	spinlock_t lock;		/* lock map: broker.c */
	struct ke_room *room;		/* lock: of the account, or of all; or NULL */
	int since;			/* lock: ke_room_came() there */
	struct ke_poller poller;
};

/* Of a file that is charged to @user, which outlives it. */
void ke_refusal_init(struct ke_refusal *refusal, struct ke_user *user,
		     wait_queue_head_t *wait);

/* A send found no room in @room, and none came until @since. */
void ke_refusal_note(struct ke_refusal *refusal, struct ke_room *room, int since);

/*
 * Whether a send was refused and no room came since. If so, who polls is woken
 * when some comes.
 */
bool ke_refusal_stands(struct ke_refusal *refusal);

/* The same as ke_refusal_forget() if there is one. */
void ke_refusal_end(struct ke_refusal *refusal);

/* By the time it is read there may be another one. */
static inline bool ke_refusal_is_noted(const struct ke_refusal *refusal)
{
	return READ_ONCE(refusal->room);
}

/* A send went: there is room, and poll says so. */
static inline void ke_refusal_forget(struct ke_refusal *refusal)
{
	if (unlikely(ke_refusal_is_noted(refusal)))
		ke_refusal_end(refusal);
}

#endif /* KE_REFUSAL_H */
