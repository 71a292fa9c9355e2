/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of IDs: those on the command line, or those in use. */
#ifndef IDS_H
#define IDS_H

#include <kevents.h>

#include "args.h"

struct ids {
	int *list;
	int count;
};

/*
 * Returns the operands in ascending order, without duplicates. Exits if one is not an ID.
 * The caller frees the list with ids_free().
 */
struct ids ids_from_args(const struct args *args);

/*
 * Lists the IDs in use, in ascending order. Returns 0 or an error of ke_list(). The caller
 * frees the list with ids_free() unless there was an error.
 */
int ids_in_use(kevents_ctx *ctx, struct ids *ids);

/*
 * Watches all IDs. Returns DONE, or another exit status after printing a diagnostic, as when
 * the caller may not receive from one of them.
 */
int ids_watch(kevents_ctx *ctx, const struct ids *ids);

void ids_free(struct ids *ids);

#endif /* IDS_H */
