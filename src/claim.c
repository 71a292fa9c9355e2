// SPDX-License-Identifier: GPL-2.0-only
#include "claim.h"

#include <linux/capability.h>
#include <linux/cred.h>

bool ke_claim_is_ours(const struct ke_claim *claim, struct user_namespace *ns)
{
	return uid_eq(current_euid(), claim->uid) ||
	       ns_capable_noaudit(ns, CAP_IPC_OWNER);
}

bool ke_claim_held_allows(const struct ke_claim *claim,
			  struct user_namespace *ns, enum ke_access access)
{
	umode_t mode = claim->mode;

	if (uid_eq(current_euid(), claim->uid))
		mode >>= 6;
	else if (in_egroup_p(claim->gid))
		mode >>= 3;
	return mode & access || ns_capable_noaudit(ns, CAP_IPC_OWNER);
}
