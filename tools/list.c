// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "ids.h"
#include "json.h"
#include "names.h"
#include "say.h"
#include "units.h"

enum form {
	TABLE,
	HUMAN,
	QUIET,
	JSON,
};

static void print_row(const struct ke_stat *stat, enum form form)
{
	char bytes[UNITS_TEXT], owner[NAMES_TEXT];

	if (form == HUMAN)
		format_bytes(bytes, stat->bytes);
	else
		snprintf(bytes, sizeof(bytes), "%" PRIu64, stat->bytes);
	printf("%-11d %8" PRIu64 " %6" PRIu64 " %9s %7" PRIu64 " %9" PRIu64 " %9" PRIu64,
	       stat->id, stat->pending, stat->leased, bytes, stat->waiters, stat->sent,
	       stat->received);
	if (stat->claimed)
		printf(" %04o %s\n", (unsigned int)stat->mode,
		       owner_name(owner, stat->owner_uid, stat->owner_gid));
	else
		printf("    - -\n");
}

/* -EPERM is no error: the ID may have been claimed since it was listed. */
static int list_one(kevents_ctx *ctx, int id, enum form form, json_t *array)
{
	struct ke_stat stat;
	int err;

	if (form == QUIET) {
		printf("%d\n", id);
		return DONE;
	}
	err = ke_stat(ctx, id, &stat);
	if (err == -EPERM)
		return DONE;
	if (err)
		return say_error(err, "%d", id);
	if (form == JSON)
		append_json(array, json_stat(&stat));
	else
		print_row(&stat, form);
	return DONE;
}

static int list_all(kevents_ctx *ctx, enum form form)
{
	json_t *array = NULL;
	struct ids ids;
	int status, i;

	status = ids_in_use(ctx, &ids);
	if (status)
		return say_error(status, "cannot list the IDs");
	if (form == JSON)
		array = json_array();
	else if (form != QUIET)
		printf("%-11s %8s %6s %9s %7s %9s %9s %4s %s\n", "ID", "PENDING", "LEASED",
		       "BYTES", "WAITERS", "SENT", "RECEIVED", "MODE", "OWNER");
	for (i = 0; status == DONE && i < ids.count; i++)
		status = list_one(ctx, ids.list[i], form, array);
	if (form == JSON && status == DONE)
		print_json(array);
	ids_free(&ids);
	return status == DONE ? close_output() : status;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "quiet", no_argument, NULL, 'q' },
		{ "human", no_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "qHj", .options = options
	};
	enum form form = TABLE;
	kevents_ctx ctx;
	int option, status;

	while ((option = args_next(&args)) >= 0) {
		if (form != TABLE)
			usage_error(verb, "--quiet, --human and --json exclude each other");
		form = option == 'q' ? QUIET : option == 'H' ? HUMAN : JSON;
	}
	args_operands(&args, 0, 0);
	free(args.operands);
	open_client(&ctx);
	status = list_all(&ctx, form);
	ke_close(&ctx);
	return status;
}

const struct verb list_verb = {
	.name = "list",
	.synopsis = "[OPTION]...",
	.summary = "show the IDs in use",
	.help =
"Shows the IDs in use in this network namespace, in ascending order, without\n"
"those whose claim does not let the caller receive. Each line has the events that\n"
"wait (PENDING) and that are on lease (LEASED), the bytes of both, the receivers\n"
"that wait, the events sent and received since the ID came into use, and the mode\n"
"and owner of a claim.\n"
"\n"
"  -q, --quiet           print only the IDs\n"
"  -H, --human           print sizes with units\n"
"  -j, --json            print an array of the objects that 'kevents stat ID'\n"
"                        prints\n"
HELP_TEXT
"\n"
"Exit status: 0 success, even if there are none; 2 wrong usage; 3 refused; 4 no\n"
"device.\n",
	.run = run,
};
