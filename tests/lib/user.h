/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes the user and the namespaces of a process. */
#ifndef USER_H
#define USER_H

#include <kevents.h>
#include <sys/types.h>

/* Returns a user or group ID that no other test uses. */
uid_t fresh_user(void);

/*
 * Switches the process to this user and group, with permission to open the device, and
 * reopens ke: a client keeps the credentials that opened it.
 */
void user_become(uid_t uid, gid_t gid);

/* Like user_become(), with one more group. */
void user_become_member(uid_t uid, gid_t gid, gid_t other);

/* Like user_become(), but ke keeps its old credentials. */
void user_change(uid_t uid, gid_t gid);

void user_reopen(void);

/* Opens a client of this user and its group, without capabilities; the process stays root. */
void user_open(kevents_ctx *client, uid_t uid);

/* Drops a capability (CAP_*) of the process. Open clients keep it. */
void user_drop(int capability);

/* Moves the process to a new network namespace, and reopens ke there. */
void user_enter_own_netns(void);

/* Makes the process root of a new user namespace. */
void user_enter_own_user_namespace(void);

/* Does both: the new network namespace belongs to the new user namespace. */
void user_enter_own_namespaces(void);

#endif /* USER_H */
