// SPDX-License-Identifier: GPL-2.0-only
#include "wish.h"

#include <linux/bitops.h>
#include <linux/hash.h>

#include "quota.h"

static unsigned int bit_of(s32 id)
{
	return hash_32(id, KE_WISH_ORDER);
}

void ke_wishes_init(struct ke_wishes *wishes)
{
	wishes->any = false;
	bitmap_zero(wishes->ids, 1 << KE_WISH_ORDER);
}

void ke_wishes_add(struct ke_wishes *wishes, s32 id, struct ke_room *room)
{
	WRITE_ONCE(wishes->any, true);
	atomic_set(&room->wants_id, 1);
	/* Who finds the bit finds the room. */
	smp_mb__before_atomic();
	set_bit(bit_of(id), wishes->ids);
	/* Before the look at the queue: pairs with its lock, or its creation. */
	smp_mb__after_atomic();
}

void ke_wishes_tell_of(struct ke_wishes *wishes, s32 id)
{
	if (test_bit(bit_of(id), wishes->ids) && test_and_clear_bit(bit_of(id), wishes->ids))
		ke_quota_retry_ids();
}
