/* SPDX-License-Identifier: GPL-2.0-only */
/* Payloads as text: whether they are any, and how they are shown. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Bytes of the UTF-8 character that begins the size > 0 bytes at data; 0 if none does. */
size_t utf8_length(const unsigned char *data, size_t size);

/* Whether the bytes are UTF-8 without a NUL. */
bool is_text(const void *data, size_t size);

/*
 * Writes the bytes in one line: a newline at the end is left out, a backslash
 * is doubled; control characters and what is no UTF-8 become \n, \t, \r or \xHH.
 */
void write_escaped(FILE *out, const void *data, size_t size);

/* Returns the base64 of the bytes; the caller frees it. */
char *base64(const void *data, size_t size);

#endif /* TEXT_H */
