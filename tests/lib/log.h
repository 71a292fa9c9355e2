/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel log, from a mark on. */
#ifndef LOG_H
#define LOG_H

void log_mark(void);

/*
 * Fails the test if the log has a splat since the mark, or since the last call of
 * this ($KEVENTS_SPLATS or /etc/splats says how they look), or anything of the
 * module's that is a warning or worse.
 */
void log_assert_clean(void);

/* The kernel may complain about the module in this test; a splat still fails it. */
void log_allow_complaints(void);

#endif /* LOG_H */
