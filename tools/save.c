// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "ids.h"
#include "progress.h"
#include "receive.h"
#include "savefile.h"
#include "say.h"
#include "units.h"

struct save_state {
	kevents_ctx ctx;
	const char *path;
	bool force;
	bool keep;
	char *temporary;	/* in the directory of path; NULL for standard output */
	int directory;		/* the directory of both */
	struct save_writer writer;
	uint64_t *seqs;		/* of the leases, writer.count of them */
	size_t capacity;
	int ids;		/* number of IDs that had an event */
	uint64_t total;		/* events that waited at the start */
	uint64_t leased;	/* events on lease to other clients */
	struct progress progress;
};

/* The counts bound the work, so that a busy sender cannot keep it going for ever. */
static int count_waiting(struct save_state *state, const struct ids *ids, uint64_t *pending)
{
	for (int i = 0; i < ids->count; i++) {
		struct ke_stat stat;
		int err = ke_stat(&state->ctx, ids->list[i], &stat);

		if (err)
			return say_error(err, "%d", ids->list[i]);
		pending[i] = stat.pending;
		state->total += stat.pending;
		state->leased += stat.leased;
	}
	return DONE;
}

static int save_id(struct save_state *state, struct event_buf *buf, int id, uint64_t pending)
{
	for (; pending; pending--) {
		int err = receive(&state->ctx, id, buf, KE_LEASE, 0, 0);

		if (err == -ENOMSG)
			return DONE;
		if (err)
			return say_error(err, "%d", id);
		if (state->writer.count == state->capacity) {
			state->capacity = state->capacity ? state->capacity * 2 : 1024;
			state->seqs = xrealloc(state->seqs,
					       state->capacity * sizeof(*state->seqs));
		}
		state->seqs[state->writer.count] = buf->event.seq;
		save_event(&state->writer, &buf->event);
		progress_to(&state->progress, state->writer.count);
	}
	return DONE;
}

static int save_all(struct save_state *state, const struct ids *ids)
{
	uint64_t *pending = xzalloc((size_t)ids->count * sizeof(*pending));
	struct event_buf buf = { .capacity = 0 };
	int status = count_waiting(state, ids, pending);

	state->progress = progress_start("saving", state->total);
	for (int i = 0; status == DONE && i < ids->count; i++) {
		uint64_t before = state->writer.count;

		status = save_id(state, &buf, ids->list[i], pending[i]);
		state->ids += state->writer.count > before;
	}
	progress_end(&state->progress);
	event_buf_free(&buf);
	free(pending);
	return status;
}

static int open_directory(const char *path)
{
	char *copy = strdup(path);
	int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	free(copy);
	return fd;
}

/* Renames the file, and makes the new name durable. */
static int publish(const struct save_state *state)
{
	unsigned int flags = state->force ? 0 : RENAME_NOREPLACE;
	int ret = renameat2(AT_FDCWD, state->temporary, AT_FDCWD, state->path, flags);

	if (ret && errno == EINVAL) {	/* a file system without RENAME_NOREPLACE */
		ret = link(state->temporary, state->path);
		if (!ret)
			unlink(state->temporary);
	}
	if (ret)
		return say_errno("%s", state->path);
	if (!fsync(state->directory))
		return DONE;
	say_errno("%s", state->path);
	unlink(state->path);
	return REFUSED;
}

/* Acknowledges the events, which must not happen before the file is safe. */
static int acknowledge_all(struct save_state *state)
{
	uint64_t left = 0;

	if (state->keep)
		return DONE;
	state->progress = progress_start("acknowledging", state->writer.count);
	for (uint64_t i = 0; i < state->writer.count; i++) {
		if (ke_ack(&state->ctx, state->seqs[i]))
			left++;
		progress_to(&state->progress, i);
	}
	progress_end(&state->progress);
	if (!left)
		return DONE;
	say("%" PRIu64 " events are in the file and still in the kernel", left);
	return REFUSED;
}

static int write_file(struct save_state *state, const struct ids *ids, FILE *file)
{
	int status;

	save_begin(&state->writer, file);
	status = save_all(state, ids);
	if (status == DONE && save_end(&state->writer))
		status = say_errno("%s", state->path);
	return status;
}

