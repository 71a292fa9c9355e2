// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: spray [-c] COUNT ID...
 *
 * Sends COUNT events with binary payloads of all sorts of lengths, in turn to
 * each ID. With -c receives them and compares, each ID in its order.
 */
#include <kevents.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX 1500

static void fail(const char *what, long number, int err)
{
	fprintf(stderr, "spray: event %ld: %s: %s\n", number, what, ke_strerror(err));
	exit(EXIT_FAILURE);
}

/* Always the same bytes for a number. */
static size_t make_payload(unsigned char *data, long number)
{
	uint32_t state = (uint32_t)number * 2654435761u + 1;
	size_t len = state >> 8;

	len %= LENGTH_MAX + 1;
	for (size_t i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		data[i] = (unsigned char)(state >> 24);
	}
	return len;
}

static void check_one(kevents_ctx *ctx, int id, long number)
{
	unsigned char wanted[LENGTH_MAX], got[LENGTH_MAX];
	struct ke_event event = { .data = got, .size = sizeof(got) };
	size_t len = make_payload(wanted, number);
	int err = ke_receive(ctx, id, &event, 0, 0);

	if (err)
		fail("receive", number, err);
	if (event.len == len && !memcmp(wanted, got, len))
		return;
	fprintf(stderr, "spray: event %ld: %zu bytes are not the %zu that were sent\n", number,
		event.len, len);
	exit(EXIT_FAILURE);
}

static void send_one(kevents_ctx *ctx, int id, long number)
{
	unsigned char data[LENGTH_MAX];
	size_t len = make_payload(data, number);
	int err = ke_send_event(ctx, id, data, len);

	if (err)
		fail("send", number, err);
}

int main(int argc, char **argv)
{
	int check = argc > 1 && !strcmp(argv[1], "-c");
	kevents_ctx ctx;
	long count, ids;
	int err;

	argv += check + 1;
	ids = argc - check - 2;
	if (ids < 1)
		return 2;
	count = atol(argv[0]);
	err = ke_init(&ctx);
	if (err)
		fail("open", 0, err);
	for (long i = 0; i < count; i++) {
		int id = atoi(argv[1 + i % ids]);

		if (check)
			check_one(&ctx, id, i);
		else
			send_one(&ctx, id, i);
	}
	ke_close(&ctx);
	return EXIT_SUCCESS;
}
