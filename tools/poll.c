// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "args.h"
#include "say.h"

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { HELP_OPTION, { NULL, 0, NULL, 0 } };
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "", .options = options
	};
	kevents_ctx ctx;
	int id, waits;

	while (args_next(&args) >= 0)
		;
	args_operands(&args, 1, 1);
	id = args_id(&args, args.operands[0]);
	open_client(&ctx);
	waits = ke_poll_event(&ctx, id);
	ke_close(&ctx);
	free(args.operands);
	if (waits < 0)
		return say_error(waits, "%d", id);
	return waits ? DONE : NOTHING;
}

const struct verb poll_verb = {
	.name = "poll",
	.synopsis = "ID",
	.summary = "report by the exit status whether an event waits",
	.help =
"Reports by its exit status whether an event waits under ID, and prints nothing.\n"
"\n"
HELP_TEXT
"\n"
"Exit status: 0 an event waits; 1 none waits; 2 wrong usage; 3 refused; 4 no\n"
"device.\n",
	.run = run,
};
