/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The users that open the files of a sequence and make its calls, and the module's
 * parameters.
 */
#ifndef USER_H
#define USER_H

#include <stdbool.h>
#include <sys/types.h>

/* Root has all capabilities. The other users have none, and share a group. */
enum {
	ROOT,
	USERS = 3,
};

struct user {
	uid_t uid;
	gid_t gid;
};

extern struct user users[USERS];
extern unsigned int me;

void users_create(void);
void user_become(unsigned int user);

/* At most one parameter at a time differs from its default. */
enum setting {
	DEFAULT,
	STRICT,
	FULL,		/* no bytes are left for any user */
	FEW_BYTES,	/* for one user */
	SETTINGS,
};

#define BYTES_FEW 4000

extern enum setting setting;

/* Must be called before the first round. */
void settings_begin(void);

/* Sets the parameters. The caller must be root. */
void setting_make(enum setting new);

#endif /* USER_H */
