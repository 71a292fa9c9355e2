// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

struct account *account;

__attribute__((format(printf, 1, 0))) static void add(const char *format, va_list args)
{
	size_t at = __atomic_load_n(&account->length, __ATOMIC_RELAXED);
	int length;

	if (at >= sizeof(account->text))
		return;
	length = vsnprintf(account->text + at, sizeof(account->text) - at, format, args);
	__atomic_store_n(&account->length, at + (length > 0 ? length : 0), __ATOMIC_RELAXED);
}

void trace(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(format, args);
	va_end(args);
}

void fail(const char *format, ...)
{
	va_list args;

	trace("\nFAILED: ");
	va_start(args, format);
	add(format, args);
	va_end(args);
	_exit(1);
}

long outcome(long result)
{
	__atomic_fetch_add(&account->calls, 1, __ATOMIC_RELAXED);
	return result < 0 ? -errno : result;
}

const char *error_name(long result)
{
	const char *name = result < 0 ? strerrorname_np((int)-result) : NULL;

	return name ? name : "";
}
