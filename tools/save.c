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

struct saving {
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
static int count_waiting(struct saving *saving, const struct ids *ids, uint64_t *pending)
{
	for (int i = 0; i < ids->count; i++) {
		struct ke_stat stat;
		int err = ke_stat(&saving->ctx, ids->list[i], &stat);

		if (err)
			return say_error(err, "%d", ids->list[i]);
		pending[i] = stat.pending;
		saving->total += stat.pending;
		saving->leased += stat.leased;
	}
	return DONE;
}

static int save_id(struct saving *saving, struct event_buf *buf, int id, uint64_t pending)
{
	for (; pending; pending--) {
		int err = receive(&saving->ctx, id, buf, KE_LEASE, 0, 0);

		if (err == -ENOMSG)
			return DONE;
		if (err)
			return say_error(err, "%d", id);
		if (saving->writer.count == saving->capacity) {
			saving->capacity = saving->capacity ? saving->capacity * 2 : 1024;
			saving->seqs = xrealloc(saving->seqs,
						saving->capacity * sizeof(*saving->seqs));
		}
		saving->seqs[saving->writer.count] = buf->event.seq;
		save_event(&saving->writer, &buf->event);
		progress_to(&saving->progress, saving->writer.count);
	}
	return DONE;
}

static int save_all(struct saving *saving, const struct ids *ids)
{
	uint64_t *pending = xzalloc((size_t)ids->count * sizeof(*pending));
	struct event_buf buf = { .capacity = 0 };
	int status = count_waiting(saving, ids, pending);

	saving->progress = progress_start("saving", saving->total);
	for (int i = 0; status == DONE && i < ids->count; i++) {
		uint64_t before = saving->writer.count;

		status = save_id(saving, &buf, ids->list[i], pending[i]);
		saving->ids += saving->writer.count > before;
	}
	progress_end(&saving->progress);
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
static int publish(const struct saving *saving)
{
	unsigned int flags = saving->force ? 0 : RENAME_NOREPLACE;
	int ret = renameat2(AT_FDCWD, saving->temporary, AT_FDCWD, saving->path, flags);

	if (ret && errno == EINVAL) {	/* a file system without RENAME_NOREPLACE */
		ret = link(saving->temporary, saving->path);
		if (!ret)
			unlink(saving->temporary);
	}
	if (ret)
		return say_errno("%s", saving->path);
	if (!fsync(saving->directory))
		return DONE;
	say_errno("%s", saving->path);
	unlink(saving->path);
	return REFUSED;
}

/* Acknowledges the events, which must not happen before the file is safe. */
static int acknowledge_all(struct saving *saving)
{
	uint64_t left = 0;

	if (saving->keep)
		return DONE;
	saving->progress = progress_start("acknowledging", saving->writer.count);
	for (uint64_t i = 0; i < saving->writer.count; i++) {
		if (ke_ack(&saving->ctx, saving->seqs[i]))
			left++;
		progress_to(&saving->progress, i);
	}
	progress_end(&saving->progress);
	if (!left)
		return DONE;
	say("%" PRIu64 " events are in the file and still in the kernel", left);
	return REFUSED;
}

static int write_file(struct saving *saving, const struct ids *ids, FILE *file)
{
	int status;

	save_begin(&saving->writer, file);
	status = save_all(saving, ids);
	if (status == DONE && save_end(&saving->writer))
		status = say_errno("%s", saving->path);
	return status;
}

static void report(const struct saving *saving)
{
	char bytes[UNITS_TEXT];

	say("%" PRIu64 " events of %d IDs, %s bytes, are in %s%s", saving->writer.count,
	    saving->ids, format_bytes(bytes, saving->writer.bytes), saving->path,
	    saving->keep ? ", and still here" : "");
	if (saving->leased)
		say("%" PRIu64 " events on lease were left out", saving->leased);
}

/* Returns whether path may be created or replaced. Prints a diagnostic if not. */
static bool may_create(const struct saving *saving)
{
	struct stat there;

	if (lstat(saving->path, &there))
		return true;
	if (!saving->force)
		say("%s exists already; --force replaces it", saving->path);
	else if (!S_ISREG(there.st_mode))
		say("%s is not a regular file", saving->path);
	else
		return true;
	return false;
}

static int save_to_file(struct saving *saving, const struct ids *ids)
{
	int fd, status;
	FILE *file;

	if (!may_create(saving))
		return REFUSED;
	/* The directory must be usable before any event is leased. */
	saving->directory = open_directory(saving->path);
	if (saving->directory < 0 || asprintf(&saving->temporary, "%s.XXXXXX", saving->path) < 0)
		return say_errno("%s", saving->path);
	fd = mkostemp(saving->temporary, O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file)
		return say_errno("%s", saving->path);
	status = write_file(saving, ids, file);
	if (fclose(file) && status == DONE)
		status = say_errno("%s", saving->path);
	if (status == DONE)
		status = publish(saving);
	if (status != DONE)
		unlink(saving->temporary);
	close(saving->directory);
	return status;
}

static int save_to_stdout(struct saving *saving, const struct ids *ids)
{
	saving->path = "standard output";
	if (isatty(STDOUT_FILENO)) {
		say("%s is a terminal", saving->path);
		return REFUSED;
	}
	return write_file(saving, ids, stdout);
}

static int save(struct saving *saving, const struct ids *ids)
{
	int status = strcmp(saving->path, "-") ? save_to_file(saving, ids) :
						 save_to_stdout(saving, ids);

	if (status == DONE)
		status = acknowledge_all(saving);
	if (status == DONE)
		report(saving);
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
	struct saving saving = { .path = NULL };
	struct ids ids = { NULL, 0 };
	int option, status = DONE;
	bool named;

	while ((option = args_next(&args)) >= 0) {
		if (option == 'f')
			saving.force = true;
		else
			saving.keep = true;
	}
	args_operands(&args, 1, INT_MAX);
	saving.path = *args.operands++;
	named = --args.count > 0;
	if (named)
		ids = ids_from_args(&args);
	open_client(&saving.ctx);
	if (!named)
		status = ids_in_use(&saving.ctx, &ids);
	if (status)
		status = say_error(status, "cannot list the IDs");
	else
		status = save(&saving, &ids);
	/* Closing the client returns the events that were not acknowledged. */
	ke_close(&saving.ctx);
	free(saving.temporary);
	free(saving.seqs);
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
