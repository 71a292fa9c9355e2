/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_PAYER_H
#define KE_PAYER_H

#include <linux/list.h>
#include <linux/types.h>

struct ke_charge;
struct ke_identity;
struct ke_user;

/* One who keeps a thing: who watches it, or a call that comes back to it. */
struct ke_holder {
	struct list_head entry;		/* in ke_payer.holders, by its lock */
	struct ke_user *user;		/* who pays for the thing if need be; outlives it */
};

/*
 * Who is charged for a thing, and who keep it. All of this, and what is called for it,
 * lies under the lock of the thing.
 */
struct ke_payer {
	struct ke_user *user;		/* a reference */
	struct list_head holders;	/* in the order they came */
	u32 own;			/* at least so many of them are of user */
	bool unchecked;			/* user may be over its limits because of it */
};

/* @user has been charged. */
void ke_payer_init(struct ke_payer *payer, struct ke_user *user);

/* Nobody is charged @charge any more. */
void ke_payer_end(struct ke_payer *payer, struct ke_charge charge);

/* Charges @charge to @identity instead; 0, -EAGAIN or -EDQUOT. */
int ke_payer_change(struct ke_payer *payer, const struct ke_identity *identity,
		    struct ke_charge charge);

/*
 * Whether @identity, which was charged whatever its limits, is within them now: 0, or
 * -EDQUOT.
 */
int ke_payer_confirm(struct ke_payer *payer, const struct ke_identity *identity);

/*
 * Charges @charge, for what is held and of no other use, to one of the holders: who is
 * charged already, or who has held it for longest, whatever the limits. Nobody has to
 * pay for ever for what others keep. Returns whether somebody else is charged now.
 */
bool ke_payer_settle(struct ke_payer *payer, struct ke_charge charge);

void ke_payer_add(struct ke_payer *payer, struct ke_holder *holder);
void ke_payer_remove(struct ke_payer *payer, struct ke_holder *holder);

static inline bool ke_payer_is_held(const struct ke_payer *payer)
{
	return !list_empty(&payer->holders);
}

/* Whether who is charged is known to be one of the holders. */
static inline bool ke_payer_is_settled(const struct ke_payer *payer)
{
	return payer->own;
}

#endif /* KE_PAYER_H */
