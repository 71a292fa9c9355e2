// SPDX-License-Identifier: GPL-2.0-only
#include "identity.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/user_namespace.h>

void ke_identity_init(struct ke_identity *identity, const struct cred *cred,
		      struct user_namespace *ns)
{
	/* Unlike file_ns_capable(), ns_capable_noaudit() does not log each denial. */
	const struct cred *old = override_creds(cred);

	identity->cred = cred;
	identity->passes_claims = ns_capable_noaudit(ns, CAP_IPC_OWNER);
	identity->passes_limits = ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
	revert_creds(old);
}
