// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: mailbox send ID TEXT    leaves TEXT there
 *        mailbox take ID         prints what has waited longest there
 *        mailbox hold ID FILE    takes a lease, says so by making FILE, and
 *                                acknowledges on SIGTERM
 *
 * A program as somebody else would write it, against the installed library.
 */
#include <kevents.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[100];

static void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, ke_strerror(err));
	exit(EXIT_FAILURE);
}

static void hold(kevents_ctx *ctx, int id, const char *file)
{
	struct ke_event ev;
	sigset_t end;
	int number;

	memset(&ev, 0, sizeof(ev));
	ev.data = text;
	ev.size = sizeof(text) - 1;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	check(ke_receive(ctx, id, &ev, KE_LEASE, 0), "lease");
	check(close(open(file, O_CREAT | O_WRONLY, 0644)), file);
	sigwait(&end, &number);
	check(ke_ack(ctx, ev.seq), "acknowledge");
}

int main(int argc, char **argv)
{
	kevents_ctx ctx;

	if (argc < 3 || (strcmp(argv[1], "take") && argc < 4)) {
		fprintf(stderr, "usage: mailbox send|take|hold ID [TEXT|FILE]\n");
		return EXIT_FAILURE;
	}
	check(ke_init(&ctx), "open");
	if (!strcmp(argv[1], "send")) {
		check(ke_send_event(&ctx, atoi(argv[2]), argv[3], strlen(argv[3])), "send");
	} else if (!strcmp(argv[1], "take")) {
		check(ke_get_event(&ctx, atoi(argv[2]), text, sizeof(text)), "take");
		puts(text);
	} else {
		hold(&ctx, atoi(argv[2]), argv[3]);
	}
	check(ke_close(&ctx), "close");
	return EXIT_SUCCESS;
}
