// SPDX-License-Identifier: GPL-2.0-only
/*
 * epoll ID...
 *
 * Prints the events of several IDs from an epoll loop, which also waits for signals.
 * One descriptor stands for all watched IDs.
 */
#include <err.h>
#include <errno.h>
#include <kevents.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static void check(int ret, const char *what)
{
	if (ret < 0)
		errx(EXIT_FAILURE, "%s: %s", what, ke_strerror(ret));
}

/* SIGINT and SIGTERM no longer end the program, but make the descriptor readable. */
static int stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void add(int loop, int fd)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &wanted))
		err(EXIT_FAILURE, "epoll_ctl");
}

/* Receives one event. If more wait, epoll reports the descriptor again. */
static void print_event(kevents_ctx *ctx)
{
	static char text[1 << 20];	/* no event is larger */
	struct ke_event ev = { .data = text, .size = sizeof(text) };
	int ret = ke_receive(ctx, 0, &ev, KE_WATCHED, 0);

	if (ret == -ENOMSG)	/* another process was quicker */
		return;
	check(ret, "receive");
	printf("%d: %.*s\n", ev.id, (int)ev.len, text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int loop = epoll_create1(EPOLL_CLOEXEC), stop = stop_signals();
	struct epoll_event ready;
	kevents_ctx ctx;

	check(ke_init(&ctx), "open");
	for (int i = 1; i < argc; i++)
		check(ke_watch(&ctx, atoi(argv[i])), "watch");
	add(loop, ke_fd(&ctx));
	add(loop, stop);
	for (;;) {
		if (epoll_wait(loop, &ready, 1, -1) != 1)
			continue;
		if (ready.data.fd == stop)
			break;
		print_event(&ctx);
	}
	return ke_close(&ctx) ? EXIT_FAILURE : EXIT_SUCCESS;
}
