// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "ids.h"
#include "progress.h"
#include "receive.h"
#include "savefile.h"
#include "say.h"
#include "units.h"

struct restore_state {
	kevents_ctx ctx;
	struct saved_file file;
	bool partial;
	bool wait;
	uint32_t ttl_ms;
	size_t done;		/* events of file that were sent or refused */
	size_t sent;
	struct progress progress;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

static void catch_signals(void)
{
	const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

/* Detects early that the limits do not allow all events. */
static int check_limits(struct restore_state *state)
{
	const struct saved_file *file = &state->file;
	struct ke_limits limits;
	uint64_t bytes = 0;
	int err = ke_limits(&state->ctx, &limits);

	if (err)
		return say_error(err, "limits");
	for (size_t i = 0; i < file->count; i++) {
		bytes += file->events[i].len;
		if (file->events[i].len > limits.max_event_size) {
			say("%d: an event has %u bytes, max_event_size is %" PRIu64,
			    file->events[i].id, file->events[i].len, limits.max_event_size);
			return REFUSED;
		}
	}
	if (!state->wait && limits.bytes + bytes > limits.max_bytes) {
		say("the file has %" PRIu64 " bytes of payload, max_bytes has room for %" PRIu64,
		    bytes, limits.max_bytes > limits.bytes ? limits.max_bytes - limits.bytes : 0);
		return REFUSED;
	}
	return DONE;
}

/* Taking back the events needs permission to receive them. */
static int check_rights(struct restore_state *state)
{
	const struct saved_file *file = &state->file;

	for (size_t i = 0; i < file->count; i++) {
		int id = file->events[i].id, err;

		if (i && file->events[i - 1].id == id)
			continue;
		err = ke_poll_event(&state->ctx, id);
		if (err < 0)
			return say_error(err, "%d", id);
	}
	return DONE;
}

static int send_one(struct restore_state *state, struct saved_event *saved)
{
	int err;

	do {
		struct ke_event event = {
			.id = saved->id,
			.data = saved->data,
			.len = saved->len,
			.ttl_ms = state->ttl_ms,
		};

		if (interrupted)
			return -EINTR;
		err = ke_send(&state->ctx, &event, 0, 0);
		if (state->wait && (err == -EAGAIN || err == -EDQUOT))
			/* The timeout bounds the delay if a signal came just before the wait. */
			err = ke_send(&state->ctx, &event, 0, 1000);
		saved->seq = event.seq;
	} while (state->wait && (err == -ETIMEDOUT || err == -EINTR));
	return err;
}

static int send_all(struct restore_state *state)
{
	struct saved_file *file = &state->file;
	int status = DONE;

	state->progress = progress_start("restoring", file->count);
	for (; state->done < file->count; state->done++) {
		struct saved_event *event = &file->events[state->done];
		int err = send_one(state, event);

		progress_to(&state->progress, state->done);
		if (!err) {
			state->sent++;
			continue;
		}
		progress_end(&state->progress);
		status = REFUSED;
		if (err == -EINTR)
			say("interrupted");
		else
			say_error(err, "%d", event->id);
		if (err == -EINTR || !state->partial)
			break;
	}
	progress_end(&state->progress);
	return status;
}

static bool was_sent(const struct restore_state *state, uint64_t seq)
{
	size_t low = 0, high = state->done;

	/* The events were sent in this order, so their seq grows. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (state->file.events[middle].seq == seq)
			return true;
		if (state->file.events[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/*
 * Leases the events of other senders as well; they go back to their places when the
 * client is closed. Returns how many of the restored events it acknowledged.
 */
static size_t take_back_id(struct restore_state *state, struct event_buf *buf, int id)
{
	uint64_t last = state->file.events[state->done - 1].seq;
	size_t found = 0;

	while (!receive(&state->ctx, id, buf, KE_LEASE, 0, 0)) {
		if (was_sent(state, buf->event.seq) &&
		    !ke_ack(&state->ctx, buf->event.seq))
			found++;
		if (buf->event.seq >= last)
			break;
	}
	return found;
}

static int compare(const void *a, const void *b)
{
	const int *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

static void take_back(struct restore_state *state)
{
	int *ids = xzalloc(state->done * sizeof(*ids));
	struct event_buf buf = { .capacity = 0 };
	size_t found = 0;

	if (!state->done) {
		free(ids);
		return;
	}
	for (size_t i = 0; i < state->done; i++)
		ids[i] = state->file.events[i].id;
	qsort(ids, state->done, sizeof(*ids), compare);
	for (size_t i = 0; i < state->done; i++)
		if (!i || ids[i] != ids[i - 1])
			found += take_back_id(state, &buf, ids[i]);
	event_buf_free(&buf);
	free(ids);
	say("%zu of the %zu events sent until then were taken back", found, state->done);
	if (found < state->done)
		say("%zu were not: they have been received", state->done - found);
}

static int restore(struct restore_state *state)
{
	int status = DONE;

	if (!state->partial)
		status = check_limits(state);
	if (status == DONE && !state->partial)
		status = check_rights(state);
	if (status != DONE)
		return status;
	catch_signals();
	status = send_all(state);
	if (status != DONE && !state->partial)
		take_back(state);
	else
		say("%zu of %zu events are back", state->sent, state->file.count);
	return status;
}

static int read_file(struct restore_state *state, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int status = DONE;

	if (fd < 0) {
		status = errno == ENOENT ? NOTHING : REFUSED;
		say_errno("%s", path);
		return status;
	}
	if (saved_read(fd, &state->file))
		status = say_errno("%s", path);
	if (!is_stdin)
		close(fd);
	if (status == DONE && state->file.damage) {
		say("%s %s", path, state->file.damage);
		if (!state->partial || !state->file.count)
			return REFUSED;
		say("it has %zu undamaged events before that", state->file.count);
	}
	return status;
}

static int describe(const struct saved_file *file)
{
	char text[UNITS_TEXT];
	uint64_t bytes = 0;

	for (size_t i = 0; i < file->count; i++)
		bytes += file->events[i].len;
	printf("%zu events, %s bytes\n", file->count, format_bytes(text, bytes));
	return close_output();
}

enum {
	OPTION_TTL = LONG_ONLY,
};

static int run_restore(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "partial", no_argument, NULL, 'p' },
		{ "wait", no_argument, NULL, 'w' },
		{ "ttl", required_argument, NULL, OPTION_TTL },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "npw", .options = options
	};
	struct restore_state state = { .partial = false };
	bool dry = false, damaged;
	int option, status;

	while ((option = args_next(&args)) >= 0) {
		switch (option) {
		case 'n':
			dry = true;
			break;
		case 'p':
			state.partial = true;
			break;
		case 'w':
			state.wait = true;
			break;
		case OPTION_TTL:
			state.ttl_ms = (uint32_t)args_duration(&args, "--ttl", optarg,
								   UINT32_MAX);
			break;
		}
	}
	args_operands(&args, 1, 1);
	status = read_file(&state, args.operands[0]);
	damaged = state.file.damage;
	if (status == DONE && dry) {
		status = describe(&state.file);
	} else if (status == DONE) {
		open_client(&state.ctx);
		status = restore(&state);
		ke_close(&state.ctx);
	}
	saved_free(&state.file);
	free(args.operands);
	return status == DONE && damaged ? REFUSED : status;
}

const struct verb restore_verb = {
	.name = "restore",
	.synopsis = "[OPTION]... FILE",
	.summary = "send the events of a file made by 'kevents save'",
	.help =
"Sends the events of FILE, which 'kevents save' has written, or of standard input\n"
"if FILE is -, in their original order. The events get new numbers, the caller\n"
"becomes their sender, and they have no time to live but that of --ttl. FILE\n"
"stays: if it is restored twice, its events are there twice.\n"
"\n"
"Either all events are restored or none. Before the first event is sent, FILE and\n"
"its checksum are verified, and the limits and claims are checked. If an event is\n"
"refused nevertheless, or a signal comes, the events that were sent are taken\n"
"back. That is impossible for events that have been received by then (their\n"
"number is reported), and after SIGKILL, so restore before receivers start.\n"
"\n"
"  -n, --dry-run         verify FILE, report its contents, and send nothing\n"
"  -p, --partial         send what is possible: leave out events that are\n"
"                        refused, and events after a damaged place of FILE\n"
"  -w, --wait            wait for room without limit; events that were sent can\n"
"                        be received meanwhile\n"
"      --ttl=TIME        let the events expire after TIME if they have not been\n"
"                        received\n"
HELP_TEXT
"\n"
"Exit status: 0 all events were restored; 1 there is no FILE; 2 wrong usage;\n"
"3 refused, damaged or, with --partial, not all restored; 4 no device.\n",
	.run = run_restore,
};
