/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IDs that a worker receives from. The event of a failed job goes back to its place,
 * the first one of its ID. Receiving it again at once would retry without a pause, and
 * receiving another one would break the order. So the ID pauses, and longer after each
 * failure in a row.
 */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

#include "ids.h"

#define PAUSE_MAX_MS	60000	/* unless the first pause is longer */

struct backoff_id {
	int id;
	unsigned int failures;	/* in a row */
	int64_t resume_at;	/* end of the pause, by now_ms(); 0: no pause */
};

struct backoff {
	kevents_ctx *ctx;	/* watches the IDs that do not pause */
	struct backoff_id *list;
	int count;
	uint64_t pause_ms;	/* the first pause */
};

/* ctx must watch all ids already. The caller frees backoff with backoff_free(). */
void backoff_init(struct backoff *backoff, kevents_ctx *ctx, const struct ids *ids,
		  uint64_t pause_ms);
void backoff_free(struct backoff *backoff);

/* Makes the next pause of the ID the first one again. */
void backoff_reset(struct backoff *backoff, int id);

/* Starts a pause of at least least_ms, unless the ID pauses already. */
void backoff_start(struct backoff *backoff, int id, uint64_t least_ms);

/* Ends the pauses that are over. Returns the end of the next one, or INT64_MAX. */
int64_t backoff_resume(struct backoff *backoff);

/* Returns whether an event waits under any of the IDs, paused or not. */
bool backoff_has_events(const struct backoff *backoff);

#endif /* BACKOFF_H */
