/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLAIM_H
#define KE_CLAIM_H

#include <linux/types.h>
#include <linux/uidgid.h>

#include "account.h"
#include "identity.h"

/* The owner of an ID and the permissions. Protected by the queue's lock. */
struct ke_claim {
	bool held;
	umode_t mode;			/* like that of a file, at most 0666 */
	kuid_t uid;
	kgid_t gid;
	struct ke_account *account;	/* charged account, if held */
	unsigned long bytes;		/* charged to account */
};

enum ke_access {
	KE_ACCESS_RECEIVE = 04,
	KE_ACCESS_SEND = 02,
};

/* Slow path of ke_claim_allows(): the claim is held. */
bool __ke_claim_allows(const struct ke_claim *claim,
		       const struct ke_identity *identity, enum ke_access access);

/*
 * Whether @identity may use an ID with @claim. If the claim is not held, any identity may,
 * except when only claimed IDs may be used.
 */
static inline bool ke_claim_allows(const struct ke_claim *claim,
				   const struct ke_identity *identity,
				   enum ke_access access)
{
	if (likely(!claim->held))
		return !READ_ONCE(ke_limits.strict);
	return __ke_claim_allows(claim, identity, access);
}

/*
 * Makes the effective user of @identity the owner of @claim, which is not held, and charges
 * @bytes. The caller sets the mode. Returns 0, -EAGAIN or -EDQUOT.
 */
int ke_claim_begin(struct ke_claim *claim, const struct ke_identity *identity,
		   unsigned long bytes);

/* Uncharges @claim if it is held. @claim may be a copy from before the claim ended. */
void ke_claim_uncharge(const struct ke_claim *claim);

/* Whether @identity may change or end @claim, which is held. */
bool ke_claim_is_ours(const struct ke_claim *claim,
		      const struct ke_identity *identity);

#endif /* KE_CLAIM_H */
