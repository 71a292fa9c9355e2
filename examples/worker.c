// SPDX-License-Identifier: GPL-2.0-only
/*
 * worker ID DEAD-ID
 *
 * Appends each event of ID as a line to standard output, which is a file. It loses no
 * event in any case: an event is acknowledged when its line is on the disk. If the
 * worker dies before that, the next worker gets the event. An event that cannot be
 * handled after three attempts goes to DEAD-ID for inspection.
 */
#include <err.h>
#include <errno.h>
#include <kevents.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTEMPTS	3
#define LEASE_MS	30000	/* a worker that hangs loses its event */
#define IDLE_MS		1000	/* the worker exits after so long without work */

static char text[1 << 20];	/* no event is larger */

static void check(int ret, const char *what)
{
	if (ret < 0)
		errx(EXIT_FAILURE, "%s: %s", what, ke_strerror(ret));
}

/*
 * Returns whether the event is good. Exits if the output fails. A line comes twice,
 * with the same seq, if a worker died after writing it.
 */
static bool handle(const struct ke_event *ev)
{
	if (memchr(ev->data, '\n', ev->len) || memchr(ev->data, '\0', ev->len))
		return false;
	printf("%llu %.*s\n", (unsigned long long)ev->seq, (int)ev->len, text);
	if (fflush(stdout) || fdatasync(STDOUT_FILENO))
		err(EXIT_FAILURE, "output");
	return true;
}

/* -ENOENT: the lease has ended, and another worker may have the event. */
static void end_lease(int ret)
{
	if (ret != -ENOENT)
		check(ret, "end of lease");
}

static void give_up(kevents_ctx *ctx, const struct ke_event *ev, int dead_id)
{
	struct ke_event dead = { .id = dead_id, .data = ev->data, .len = ev->len };

	check(ke_send(ctx, &dead, 0, -1), "dead letter");
	end_lease(ke_ack(ctx, ev->seq));
}

int main(int argc, char **argv)
{
	int id = argc > 1 ? atoi(argv[1]) : 1, dead_id = argc > 2 ? atoi(argv[2]) : 2, ret;
	struct ke_event ev = { .data = text, .size = sizeof(text), .lease_ms = LEASE_MS };
	kevents_ctx ctx;

	check(ke_init(&ctx), "open");
	while ((ret = ke_receive(&ctx, id, &ev, KE_LEASE, IDLE_MS)) == 0) {
		if (handle(&ev))
			end_lease(ke_ack(&ctx, ev.seq));
		else if (ev.deliveries < ATTEMPTS)
			end_lease(ke_nack(&ctx, ev.seq));
		else
			give_up(&ctx, &ev, dead_id);
	}
	if (ret != -ETIMEDOUT)
		check(ret, "receive");
	return ke_close(&ctx) ? EXIT_FAILURE : EXIT_SUCCESS;
}
