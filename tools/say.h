/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes to standard error, and what the command ends with then. */
#ifndef SAY_H
#define SAY_H

#include <kevents.h>

#include "verb.h"

/* What every diagnostic begins with; lives as long as the program. */
void say_name(const char *name);

/* A diagnostic; a newline is added. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, followed by what errno means. Returns REFUSED. */
int say_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The same, followed by what err of the library means. Returns the status that
 * goes with it; says nothing where that is NOTHING.
 */
int say_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what is wrong with the command line and ends the program. */
void wrong_usage(const struct verb *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* Opens the device, or says why not and ends the program. */
void open_client(kevents_ctx *ctx);

/*
 * Flushes standard output. Returns DONE, or REFUSED after saying that what was
 * printed got lost.
 */
int close_output(void);

/* Allocates; ends the program where there is no memory. */
void *must_alloc(size_t size);
void *must_resize(void *old, size_t size);

#endif /* SAY_H */
