// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "say.h"

struct payload {
	char *data;
	size_t len;
};

struct send_opts {
	kevents_ctx ctx;
	int id;
	uint32_t ttl_ms;
	int timeout_ms;
};

static int send_one(struct send_opts *opts, void *data, size_t len)
{
	struct ke_event event = {
		.id = opts->id,
		.data = data,
		.len = len,
		.ttl_ms = opts->ttl_ms,
	};
	int err = ke_send(&opts->ctx, &event, 0, opts->timeout_ms);

	if (!err)
		return DONE;
	if (err == -ETIMEDOUT) {
		say("%d: no room came in time", opts->id);
		return REFUSED;
	}
	return say_error(err, "%d", opts->id);
}

/* Reads at most one byte more than limit, which shows that the payload is too large. */
static int read_all(int fd, const char *name, size_t limit, struct payload *payload)
{
	size_t capacity = 0;

	for (;;) {
		ssize_t got;

		if (payload->len == capacity) {
			if (capacity > limit) {
				say("%s: larger than max_event_size, which is %zu bytes", name,
				    limit);
				return REFUSED;
			}
			capacity = capacity ? capacity * 2 : 65536;
			if (capacity > limit)
				capacity = limit + 1;
			payload->data = xrealloc(payload->data, capacity);
		}
		got = read(fd, payload->data + payload->len, capacity - payload->len);
		if (got < 0)
			return say_errno("%s", name);
		if (!got)
			return DONE;
		payload->len += (size_t)got;
	}
}

static int read_file(const char *name, size_t limit, struct payload *payload)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	int status;

	if (fd < 0)
		return say_errno("%s", name);
	status = read_all(fd, name, limit, payload);
	close(fd);
	return status;
}

/* Sends each line before it waits for the next one. */
static int send_lines(struct send_opts *opts)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t len;
	int status = DONE;

	while (status == DONE && (len = getline(&line, &capacity, stdin)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		status = send_one(opts, line, (size_t)len);
	}
	/* Without memory for a line, getline() fails but sets no error on stdin. */
	if (status == DONE && !feof(stdin))
		status = say_errno("standard input");
	free(line);
	return status;
}

static int send_payload(struct send_opts *opts, const char *text, bool literal)
{
	struct payload payload = { NULL, 0 };
	struct ke_limits limits;
	int status = ke_limits(&opts->ctx, &limits);

	if (status)
		return say_error(status, "limits");
	if (text && (literal || (strcmp(text, "-") && *text != '@'))) {
		payload.len = strlen(text);
		payload.data = xzalloc(payload.len);
		memcpy(payload.data, text, payload.len);
	} else if (text && *text == '@') {
		status = read_file(text + 1, limits.max_event_size, &payload);
	} else {
		status = read_all(STDIN_FILENO, "standard input", limits.max_event_size, &payload);
	}
	if (status == DONE)
		status = send_one(opts, payload.data, payload.len);
	free(payload.data);
	return status;
}

enum {
	OPTION_TTL = LONG_ONLY,
};

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "ttl", required_argument, NULL, OPTION_TTL },
		{ "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' },
		{ "lines", no_argument, NULL, 'l' },
		{ "text", no_argument, NULL, 'T' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "wt:lT", .options = options
	};
	struct send_opts opts = { .timeout_ms = 0 };
	bool lines = false, literal = false;
	int option, status;

	while ((option = args_next(&args)) >= 0) {
		switch (option) {
		case OPTION_TTL:
			opts.ttl_ms = (uint32_t)args_duration(&args, "--ttl", optarg,
								 UINT32_MAX);
			break;
		case 'w':
			opts.timeout_ms = -1;
			break;
		case 't':
			opts.timeout_ms = (int)args_duration(&args, "--timeout", optarg,
								INT_MAX);
			break;
		case 'l':
			lines = true;
			break;
		case 'T':
			literal = true;
			break;
		}
	}
	args_operands(&args, 1, lines ? 1 : 2);
	if (literal && !args.operands[1])
		usage_error(verb, "--text needs TEXT");
	opts.id = args_id(&args, args.operands[0]);
	open_client(&opts.ctx);
	if (lines)
		status = send_lines(&opts);
	else
		status = send_payload(&opts, args.operands[1], literal);
	ke_close(&opts.ctx);
	free(args.operands);
	return status;
}

const struct verb send_verb = {
	.name = "send",
	.synopsis = "[OPTION]... ID [TEXT|-|@FILE]",
	.summary = "send an event to an ID",
	.help =
"Sends an event to ID. The payload is TEXT as it is, without a newline. With\n"
"@FILE it is the contents of the file; with - or no operand it is standard input\n"
"up to its end.\n"
"\n"
"      --ttl=TIME        let the event expire after TIME if it is not received\n"
"  -w, --wait            wait for room without limit\n"
"  -t, --timeout=TIME    wait for room for at most TIME\n"
"  -l, --lines           send each line of standard input as a separate event,\n"
"                        without the newline\n"
"  -T, --text            use TEXT as the payload even if it is - or starts with @\n"
HELP_TEXT
"\n"
"Without --wait or --timeout, a send that finds no room fails at once.\n"
"\n"
"Exit status: 0 the event was sent; 2 wrong usage; 3 refused; 4 no device.\n",
	.run = run,
};
