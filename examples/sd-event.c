// SPDX-License-Identifier: GPL-2.0-only
/*
 * sd-event ID
 *
 * A service with systemd's event loop. It reports when it is ready, prints the events
 * of an ID, and exits cleanly on SIGTERM and SIGINT.
 */
#include <err.h>
#include <errno.h>
#include <kevents.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

static void check_kevents(int ret, const char *what)
{
	if (ret < 0)
		errx(EXIT_FAILURE, "%s: %s", what, ke_strerror(ret));
}

static void check(int ret, const char *what)
{
	if (ret < 0)
		errx(EXIT_FAILURE, "%s: %s", what, strerror(-ret));
}

/* A negative result disables the source; see sd_event_add_io(3). */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	static char text[1 << 20];	/* no event is larger */
	struct ke_event ev = { .data = text, .size = sizeof(text) };
	int ret = ke_receive(context, 0, &ev, KE_WATCHED, 0);

	(void)fd;
	(void)revents;
	if (ret == -ENOMSG)	/* another process was quicker */
		return 0;
	if (ret)
		return sd_event_exit(sd_event_source_get_event(source), ret);
	printf("%.*s\n", (int)ev.len, text);
	fflush(stdout);
	return 0;
}

/* Without a handler, a signal ends the loop with status 0. */
static void end_on_signals(sd_event *loop)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	check(sd_event_add_signal(loop, NULL, SIGINT, NULL, NULL), "signal");
	check(sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL), "signal");
}

int main(int argc, char **argv)
{
	sd_event *loop;
	kevents_ctx ctx;

	check_kevents(ke_init(&ctx), "open");
	check_kevents(ke_watch(&ctx, argc > 1 ? atoi(argv[1]) : 1), "watch");
	check(sd_event_default(&loop), "event loop");
	end_on_signals(loop);
	check(sd_event_add_io(loop, NULL, ke_fd(&ctx), EPOLLIN, on_readable, &ctx), "watch");
	sd_notify(0, "READY=1");
	check_kevents(sd_event_loop(loop), "loop");
	sd_event_unref(loop);
	return ke_close(&ctx) ? EXIT_FAILURE : EXIT_SUCCESS;
}
