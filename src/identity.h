/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_IDENTITY_H
#define KE_IDENTITY_H

#include <linux/types.h>

struct cred;
struct ke_account;
struct user_namespace;

/*
 * The credentials of an open file. They decide about claims and limits, and select the account
 * that is charged, whichever process makes the call. Constant while the file is open.
 */
struct ke_identity {
	const struct cred *cred;	/* the file's, which holds the reference */
	struct ke_account *account;	/* a reference */
	bool passes_claims;		/* CAP_IPC_OWNER in the broker's user namespace */
	bool passes_limits;		/* CAP_SYS_RESOURCE in the initial user namespace */
};

/*
 * Initialises @identity except for the account. @ns is the user namespace of the broker.
 * Capabilities are checked only here: a security policy that is loaded later affects only
 * files that are opened after that.
 */
void ke_identity_init(struct ke_identity *identity, const struct cred *cred,
		      struct user_namespace *ns);

#endif /* KE_IDENTITY_H */
