/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IDs that a worker receives from. The event of a failed job goes back to its place,
 * the first one of its ID. Receiving it again at once would retry without a pause, and
 * receiving another one would break the order. So the ID pauses, and longer after each
 * failure in a row.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

#include "ids.h"

#define PAUSE_MAX_MS	60000	/* unless the first pause is longer */

struct source {
	int id;
	unsigned int failures;	/* in a row */
	int64_t resume_at;	/* end of the pause, by now_ms(); 0: no pause */
};

struct sources {
	kevents_ctx *ctx;	/* watches the IDs that do not pause */
	struct source *list;
	int count;
	uint64_t pause_ms;	/* the first pause */
};

/* ctx must watch all ids already. The caller frees sources with sources_free(). */
void sources_init(struct sources *sources, kevents_ctx *ctx, const struct ids *ids,
		  uint64_t pause_ms);
void sources_free(struct sources *sources);

void source_succeeded(struct sources *sources, int id);
/* Starts a pause of at least least_ms, unless the ID pauses already. */
void source_failed(struct sources *sources, int id, uint64_t least_ms);

/* Ends the pauses that are over. Returns the end of the next one, or INT64_MAX. */
int64_t sources_resume(struct sources *sources);

/* Returns whether an event waits under any of the IDs, paused or not. */
bool sources_wait(const struct sources *sources);

#endif /* SOURCE_H */
