// SPDX-License-Identifier: GPL-2.0-only
#include "claim.h"

#include <linux/cred.h>

bool ke_claim_is_ours(const struct ke_claim *claim,
		      const struct ke_identity *identity)
{
	return uid_eq(identity->cred->euid, claim->uid) || identity->passes_claims;
}

/* in_egroup_p() checks the current credentials only; groups_search() is not exported. */
static bool is_member(const struct cred *cred, kgid_t gid)
{
	const struct cred *old = override_creds(cred);
	bool is_in = in_egroup_p(gid);

	revert_creds(old);
	return is_in;
}

bool __ke_claim_allows(const struct ke_claim *claim,
		       const struct ke_identity *identity, enum ke_access access)
{
	umode_t mode = claim->mode;

	if (uid_eq(identity->cred->euid, claim->uid))
		mode >>= 6;
	else if (is_member(identity->cred, claim->gid))
		mode >>= 3;
	return mode & access || identity->passes_claims;
}

int ke_claim_begin(struct ke_claim *claim, const struct ke_identity *identity,
		   unsigned long bytes)
{
	int err = ke_charge(identity, bytes, false);

	if (err)
		return err;
	claim->account = identity->account;
	claim->bytes = bytes;
	claim->uid = identity->cred->euid;
	claim->gid = identity->cred->egid;
	claim->held = true;
	return 0;
}

void ke_claim_uncharge(const struct ke_claim *claim)
{
	if (claim->held)
		ke_uncharge(claim->account, claim->bytes);
}
