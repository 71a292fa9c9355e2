/* SPDX-License-Identifier: GPL-2.0-only */
/* Being somebody else than root, for children of a test. */
#ifndef USER_H
#define USER_H

#include <sys/types.h>

/* A user, or group, that no other test has. */
uid_t fresh_user(void);

/* Makes the process one of this user and group, who may open the device. */
void user_become(uid_t uid, gid_t gid);

/* The same with one more group. */
void user_become_member(uid_t uid, gid_t gid, gid_t other);

/* Opens ke anew. */
void user_reopen(void);

/* Takes a capability (CAP_*) from the process. */
void user_drop(int capability);

/* Takes the process to a new network namespace, and opens ke anew there. */
void user_enter_own_netns(void);

/* Makes the process root of a new user namespace, and of a new network namespace. */
void user_enter_own_namespaces(void);

#endif /* USER_H */
