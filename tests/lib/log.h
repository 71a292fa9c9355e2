/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log, from a mark on. */
#ifndef LOG_H
#define LOG_H

void log_mark(void);

/*
 * Fails the test if the log has a splat, or a warning or worse from the module, since the
 * mark or the last call. $KEVENTS_SPLATS or /etc/splats has the patterns of splats.
 */
void log_assert_clean(void);

/* Allows warnings from the module in this test. A splat still fails it. */
void log_allow_complaints(void);

#endif /* LOG_H */
