/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who opens the files of a sequence and makes its calls, and what the module's parameters
 * let them.
 */
#ifndef USER_H
#define USER_H

#include <stdbool.h>
#include <sys/types.h>

/* Root has all capabilities; the others have none, and their group in common. */
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

/* One parameter at a time has another value than the default. */
enum setting {
	DEFAULT,
	STRICT,
	FULL,		/* no byte is left for anybody */
	FEW_BYTES,	/* for a user */
	SETTINGS,
};

#define BYTES_FEW 4000

extern enum setting setting;

/* Before the first round. */
void settings_begin(void);

/* The parameters are set so; as root. */
void setting_make(enum setting new);

#endif /* USER_H */
