/* SPDX-License-Identifier: GPL-2.0-only */
/* A progress bar on standard error, for long operations and terminals only. */
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

/* Cheap enough to be called after every step. */
void progress_to(struct progress *progress, uint64_t done);

/* Erases the bar. Must be called before a diagnostic is printed. */
void progress_end(struct progress *progress);

#endif /* PROGRESS_H */
