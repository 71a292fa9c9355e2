/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers with units, as people write and read them. */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a time such as 500ms, 1.5s, 2m, 1h30m or 7d into milliseconds, rounded
 * up; a number without a unit is in seconds. False if text is nothing of the
 * kind or too large.
 */
bool parse_duration(const char *text, uint64_t *ms);

/*
 * Reads a size such as 4096, 64K, 1.5M or 1GiB into bytes, rounded up: K, M, G and T are
 * powers of 1024 (with or without iB), KB, MB, GB and TB powers of 1000.
 */
bool parse_bytes(const char *text, uint64_t *bytes);

#define UNITS_TEXT 16	/* room for what the next two write */

/* Writes a size in three digits and a unit, such as 1.5K; returns text. */
const char *format_bytes(char text[UNITS_TEXT], uint64_t bytes);

/* Writes a number of things in at most six characters, such as 12.3k; returns text. */
const char *format_count(char text[UNITS_TEXT], uint64_t count);

#endif /* UNITS_H */
