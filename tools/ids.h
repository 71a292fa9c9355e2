/* SPDX-License-Identifier: GPL-2.0-only */
/* The IDs that a command line names, or those in use. */
#ifndef IDS_H
#define IDS_H

#include <kevents.h>

#include "args.h"

struct ids {
	int *list;
	int count;
};

/* The operands in order, each once; ends the program where one is no ID. ids_free() frees them. */
struct ids ids_named(const struct args *args);

/* Those in use, in order; returns an error of ke_list(). ids_free() frees them. */
int ids_in_use(kevents_ctx *ctx, struct ids *ids);

/* Watches them all; returns DONE, or an enum status after saying what is wrong. */
int ids_watch(kevents_ctx *ctx, const struct ids *ids);

void ids_free(struct ids *ids);

#endif /* IDS_H */
