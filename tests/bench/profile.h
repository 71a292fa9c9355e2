/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KEVENTS_BENCH_PROFILE_H
#define KEVENTS_BENCH_PROFILE_H

#include "line.h"

/*
 * Sends and receives between marks, so that the counts of the two can be told
 * from each other, and prints whose they are and what to divide them by.
 */
void profile_line(const struct line_kind *kind, size_t size);

#endif /* KEVENTS_BENCH_PROFILE_H */
