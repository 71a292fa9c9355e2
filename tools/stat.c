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

static void print_number(const char *name, uint64_t number)
{
	printf("%-9s %" PRIu64 "\n", name, number);
}

static void print_size(const char *name, uint64_t bytes, bool human)
{
	char text[UNITS_TEXT];

	if (human)
		printf("%-9s %s\n", name, format_bytes(text, bytes));
	else
		print_number(name, bytes);
}

static void print_counts(const struct ke_stat *stat, bool human)
{
	print_number("pending", stat->pending);
	print_number("leased", stat->leased);
	print_size("bytes", stat->bytes, human);
	print_number("waiters", stat->waiters);
	print_number("sent", stat->sent);
	print_number("received", stat->received);
	print_number("expired", stat->expired);
	print_number("returned", stat->returned);
}

static int stat_one(kevents_ctx *ctx, int id, bool json, bool human)
{
	char owner[NAMES_TEXT];
	struct ke_stat stat;
	int err = ke_stat(ctx, id, &stat);

	if (err)
		return say_error(err, "%d", id);
	if (json) {
		print_json(json_stat(&stat));
		return close_output();
	}
	printf("%-9s %d\n", "id", stat.id);
	print_counts(&stat, human);
	if (stat.claimed)
		printf("%-9s %s\n%-9s %04o\n", "owner",
		       owner_name(owner, stat.owner_uid, stat.owner_gid), "mode",
		       (unsigned int)stat.mode);
	return close_output();
}

static void add(struct ke_stat *sum, const struct ke_stat *stat)
{
	sum->pending += stat->pending;
	sum->leased += stat->leased;
	sum->bytes += stat->bytes;
	sum->waiters += stat->waiters;
	sum->sent += stat->sent;
	sum->received += stat->received;
	sum->expired += stat->expired;
	sum->returned += stat->returned;
}

static int stat_all(kevents_ctx *ctx, bool json, bool human)
{
	struct ke_stat sum = { .id = 0 }, stat;
	json_t *object;
	struct ids ids;
	int err = ids_in_use(ctx, &ids), i;

	if (err)
		return say_error(err, "cannot list the IDs");
	for (i = 0; !err && i < ids.count; i++) {
		err = ke_stat(ctx, ids.list[i], &stat);
		if (!err)
			add(&sum, &stat);
		else if (err == -EPERM)
			err = 0;
	}
	ids_free(&ids);
	if (err)
		return say_error(err, "cannot see all IDs");
	if (json) {
		object = json_stat(&sum);
		json_object_del(object, "id");
		json_object_del(object, "claimed");
		json_object_set_new(object, "ids", json_integer(ids.count));
		print_json(object);
	} else {
		printf("%-9s %d\n", "ids", ids.count);
		print_counts(&sum, human);
	}
	return close_output();
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "human", no_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "Hj", .options = options
	};
	bool human = false, json = false;
	kevents_ctx ctx;
	int option, status, id = 0;

	while ((option = args_next(&args)) >= 0) {
		if (option == 'H')
			human = true;
		else
			json = true;
	}
	args_operands(&args, 0, 1);
	if (human && json)
		usage_error(verb, "--human and --json exclude each other");
	if (args.count)
		id = args_id(&args, args.operands[0]);
	open_client(&ctx);
	if (args.count)
		status = stat_one(&ctx, id, json, human);
	else
		status = stat_all(&ctx, json, human);
	ke_close(&ctx);
	free(args.operands);
	return status;
}

const struct verb stat_verb = {
	.name = "stat",
	.synopsis = "[OPTION]... [ID]",
	.summary = "show the state of an ID, or the sums over all",
	.help =
"Shows the state of ID, as lines of a name and a value: the events that wait\n"
"(pending) and that are on lease (leased), the bytes of both, the receivers that\n"
"wait, how many events were sent, received, expired and returned since the ID\n"
"came into use, and the owner and mode of a claim. Without ID, shows the sums\n"
"over all IDs of this network namespace that the caller may see, and their\n"
"number.\n"
"\n"
"  -H, --human           print sizes with units\n"
"  -j, --json            print an object: id (or ids), pending, leased, bytes,\n"
"                        waiters, sent, received, expired, returned; with ID also\n"
"                        claimed, and with a claim owner_uid, owner_gid and mode\n"
HELP_TEXT
"\n"
"Exit status: 0 success; 2 wrong usage; 3 refused; 4 no device.\n",
	.run = run,
};
