/* SPDX-License-Identifier: GPL-2.0-only */
/* Detects payloads that are text, and prints others. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Returns the length of the UTF-8 character at data, or 0 if there is none. size is not 0. */
size_t utf8_length(const unsigned char *data, size_t size);

/* Returns whether the bytes are UTF-8 without a NUL. */
bool is_text(const void *data, size_t size);

/*
 * Writes the bytes on one line. A newline at the end is left out, a backslash is doubled,
 * and control characters and bytes that are not UTF-8 become \n, \t, \r or \xHH.
 */
void write_escaped(FILE *out, const void *data, size_t size);

/* Returns the bytes in base64, which the caller frees. */
char *base64(const void *data, size_t size);

#endif /* TEXT_H */
