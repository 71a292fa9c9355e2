// SPDX-License-Identifier: GPL-2.0-only
/*
 * fan-in PRODUCERS EVENTS
 *
 * PRODUCERS processes send EVENTS events each, in batches, to one process. Nothing is
 * lost when the mailbox is full: senders wait for room. The events of each producer
 * arrive in the order in which it sent them.
 */
#include <err.h>
#include <kevents.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH	32

static int check(int ret, const char *what)
{
	if (ret < 0)
		errx(EXIT_FAILURE, "%s: %s", what, ke_strerror(ret));
	return ret;
}

struct job {
	unsigned int producer, number;
};

static void produce(int id, unsigned int producer, unsigned int count)
{
	struct ke_event evs[BATCH] = { 0 };
	struct job jobs[BATCH];
	unsigned int sent = 0, n;
	kevents_ctx ctx;

	check(ke_init(&ctx), "open");
	while (sent < count) {
		for (n = 0; n < BATCH && sent + n < count; n++) {
			jobs[n] = (struct job) { producer, sent + n };
			evs[n].id = id;
			evs[n].data = &jobs[n];
			evs[n].len = sizeof(jobs[n]);
		}
		sent += check(ke_send_batch(&ctx, evs, n, -1), "send");
	}
	exit(ke_close(&ctx) ? EXIT_FAILURE : EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	unsigned int producers = argc > 1 ? atoi(argv[1]) : 4, p;
	unsigned int count = argc > 2 ? atoi(argv[2]) : 1000, left = producers * count;
	unsigned int *next = calloc(producers + 1, sizeof(*next));
	struct ke_event evs[BATCH] = { 0 };
	struct job jobs[BATCH];
	kevents_ctx ctx;
	int n, i;

	check(ke_init(&ctx), "open");
	check(ke_watch(&ctx, getpid()), "watch");	/* an ID that no one else has */
	for (p = 0; p < producers; p++)
		if (fork() == 0)
			produce(getppid(), p, count);
	for (i = 0; i < BATCH; i++) {
		evs[i].data = &jobs[i];
		evs[i].size = sizeof(jobs[i]);
	}
	for (; left; left -= n) {
		n = check(ke_receive_batch(&ctx, evs, BATCH, 0, 30000), "receive");
		for (i = 0; i < n; i++)
			if (jobs[i].number != next[jobs[i].producer]++)
				errx(EXIT_FAILURE, "producer %u: out of order", jobs[i].producer);
	}
	while (wait(NULL) > 0)
		;
	printf("%u events from %u producers, in order\n", producers * count, producers);
	return ke_close(&ctx) ? EXIT_FAILURE : EXIT_SUCCESS;
}
