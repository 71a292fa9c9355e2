/* SPDX-License-Identifier: GPL-2.0-only */
/* Users and groups by name. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <sys/types.h>

#define NAMES_TEXT 80	/* room for what owner_name() writes */

/* Writes USER:GROUP, by number where there is no name; returns text. */
const char *owner_name(char text[NAMES_TEXT], uid_t uid, gid_t gid);

/*
 * Reads USER, USER:GROUP or :GROUP, by name or number, cutting text in two; USER
 * without a group brings its own if it is known. Leaves alone what is not given. Returns NULL,
 * or what is neither user nor group.
 */
const char *parse_owner(char *text, uid_t *uid, gid_t *gid);

#endif /* NAMES_H */
