/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_WISH_H
#define KE_WISH_H

#include <linux/bitmap.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct ke_room;

#define KE_WISH_ORDER 10	/* 1 << that many bits */

/*
 * IDs that senders, or who polls for them, were refused: they are to try again when
 * such an ID has come to cost them nothing, because others use it or who waits there
 * is charged for it.
 */
struct ke_wishes {
	bool any;			/* there was one; what must be quick asks this */
	DECLARE_BITMAP(ids, 1 << KE_WISH_ORDER);	/* lock map: broker.c; several IDs a bit */
};

void ke_wishes_init(struct ke_wishes *wishes);

/* Who wants @room wants @id, too. Comes before the look at its queue. */
void ke_wishes_add(struct ke_wishes *wishes, s32 id, struct ke_room *room);

/* The same as ke_wishes_tell() where there was a wish. */
void ke_wishes_tell_of(struct ke_wishes *wishes, s32 id);

/* @id, whose queue is locked, may cost less than it did. */
static inline void ke_wishes_tell(struct ke_wishes *wishes, s32 id)
{
	if (unlikely(READ_ONCE(wishes->any)))
		ke_wishes_tell_of(wishes, id);
}

#endif /* KE_WISH_H */
