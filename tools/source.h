/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IDs that a worker takes events from. After a job failed, its event is back
 * in its place, the first one. Taking it again at once would make it run without
 * a pause, and taking another one would break the order: so nothing is taken
 * from that ID for a while, longer after each failure in a row.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

#include "ids.h"

#define PAUSE_MAX_MS	60000	/* unless the first one is longer */

struct source {
	int id;
	unsigned int failures;	/* in a row */
	int64_t resume_at;	/* 0: it does not pause; else when by now_ms() it ends */
};

struct sources {
	kevents_ctx *ctx;	/* watches those that do not pause */
	struct source *list;
	int count;
	uint64_t pause_ms;	/* the first one */
};

/* Of IDs that ctx watches; sources_free() frees it. */
void sources_init(struct sources *sources, kevents_ctx *ctx, const struct ids *ids,
		  uint64_t pause_ms);
void sources_free(struct sources *sources);

void source_succeeded(struct sources *sources, int id);
/* Begins a pause, of at least least_ms. */
void source_failed(struct sources *sources, int id, uint64_t least_ms);

/* Ends the pauses that are over. Returns when the next one is, or INT64_MAX. */
int64_t sources_resume(struct sources *sources);

/* Whether an event waits in any of them, one that pauses included. */
bool sources_wait(const struct sources *sources);

#endif /* SOURCE_H */
