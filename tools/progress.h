/* SPDX-License-Identifier: GPL-2.0-only */
/* How far something has come, on standard error if that is a terminal and it takes long. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;
	uint64_t total;
	int64_t next_at;	/* when to draw again, by now_ms() */
	bool drawn;
};

struct progress progress_start(const char *what, uint64_t total);

/* Cheap enough for each step. */
void progress_to(struct progress *progress, uint64_t done);

/* Takes the bar away; to be called before anything else is said. */
void progress_end(struct progress *progress);

#endif /* PROGRESS_H */
