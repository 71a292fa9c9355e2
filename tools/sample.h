/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of all IDs and the limits at one time, and the rates since the last sample. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

struct row {
	struct ke_stat stat;
	double sent;		/* events per second since the last sample, */
	double received;	/* 0 in the first sample */
};

struct sample {
	struct ke_limits limits;
	struct row *rows;	/* count of them, sorted by ID */
	int count;
	int64_t at;		/* by now_ms() */
};

enum order {
	BY_BACKLOG,
	BY_RATE,
	BY_ID,
	BY_LEASES,
	BY_WAITERS,
	BY_MEMORY,
	ORDERS,
};

/* "backlog", "rate", ..., indexed by enum order and NULL-terminated. */
extern const char *const order_names[ORDERS + 1];

/* Replaces sample with a new one. Returns 0, or an error of the library without doing so. */
int sample_take(kevents_ctx *ctx, struct sample *sample);
void sample_free(struct sample *sample);

/*
 * Sorts the largest first, but IDs in ascending order; reversed turns the order around.
 * Rows with equal keys are always in ascending order of ID.
 */
void rows_sort(struct row **rows, int count, enum order order, bool reversed);

/* Returns whether text occurs in the ID or in the name of its owner. */
bool row_matches(const struct row *row, const char *text);

#endif /* SAMPLE_H */
