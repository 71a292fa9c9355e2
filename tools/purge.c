// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "json.h"
#include "say.h"

/* ke_purge() counts up to INT_MAX only. */
static int purge(kevents_ctx *ctx, int id, uint64_t *dropped)
{
	int count;

	do {
		count = ke_purge(ctx, id);
		if (count < 0)
			return say_error(count, "%d", id);
		*dropped += (uint64_t)count;
	} while (count == INT_MAX);
	return DONE;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "j", .options = options
	};
	uint64_t dropped = 0;
	bool json = false;
	kevents_ctx ctx;
	int status, id;

	while (args_next(&args) >= 0)
		json = true;
	args_operands(&args, 1, 1);
	id = args_id(&args, args.operands[0]);
	open_client(&ctx);
	status = purge(&ctx, id, &dropped);
	ke_close(&ctx);
	free(args.operands);
	if (status)
		return status;
	if (json)
		print_json(json_pack("{s:i, s:I}", "id", id, "dropped", (json_int_t)dropped));
	else
		printf("%llu\n", (unsigned long long)dropped);
	return close_output();
}

const struct verb purge_verb = {
	.name = "purge",
	.synopsis = "[OPTION]... ID",
	.summary = "drop all events that wait under an ID",
	.help =
"Drops the events that wait under ID, but not those on lease, and prints how many\n"
"there were.\n"
"\n"
"  -j, --json            print an object: id, dropped\n"
HELP_TEXT
"\n"
"Exit status: 0 success, even if there were none; 2 wrong usage; 3 refused; 4 no\n"
"device.\n",
	.run = run,
};
