/* SPDX-License-Identifier: GPL-2.0-only */
/* What of the benchmark was asked for. */
#ifndef KEVENTS_BENCH_CHOICE_H
#define KEVENTS_BENCH_CHOICE_H

#include <stdbool.h>

/* Patterns as of fnmatch(3), up to a NULL; none choose everything. */
void choice_set(char **patterns);

/* Whether the figure WORK/WHO/PARAMETER is wanted. */
bool wanted(const char *work, const char *who, long parameter);

#endif /* KEVENTS_BENCH_CHOICE_H */
