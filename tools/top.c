// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <limits.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "sample.h"
#include "say.h"
#include "screen.h"

#define INTERVAL_MIN_MS	100
#define ESCAPE		27
#define DELETE		127

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void edit_filter(struct view *view, int key)
{
	size_t len = strlen(view->filter);

	if (key == '\n' || key == KEY_ENTER) {
		view->typing = false;
	} else if (key == ESCAPE) {
		view->typing = false;
		view->filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == DELETE || key == '\b') {
		if (len)
			view->filter[len - 1] = '\0';
	} else if (key < 256 && isprint(key) && len + 1 < sizeof(view->filter)) {
		view->filter[len] = (char)key;
		view->filter[len + 1] = '\0';
	}
}

static void scroll_to(struct view *view, int key)
{
	switch (key) {
	case KEY_UP:
		view->first--;
		break;
	case KEY_DOWN:
		view->first++;
		break;
	case KEY_PPAGE:
		view->first -= screen_rows();
		break;
	case KEY_NPAGE:
		view->first += screen_rows();
		break;
	case KEY_HOME:
		view->first = 0;
		break;
	}
}

static void set_order(struct view *view, enum order order)
{
	view->order = order;
	view->first = 0;
}

/* Returns false if the key is to quit. */
static bool handle_key(struct view *view, int key)
{
	if (view->typing) {
		edit_filter(view, key);
		return true;
	}
	switch (key) {
	case 'q':
		return false;
	case 'b':
		set_order(view, BY_BACKLOG);
		break;
	case 'r':
		set_order(view, BY_RATE);
		break;
	case 'i':
		set_order(view, BY_ID);
		break;
	case 'l':
		set_order(view, BY_LEASES);
		break;
	case 'w':
		set_order(view, BY_WAITERS);
		break;
	case 'm':
		set_order(view, BY_MEMORY);
		break;
	case 'R':
		view->reversed = !view->reversed;
		break;
	case 'a':
		view->busy_only = !view->busy_only;
		break;
	case '/':
		view->typing = true;
		break;
	case ESCAPE:
		view->filter[0] = '\0';
		view->help = false;
		break;
	case 'p':
	case ' ':
		view->paused = !view->paused;
		break;
	case 'h':
	case '?':
		view->help = !view->help;
		break;
	default:
		scroll_to(view, key);
	}
	return true;
}

static int show(kevents_ctx *ctx, struct view *view)
{
	struct sample sample = { .rows = NULL };
	int64_t next = now_ms();
	int err = 0, key;

	do {
		int64_t now = now_ms();

		if (!sample.rows || (!view->paused && now >= next)) {
			err = sample_take(ctx, &sample);
			next = now + view->interval_ms;
		}
		if (err)
			break;
		screen_draw(view, &sample);
		now = now_ms();
		if (view->paused)
			key = screen_key(-1);
		else
			key = screen_key(next > now ? (int)(next - now) : 0);
		/* After a hangup, reads return at once and isatty() fails. */
	} while (!interrupted && isatty(STDIN_FILENO) && handle_key(view, key));
	sample_free(&sample);
	return err;
}

static enum order parse_order(const struct verb *verb, const char *text)
{
	enum order order = BY_BACKLOG;

	while (order < ORDERS && strcmp(order_names[order], text))
		order++;
	if (order == ORDERS)
		usage_error(verb,
			    "--sort '%s': must be backlog, rate, id, leases, waiters or memory",
			    text);
	return order;
}

static int top(struct view *view)
{
	struct sigaction action = { .sa_handler = on_signal };
	kevents_ctx ctx;
	int err;

	open_client(&ctx);
	if (!screen_begin()) {
		ke_close(&ctx);
		return REFUSED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	err = show(&ctx, view);
	screen_end();
	ke_close(&ctx);
	return err ? say_error(err, "cannot continue") : DONE;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'd' },
		{ "sort", required_argument, NULL, 's' },
		{ "filter", required_argument, NULL, 'f' },
		{ "busy", no_argument, NULL, 'a' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "d:s:f:a", .options = options
	};
	struct view view = { .order = BY_BACKLOG, .interval_ms = 1000 };
	int option;

	while ((option = args_next(&args)) >= 0) {
		switch (option) {
		case 'd':
			view.interval_ms = (int)args_duration(&args, "--interval", optarg,
							      INT_MAX);
			if (view.interval_ms < INTERVAL_MIN_MS)
				usage_error(verb, "--interval '%s': must be at least %dms", optarg,
					    INTERVAL_MIN_MS);
			break;
		case 's':
			view.order = parse_order(verb, optarg);
			break;
		case 'f':
			if (strlen(optarg) >= sizeof(view.filter))
				usage_error(verb, "--filter '%s' is too long", optarg);
			strcpy(view.filter, optarg);
			break;
		case 'a':
			view.busy_only = true;
			break;
		}
	}
	args_operands(&args, 0, 0);
	free(args.operands);
	return top(&view);
}

const struct verb top_verb = {
	.name = "top",
	.synopsis = "[OPTION]...",
	.summary = "show all IDs on a live screen",
	.help =
"Shows all IDs of this network namespace that the caller may see, on a live\n"
"screen: the events that wait and that are on lease, the receivers that wait, the\n"
"events sent and received per second, and the bytes. The use of each limit is\n"
"above them. The longest bar of a column stands for its largest value, and a full\n"
"bar of a limit for the limit.\n"
"\n"
"  -d, --interval=TIME   update the screen every TIME (1s), at least 100ms\n"
"  -s, --sort=ORDER      backlog (default), rate, id, leases, waiters or memory\n"
"  -f, --filter=TEXT     show only IDs with TEXT in their number or in the name\n"
"                        of their owner\n"
"  -a, --busy            hide IDs without events, waiting receivers and traffic\n"
HELP_TEXT
"\n"
"Keys: b, r, i, l, w and m sort by the orders above; R reverses the order;\n"
"/ filters; a toggles the option --busy; p pauses; the arrow and page keys\n"
"scroll; h shows help; q quits.\n"
"\n"
"Exit status: 0 success; 2 wrong usage; 3 refused, as when there is no terminal;\n"
"4 no device.\n",
	.run = run,
};
