/* SPDX-License-Identifier: GPL-2.0-only */
/* What ping and pong share: where each is reached, and how they give up. */
#ifndef APPS_H
#define APPS_H

#include <kevents.h>
#include <stdio.h>
#include <stdlib.h>

#define PING_ID		1001	/* events for ping wait here */
#define PONG_ID		1002	/* events for pong wait here */
#define PATIENCE_MS	30000	/* how long the other one may take */

static inline void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, ke_strerror(err));
	exit(EXIT_FAILURE);
}

static inline long rounds(int argc, char **argv)
{
	char *end = "?";
	long n = argc == 2 ? strtol(argv[1], &end, 10) : 0;

	if (n > 0 && !*end)
		return n;
	fprintf(stderr, "usage: %s ROUNDS\n", argv[0]);
	exit(EXIT_FAILURE);
}

static inline void send_number(kevents_ctx *ctx, int id, long number)
{
	check(ke_send_event(ctx, id, &number, sizeof(number)), "send");
}

/* Sleeps until a number arrives under id, and returns it. */
static inline long receive_number(kevents_ctx *ctx, int id)
{
	long number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	check(ke_receive(ctx, id, &ev, 0, PATIENCE_MS), "receive");
	if (ev.len == sizeof(number))
		return number;
	fprintf(stderr, "receive: %zu bytes are not a number\n", ev.len);
	exit(EXIT_FAILURE);
}

static inline void expect(long got, long wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "expected number %ld, got %ld\n", wanted, got);
	exit(EXIT_FAILURE);
}

#endif /* APPS_H */
