/* SPDX-License-Identifier: GPL-2.0-only */
/* What a screen shows: all IDs and the limits at one time, and what changed since. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

struct row {
	struct ke_stat stat;
	double sent;		/* a second, since the sample before; */
	double received;	/* 0 in the first one */
};

struct sample {
	struct ke_limits limits;
	struct row *rows;	/* count of them, by ID */
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

/* "backlog", "rate", ...; NULL behind the last one. */
extern const char *const order_names[ORDERS + 1];

/* Replaces sample by a new one. Returns 0 or an error of the library. */
int sample_take(kevents_ctx *ctx, struct sample *sample);
void sample_free(struct sample *sample);

/* Largest first, but for BY_ID; rows that are alike by ID. */
void rows_sort(struct row **rows, int count, enum order order, bool reversed);

/* Whether text occurs in the row's ID or in the name of its owner. */
bool row_matches(const struct row *row, const char *text);

#endif /* SAMPLE_H */
