// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

#include <stdint.h>
#include <string.h>

#include "say.h"

size_t utf8_length(const unsigned char *data, size_t size)
{
	uint32_t code, least;
	size_t length, i;

	if (data[0] < 0x80)
		return 1;
	if ((data[0] & 0xe0) == 0xc0) {
		length = 2;
		least = 0x80;
	} else if ((data[0] & 0xf0) == 0xe0) {
		length = 3;
		least = 0x800;
	} else if ((data[0] & 0xf8) == 0xf0) {
		length = 4;
		least = 0x10000;
	} else {
		return 0;
	}
	if (size < length)
		return 0;
	code = data[0] & (0x7fu >> length);
	for (i = 1; i < length; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (data[i] & 0x3f);
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

bool is_text(const void *data, size_t size)
{
	const unsigned char *at = data, *end = at + size;

	while (at < end) {
		size_t length = utf8_length(at, (size_t)(end - at));

		if (!length || !*at)
			return false;
		at += length;
	}
	return true;
}

static void write_escape(FILE *out, unsigned char byte)
{
	switch (byte) {
	case '\n':
		fputs("\\n", out);
		break;
	case '\t':
		fputs("\\t", out);
		break;
	case '\r':
		fputs("\\r", out);
		break;
	default:
		fprintf(out, "\\x%02x", byte);
	}
}

/* C1 controls, which terminals obey, are two bytes: c2 80 to c2 9f. */
static bool is_control(const unsigned char *at, size_t length)
{
	return length == 1 ? *at < 0x20 || *at == 0x7f :
	       length == 2 && at[0] == 0xc2 && at[1] < 0xa0;
}

void write_escaped(FILE *out, const void *data, size_t size)
{
	const unsigned char *at = data, *end;

	if (size && at[size - 1] == '\n')
		size--;
	end = at + size;
	while (at < end) {
		size_t length = utf8_length(at, (size_t)(end - at));
		size_t hidden = length ? length : 1;

		if (*at == '\\') {
			fputs("\\\\", out);
			at++;
		} else if (length && !is_control(at, length)) {
			fwrite(at, 1, length, out);
			at += length;
		} else {
			for (; hidden; hidden--)
				write_escape(out, *at++);
		}
	}
}

char *base64(const void *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = data;
	char *text = xzalloc((size + 2) / 3 * 4 + 1), *out = text;
	size_t i, j;

	for (i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = (uint32_t)in[i] << 16;

		bits |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		bits |= left > 2 ? in[i + 2] : 0;
		for (j = 0; j < 4; j++)
			*out++ = j <= left ? digits[bits >> (18 - 6 * j) & 0x3f] : '=';
	}
	return text;
}
