/* SPDX-License-Identifier: GPL-2.0-only */
/* The live screen of `kevents top`. */
#ifndef SCREEN_H
#define SCREEN_H

#include <stdbool.h>

#include "sample.h"

struct view {
	enum order order;
	bool reversed;
	bool busy_only;		/* no IDs at which nothing is and nothing happens */
	bool paused;
	bool help;
	bool typing;		/* the filter */
	char filter[32];
	int first;		/* row at the top */
	int interval_ms;
};

/* Takes the terminal; false after saying why not. screen_end() gives it back. */
bool screen_begin(void);
void screen_end(void);

/* Draws it all; keeps view->first where there are rows. */
void screen_draw(struct view *view, const struct sample *sample);

/* Rows of IDs that fit. */
int screen_rows(void);

/* Waits for a key, at most so long; -1 if none came. */
int screen_key(int timeout_ms);

#endif /* SCREEN_H */
