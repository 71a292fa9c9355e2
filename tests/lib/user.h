/* SPDX-License-Identifier: GPL-2.0-only */
/* Being somebody else than root, for children of a test. */
#ifndef USER_H
#define USER_H

#include <kevents.h>
#include <sys/types.h>

/* A user, or group, that no other test has. */
uid_t fresh_user(void);

/*
 * Makes the process one of this user and group, who may open the device, and opens ke
 * anew: a client is judged and charged as the user that opened it.
 */
void user_become(uid_t uid, gid_t gid);

/* The same with one more group. */
void user_become_member(uid_t uid, gid_t gid, gid_t other);

/* The same without opening it: ke goes on as whose it was. */
void user_change(uid_t uid, gid_t gid);

/* Opens ke anew. */
void user_reopen(void);

/* Opens a client of this user and its group, without capabilities; the process stays root. */
void user_open(kevents_ctx *client, uid_t uid);

/* Takes a capability (CAP_*) from the process, not from clients that are open. */
void user_drop(int capability);

/* Takes the process to a new network namespace, and opens ke anew there. */
void user_enter_own_netns(void);

/* Makes the process root of a new user namespace. */
void user_enter_own_user_namespace(void);

/* The same, takes it to a new network namespace there, and opens ke anew in that. */
void user_enter_own_namespaces(void);

#endif /* USER_H */
