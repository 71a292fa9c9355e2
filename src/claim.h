/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLAIM_H
#define KE_CLAIM_H

#include <linux/types.h>
#include <linux/uidgid.h>

#include "identity.h"
#include "quota.h"

/* To whom an ID belongs and who may use it; the lock of its queue. */
struct ke_claim {
	bool held;
	umode_t mode;			/* as a file's: 0666 at most */
	kuid_t uid;
	kgid_t gid;
};

enum ke_access {
	KE_ACCESS_RECEIVE = 04,
	KE_ACCESS_SEND = 02,
};

/* The same as ke_claim_allows(), of a claim that is held. */
bool ke_claim_held_allows(const struct ke_claim *claim,
			  const struct ke_identity *identity, enum ke_access access);

/* Whether @identity may use an ID with @claim. */
static inline bool ke_claim_allows(const struct ke_claim *claim,
				   const struct ke_identity *identity,
				   enum ke_access access)
{
	if (likely(!claim->held))
		return !READ_ONCE(ke_limits.strict);
	return ke_claim_held_allows(claim, identity, access);
}

/* Whether it may change or end a @claim that is held. */
bool ke_claim_is_ours(const struct ke_claim *claim,
		      const struct ke_identity *identity);

#endif /* KE_CLAIM_H */
