// SPDX-License-Identifier: GPL-2.0-only
#include "units.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

#define SECOND	UINT64_C(1000)

static const struct unit times[] = {
	{ "ms", 1 }, { "s", SECOND }, { "sec", SECOND }, { "m", 60 * SECOND },
	{ "min", 60 * SECOND }, { "h", 3600 * SECOND }, { "d", 86400 * SECOND }, { NULL, 0 },
};

#define KIB	UINT64_C(1024)
#define KB	UINT64_C(1000)

static const struct unit sizes[] = {
	{ "B", 1 },
	{ "K", KIB }, { "k", KIB }, { "KiB", KIB }, { "kB", KB }, { "KB", KB },
	{ "M", KIB * KIB }, { "MiB", KIB * KIB }, { "MB", KB * KB },
	{ "G", KIB * KIB * KIB }, { "GiB", KIB * KIB * KIB }, { "GB", KB * KB * KB },
	{ "T", KIB * KIB * KIB * KIB }, { "TiB", KIB * KIB * KIB * KIB },
	{ "TB", KB * KB * KB * KB }, { NULL, 0 },
};

static const struct unit *find_unit(const struct unit *units, const char *name, size_t len)
{
	for (; units->name; units++)
		if (strlen(units->name) == len && !strncmp(units->name, name, len))
			return units;
	return NULL;
}

static bool add_product(uint64_t *sum, uint64_t a, uint64_t b)
{
	uint64_t product;

	return !__builtin_mul_overflow(a, b, &product) &&
	       !__builtin_add_overflow(*sum, product, sum);
}

/*
 * Adds the number at *text, with its unit, to sum, and advances *text. Uses integers only:
 * limits must be exact to the byte.
 */
static bool add_number(const char **text, const struct unit *units, uint64_t bare, uint64_t *sum)
{
	uint64_t whole = 0, part = 0, scale = 1, factor = bare;
	const char *at = *text, *name;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++)
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
			return false;
	if (*at == '.') {
		if (!isdigit((unsigned char)*++at))
			return false;
		for (; isdigit((unsigned char)*at); at++) {
			if (scale == 1000000)
				return false;
			part = part * 10 + (uint64_t)(*at - '0');
			scale *= 10;
		}
	}
	for (name = at; isalpha((unsigned char)*at); at++)
		;
	if (at != name) {
		const struct unit *unit = find_unit(units, name, (size_t)(at - name));

		if (!unit)
			return false;
		factor = unit->factor;
	} else if (*at) {
		return false;
	}
	*text = at;
	/* part * factor cannot overflow: part < 10^6 and factor < 2^41 */
	return add_product(sum, whole, factor) &&
	       add_product(sum, (part * factor + scale - 1) / scale, 1);
}

bool parse_duration(const char *text, uint64_t *ms)
{
	uint64_t sum = 0;

	do {
		if (!add_number(&text, times, SECOND, &sum))
			return false;
	} while (*text);
	*ms = sum;
	return true;
}

bool parse_bytes(const char *text, uint64_t *bytes)
{
	uint64_t sum = 0;

	if (!add_number(&text, sizes, 1, &sum) || *text)
		return false;
	*bytes = sum;
	return true;
}

static const char *format_scaled(char text[UNITS_TEXT], uint64_t value, unsigned int step,
				 const char *letters)
{
	double scaled = (double)value;

	for (; scaled >= step && letters[1]; letters++)
		scaled /= step;
	if (*letters == ' ')
		snprintf(text, UNITS_TEXT, "%u", (unsigned int)value);
	else
		snprintf(text, UNITS_TEXT, "%.*f%c", scaled < 99.95 ? 1 : 0, scaled, *letters);
	return text;
}

const char *format_bytes(char text[UNITS_TEXT], uint64_t bytes)
{
	return format_scaled(text, bytes, 1024, " KMGTPE");
}

const char *format_count(char text[UNITS_TEXT], uint64_t count)
{
	if (count < 100000) {
		snprintf(text, UNITS_TEXT, "%u", (unsigned int)count);
		return text;
	}
	return format_scaled(text, count, 1000, " kMGTPE");
}
