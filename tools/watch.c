// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "args.h"
#include "ids.h"
#include "json.h"
#include "receive.h"
#include "say.h"
#include "text.h"

static void print_event(const struct ke_event *event, bool json)
{
	if (json) {
		print_json(json_event(event));
	} else {
		printf("%d\t", event->id);
		write_escaped(stdout, event->data, event->len);
		putchar('\n');
	}
}

static int watch(kevents_ctx *ctx, bool json, unsigned int count, int timeout_ms)
{
	struct event_buf buf = { .capacity = 0 };
	unsigned int done = 0;
	int err;

	do {
		err = receive(ctx, 0, &buf, KE_LEASE | KE_WATCHED, 0, timeout_ms);
		if (err)
			break;
		print_event(&buf.event, json);
		if (close_output())
			return REFUSED;
		err = ke_ack(ctx, buf.event.seq);
	} while (!err && ++done != count);
	event_buf_free(&buf);
	if (err) {
		err = say_error(err, "cannot continue");
		return err == NOTHING && done ? DONE : err;
	}
	return DONE;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "timeout", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "t:n:j", .options = options
	};
	unsigned int count = 0;
	int timeout_ms = -1;
	bool json = false;
	kevents_ctx ctx;
	int option, status;
	struct ids ids;

	while ((option = args_next(&args)) >= 0) {
		switch (option) {
		case 't':
			timeout_ms = (int)args_duration(&args, "--timeout", optarg, INT_MAX);
			break;
		case 'n':
			count = args_positive(&args, "-n", optarg);
			break;
		case 'j':
			json = true;
			break;
		}
	}
	args_operands(&args, 1, INT_MAX);
	ids = ids_from_args(&args);
	open_client(&ctx);
	status = ids_watch(&ctx, &ids);
	if (status == DONE)
		status = watch(&ctx, json, count, timeout_ms);
	ke_close(&ctx);
	ids_free(&ids);
	free(args.operands);
	return status;
}

const struct verb watch_verb = {
	.name = "watch",
	.synopsis = "[OPTION]... ID...",
	.summary = "receive the events of several IDs and print them",
	.help =
"Receives the events of the IDs as they come, in turn, and prints a line for\n"
"each: the ID, a tab, and the payload. A newline at the end of the payload is\n"
"left out, a backslash is doubled, and control characters and bytes that are not\n"
"UTF-8 are written as \\n, \\t, \\r or \\xHH. Events that are printed are gone. An\n"
"event that cannot be printed stays in its place.\n"
"\n"
"  -t, --timeout=TIME    exit when no event has come for TIME\n"
"  -n, --count=COUNT     exit after COUNT events\n"
"  -j, --json            print an object for each event, as 'kevents get' does\n"
HELP_TEXT
"\n"
"Exit status: 0 at least one event came; 1 none came in time; 2 wrong usage;\n"
"3 refused; 4 no device.\n",
	.run = run,
};
