// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "args.h"
#include "json.h"
#include "receive.h"
#include "say.h"
#include "text.h"

struct get_opts {
	kevents_ctx ctx;
	int id;
	bool peek;
	bool json;
	bool newline;		/* add one to text that does not end with one */
	unsigned int count;	/* 0: no limit */
	int timeout_ms;
};

static void print_payload(const struct ke_event *event, bool newline)
{
	const char *data = event->data;

	fwrite(data, 1, event->len, stdout);
	if (newline && event->len && data[event->len - 1] != '\n' && is_text(data, event->len))
		putchar('\n');
}

/* Acknowledges the event only after it has been written, so that no failure loses it. */
static int get_one(struct get_opts *opts, struct event_buf *buf)
{
	unsigned int flags = opts->peek ? KE_PEEK : KE_LEASE;
	int err = receive(&opts->ctx, opts->id, buf, flags, 0, opts->timeout_ms);

	if (err)
		return say_error(err, "%d", opts->id);
	if (opts->json)
		print_json(json_event(&buf->event));
	else
		print_payload(&buf->event, opts->newline);
	if (close_output())
		return REFUSED;
	err = opts->peek ? 0 : ke_ack(&opts->ctx, buf->event.seq);
	return err ? say_error(err, "%d", opts->id) : DONE;
}

static int get(struct get_opts *opts)
{
	struct event_buf buf = { .capacity = 0 };
	unsigned int done = 0;
	int status;

	do {
		status = get_one(opts, &buf);
	} while (status == DONE && ++done != opts->count);
	event_buf_free(&buf);
	return status == NOTHING && done ? DONE : status;
}

static void check(const struct get_opts *opts, const struct verb *verb, bool raw,
		  bool endless_and_counted)
{
	if (raw && opts->json)
		usage_error(verb, "--raw and --json exclude each other");
	if (endless_and_counted)
		usage_error(verb, "--follow and -n exclude each other");
	if (opts->peek && opts->count != 1)
		usage_error(verb, "--peek prints only the oldest event");
	if (opts->peek && opts->timeout_ms)
		usage_error(verb, "--peek does not wait");
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' },
		{ "peek", no_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "raw", no_argument, NULL, 'r' },
		{ "count", required_argument, NULL, 'n' },
		{ "follow", no_argument, NULL, 'f' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "wt:pjrn:f", .options = options
	};
	struct get_opts opts = { .count = 1 };
	bool raw = false, wait = false, follow = false, counted = false, timed = false;
	int option, status;

	while ((option = args_next(&args)) >= 0) {
		switch (option) {
		case 'f':
			opts.count = 0;
			follow = true;
			break;
		case 'w':
			wait = true;
			break;
		case 't':
			opts.timeout_ms = (int)args_duration(&args, "--timeout", optarg,
								INT_MAX);
			timed = true;
			break;
		case 'p':
			opts.peek = true;
			break;
		case 'j':
			opts.json = true;
			break;
		case 'r':
			raw = true;
			break;
		case 'n':
			opts.count = args_positive(&args, "-n", optarg);
			counted = true;
			break;
		}
	}
	args_operands(&args, 1, 1);
	if (!timed && (wait || follow))
		opts.timeout_ms = -1;
	check(&opts, verb, raw, follow && counted);
	opts.id = args_id(&args, args.operands[0]);
	opts.newline = !raw && (opts.count != 1 || isatty(STDOUT_FILENO));
	open_client(&opts.ctx);
	status = get(&opts);
	ke_close(&opts.ctx);
	free(args.operands);
	return status;
}

const struct verb get_verb = {
	.name = "get",
	.synopsis = "[OPTION]... ID",
	.summary = "receive the oldest event of an ID and print it",
	.help =
"Receives the oldest event of ID and prints its payload as it is. If standard\n"
"output is a terminal, or several events are requested, text that does not end\n"
"with a newline gets one. An event that cannot be printed stays in its place.\n"
"\n"
"  -w, --wait            wait for an event without limit\n"
"  -t, --timeout=TIME    wait for each event for at most TIME\n"
"  -n, --count=COUNT     receive up to COUNT events\n"
"  -f, --follow          receive events for ever, or until none has come for the\n"
"                        time of --timeout\n"
"  -p, --peek            print the oldest event and leave it in its place,\n"
"                        without waiting\n"
"  -j, --json            print each event as an object in a line: id, seq,\n"
"                        sent_ns, deliveries, redelivered, pid, uid, gid, len,\n"
"                        and data, or data_base64 if the payload is not text\n"
"  -r, --raw             never add a newline\n"
HELP_TEXT
"\n"
"Exit status: 0 at least one event was received; 1 none waits or came in time;\n"
"2 wrong usage; 3 refused; 4 no device.\n",
	.run = run,
};
