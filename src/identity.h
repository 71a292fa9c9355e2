/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_IDENTITY_H
#define KE_IDENTITY_H

#include <linux/types.h>

struct cred;
struct ke_account;
struct user_namespace;

/*
 * The user that an open file acts for: claims and limits judge it, and it is charged,
 * whichever process makes the call. Constant as long as the file is open.
 */
struct ke_identity {
	const struct cred *cred;	/* the file's, by its reference */
	struct ke_account *account;	/* that its real uid counts for */
	bool passes_claims;		/* CAP_IPC_OWNER over the broker's user namespace */
	bool passes_limits;		/* CAP_SYS_RESOURCE in the initial one */
};

/*
 * Fills @identity but for the account. Capabilities over @ns are looked up once: a
 * security policy that is loaded later applies to files that are opened after that.
 */
void ke_identity_init(struct ke_identity *identity, const struct cred *cred,
		      struct user_namespace *ns);

#endif /* KE_IDENTITY_H */
