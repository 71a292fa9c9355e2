/* SPDX-License-Identifier: GPL-2.0-only */
/* Diagnostics on standard error, and the exit statuses that go with them. */
#ifndef SAY_H
#define SAY_H

#include <kevents.h>

#include "verb.h"

/* Sets the prefix of every diagnostic. name must stay valid. */
void say_name(const char *name);

/* Prints a diagnostic and a newline. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like say(), followed by the text for errno. Returns REFUSED. */
int say_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Like say(), followed by the text for err, an error of the library. Returns the exit
 * status for err, and prints nothing if that is NOTHING.
 */
int say_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints what is wrong with the command line, and exits. */
void usage_error(const struct verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* Opens the device. Prints a diagnostic and exits if that fails. */
void open_client(kevents_ctx *ctx);

/*
 * Flushes standard output. Returns DONE, or REFUSED after printing a diagnostic if output
 * was lost.
 */
int close_output(void);

/* Both exit if there is no memory. xzalloc() returns zeroed memory. */
void *xzalloc(size_t size);
void *xrealloc(void *old, size_t size);

#endif /* SAY_H */
