// SPDX-License-Identifier: GPL-2.0-only
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program = "kevents";

void say_name(const char *name)
{
	program = name;
}

/* Jobs share standard error, so each line is written in one piece. */
__attribute__((format(printf, 1, 0)))
static void write_line(const char *format, va_list args, const char *reason)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	if (reason)
		fprintf(stderr, "%s: %s: %s\n", program, text, reason);
	else
		fprintf(stderr, "%s: %s\n", program, text);
	fflush(stderr);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args, NULL);
	va_end(args);
}

int say_errno(const char *format, ...)
{
	const char *reason = strerror(errno);
	va_list args;

	va_start(args, format);
	write_line(format, args, reason);
	va_end(args);
	return REFUSED;
}

static int status_of(int err)
{
	switch (err) {
	case -ENOMSG:
	case -ETIMEDOUT:
		return NOTHING;
	case -ENXIO:
	case -EPROTONOSUPPORT:
		return NO_DEVICE;
	default:
		return REFUSED;
	}
}

int say_error(int err, const char *format, ...)
{
	int status = status_of(err);
	va_list args;

	if (status == NOTHING)
		return status;
	va_start(args, format);
	write_line(format, args, ke_strerror(err));
	va_end(args);
	return status;
}

void usage_error(const struct verb *verb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args, NULL);
	va_end(args);
	if (verb)
		fprintf(stderr, "Usage: kevents %s %s\nTry 'kevents %s --help'.\n", verb->name,
			verb->synopsis, verb->name);
	else
		fputs("Try 'kevents --help'.\n", stderr);
	exit(USAGE);
}

void open_client(kevents_ctx *ctx)
{
	const char *device = getenv("KEVENTS_DEVICE");
	int err = ke_init(ctx);

	if (!device || !*device)
		device = "/dev/kevents";
	switch (err) {
	case 0:
		return;
	case -ENOENT:
		say("%s does not exist: load the module with 'modprobe kevents'", device);
		break;
	case -EACCES:
	case -EPERM:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EINTR:
		exit(say_error(err, "%s", device));
	default:
		say("%s: %s", device, ke_strerror(err));
	}
	say("run 'kevents doctor' to find the reason");
	exit(NO_DEVICE);
}

int close_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return DONE;
	return say_errno("standard output");
}

void *xrealloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (memory)
		return memory;
	say_error(-ENOMEM, "%zu bytes", size);
	exit(REFUSED);
}

void *xzalloc(size_t size)
{
	return memset(xrealloc(NULL, size), 0, size);
}
