/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of users and groups. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <sys/types.h>

#define NAMES_TEXT 80	/* size of the buffer of owner_name() */

/* Writes USER:GROUP, with a number for an ID that has no name. Returns text. */
const char *owner_name(char text[NAMES_TEXT], uid_t uid, gid_t gid);

/*
 * Reads USER, USER:GROUP or :GROUP, each a name or a number, and splits text at the colon.
 * USER without a group sets gid to the user's own group, if the user is known. An ID that
 * is not given stays as it is. Returns NULL, or the part that is not a user or a group.
 */
const char *parse_owner(char *text, uid_t *uid, gid_t *gid);

#endif /* NAMES_H */
