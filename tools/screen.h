/* SPDX-License-Identifier: GPL-2.0-only */
/* The live screen of `kevents top`. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>

#include "sample.h"

struct view {
	enum order order;
	bool reversed;
	bool busy_only;		/* hide IDs without events, waiters and traffic */
	bool paused;
	bool help;
	bool typing;		/* keys edit the filter */
	char filter[32];
	int first;		/* index of the row at the top */
	int interval_ms;
};

/*
 * Sets up the terminal. Returns false after printing a diagnostic if that fails, and must
 * otherwise be followed by screen_end().
 */
bool screen_begin(void);
void screen_end(void);

/* Draws everything, and limits view->first so that the rows fill the screen. */
void screen_draw(struct view *view, const struct sample *sample);

/* Returns how many rows of IDs fit on the screen. */
int screen_rows(void);

/* Returns a key, or -1 if none came in time. A timeout_ms of -1 waits for ever. */
int screen_key(int timeout_ms);

#endif /* SCREEN_H */