static void report(const struct save_state *state)
{
	char bytes[UNITS_TEXT];

	say("%" PRIu64 " events of %d IDs, %s bytes, are in %s%s", state->writer.count,
	    state->ids, format_bytes(bytes, state->writer.bytes), state->path,
	    state->keep ? ", and still here" : "");
	if (state->leased)
		say("%" PRIu64 " events on lease were left out", state->leased);
}

/* Returns whether path may be created or replaced. Prints a diagnostic if not. */
static bool may_create(const struct save_state *state)
{
	struct stat there;

	if (lstat(state->path, &there))
		return true;
	if (!state->force)
		say("%s exists already; --force replaces it", state->path);
	else if (!S_ISREG(there.st_mode))
		say("%s is not a regular file", state->path);
	else
		return true;
	return false;
}

static int save_to_file(struct save_state *state, const struct ids *ids)
{
	int fd, status;
	FILE *file;

	if (!may_create(state))
		return REFUSED;
	/* The directory must be usable before any event is leased. */
	state->directory = open_directory(state->path);
	if (state->directory < 0 || asprintf(&state->temporary, "%s.XXXXXX", state->path) < 0)
		return say_errno("%s", state->path);
	fd = mkostemp(state->temporary, O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return say_errno("%s", state->path);
	status = write_file(state, ids, file);
	if (fclose(file) && status == DONE)
		status = say_errno("%s", state->path);
	if (status == DONE)
		status = publish(state);
	if (status != DONE)
		unlink(state->temporary);
	close(state->directory);
	return status;
}

static int save_to_stdout(struct save_state *state, const struct ids *ids)
{
	state->path = "standard output";
	if (isatty(STDOUT_FILENO)) {
		say("%s is a terminal", state->path);
		return REFUSED;
	}
	return write_file(state, ids, stdout);
}

static int save(struct save_state *state, const struct ids *ids)
{
	int status = strcmp(state->path, "-") ? save_to_file(state, ids) :
						 save_to_stdout(state, ids);

	if (status == DONE)
		status = acknowledge_all(state);
	if (status == DONE)
		report(state);
	return status;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "keep", no_argument, NULL, 'k' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "fk", .options = options
	};
	struct save_state state = { .path = NULL };
	struct ids ids = { NULL, 0 };
	int option, status = DONE;
	bool named;

	while ((option = args_next(&args)) >= 0) {
		if (option == 'f')
			state.force = true;
		else
			state.keep = true;
	}
	args_operands(&args, 1, INT_MAX);
	state.path = *args.operands++;
	named = --args.count > 0;
	if (named)
		ids = ids_from_args(&args);
	open_client(&state.ctx);
	if (!named)
		status = ids_in_use(&state.ctx, &ids);
	if (status)
		status = say_error(status, "cannot list the IDs");
	else
		status = save(&state, &ids);
	/* Closing the client returns the events that were not acknowledged. */
	ke_close(&state.ctx);
	free(state.temporary);
	free(state.seqs);
	ids_free(&ids);
	free(args.operands - 1);
	return status;
}

const struct verb save_verb = {
	.name = "save",
	.synopsis = "[OPTION]... FILE [ID]...",
	.summary = "move waiting events to a file, as before a reboot",
	.help =
"Moves the events that wait under the IDs from the kernel to FILE, for 'kevents\n"
"restore'. Without an ID, moves those of all IDs from which the caller may\n"
"receive. The events are gone from the kernel only when FILE, with a checksum,\n"
"has reached the disk. If anything fails before, or the command is killed, all\n"
"events go back to their places and FILE does not exist. If it is killed\n"
"afterwards, some events may be in both; none is lost. If FILE is -, the events\n"
"are written to standard output, and are gone when it has taken all of them.\n"
"\n"
"  -f, --force           replace FILE if it exists\n"
"  -k, --keep            leave the events in the kernel, so that FILE is a copy;\n"
"                        this counts as one delivery of each event, also for\n"
"                        'kevents work'\n"
HELP_TEXT
"\n"
"FILE does not contain events that are on lease (their number is reported),\n"
"events that are sent meanwhile, times to live, which cannot be read, and claims.\n"
"Only its owner can read it.\n"
"\n"
"Exit status: 0 success, even if there were no events; 2 wrong usage; 3 refused;\n"
"4 no device.\n",
	.run = run,
};
