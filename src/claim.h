/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLAIM_H
#define KE_CLAIM_H

#include <linux/types.h>
#include <linux/uidgid.h>

#include "account.h"
#include "identity.h"

/* The owner of an ID and the permissions of others. Covered by the queue's lock. */
struct ke_claim {
	bool held;
	umode_t mode;			/* as a file's: 0666 at most */
	kuid_t uid;
	kgid_t gid;
	struct ke_account *account;	/* that is charged, if held */
	unsigned long bytes;		/* that are charged */
};

enum ke_access {
	KE_ACCESS_RECEIVE = 04,
	KE_ACCESS_SEND = 02,
};

/* Slow path of ke_claim_allows(): the claim is held. */
bool __ke_claim_allows(const struct ke_claim *claim,
		       const struct ke_identity *identity, enum ke_access access);

/* Whether @identity may use an ID with @claim. */
static inline bool ke_claim_allows(const struct ke_claim *claim,
				   const struct ke_identity *identity,
				   enum ke_access access)
{
	if (likely(!claim->held))
		return !READ_ONCE(ke_limits.strict);
	return __ke_claim_allows(claim, identity, access);
}

/*
 * Makes the user of @identity the owner, and charges @bytes; 0, -EAGAIN or -EDQUOT. There
 * is no owner yet.
 */
int ke_claim_begin(struct ke_claim *claim, const struct ke_identity *identity,
		   unsigned long bytes);

/* Uncharges @claim, which has ended, if it was held. */
void ke_claim_uncharge(const struct ke_claim *claim);

/* Whether it may change or end a @claim that is held. */
bool ke_claim_is_ours(const struct ke_claim *claim,
		      const struct ke_identity *identity);

#endif /* KE_CLAIM_H */
