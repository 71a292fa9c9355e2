/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads and writes numbers with units. */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a time such as 500ms, 1.5s, 2m, 1h30m or 7d as milliseconds, rounded up. A number
 * without a unit is in seconds. Returns false if text is not a time, or is too large.
 */
bool parse_duration(const char *text, uint64_t *ms);

/*
 * Reads a size such as 4096, 64K, 1.5M or 1GiB as bytes, rounded up. K, M, G and T are
 * powers of 1024 (with or without iB), and KB, MB, GB and TB powers of 1000. Returns false
 * if text is not a size, or is too large.
 */
bool parse_bytes(const char *text, uint64_t *bytes);

#define UNITS_TEXT 16	/* size of the buffers of the next two */

/* Writes a size with at most four digits and a unit, such as 1.5K. Returns text. */
const char *format_bytes(char text[UNITS_TEXT], uint64_t bytes);

/* Writes a count in at most six characters, such as 1.5M. Returns text. */
const char *format_count(char text[UNITS_TEXT], uint64_t count);

#endif /* UNITS_H */
