// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "args.h"
#include "json.h"
#include "names.h"
#include "say.h"

static mode_t parse_mode(const struct args *args, const char *text)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (end == text || *end || *text < '0' || *text > '7' || mode & ~0666ul)
		usage_error(args->verb,
			    "'%s' is not a mode, which has octal digits 0, 2, 4 or 6, such as 0640",
			    text);
	return (mode_t)mode;
}

/*
 * The effective IDs of the open become the owner of the claim. The real IDs, which are
 * charged, and the file-system IDs, which the permissions of the device apply to, stay
 * those of the caller.
 */
static int open_as(kevents_ctx *ctx, uid_t uid, gid_t gid)
{
	const uid_t opener = geteuid();
	const gid_t group = getegid();

	if ((gid != group && setegid(gid)) || (uid != opener && seteuid(uid)))
		return say_errno("--owner");
	setfsgid(group);
	setfsuid(opener);
	open_client(ctx);
	return DONE;
}

static int claim(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "owner", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "o:j", .options = options
	};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	const char *unknown = NULL;
	bool json = false;
	kevents_ctx ctx;
	int option, status, err, id;
	mode_t mode;

	while ((option = args_next(&args)) >= 0) {
		if (option == 'j')
			json = true;
		else
			unknown = parse_owner(optarg, &uid, &gid);
		if (unknown)
			usage_error(verb, "--owner: there is no '%s'", unknown);
	}
	args_operands(&args, 2, 2);
	id = args_id(&args, args.operands[0]);
	mode = parse_mode(&args, args.operands[1]);
	free(args.operands);
	status = open_as(&ctx, uid, gid);
	if (status != DONE)
		return status;
	err = ke_claim(&ctx, id, mode);
	if (err) {
		status = say_error(err, "%d", id);
	} else if (json) {
		print_json(json_pack("{s:i, s:b, s:o}", "id", id, "claimed", 1, "mode",
				     json_sprintf("%04o", (unsigned int)mode)));
		status = close_output();
	}
	ke_close(&ctx);
	return status;
}

static int unclaim(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "j", .options = options
	};
	bool json = false;
	kevents_ctx ctx;
	int err, id;

	while (args_next(&args) >= 0)
		json = true;
	args_operands(&args, 1, 1);
	id = args_id(&args, args.operands[0]);
	free(args.operands);
	open_client(&ctx);
	err = ke_unclaim(&ctx, id);
	ke_close(&ctx);
	if (err == -ENOENT) {
		say("%d is not claimed", id);
		return NOTHING;
	}
	if (err)
		return say_error(err, "%d", id);
	if (json)
		print_json(json_pack("{s:i, s:b}", "id", id, "claimed", 0));
	return close_output();
}

const struct verb claim_verb = {
	.name = "claim",
	.synopsis = "[OPTION]... ID MODE",
	.summary = "claim an ID, or change the mode of a claim",
	.help =
"Makes the caller the owner of ID, or changes the mode of the caller's claim.\n"
"MODE is read like that of a file, as octal digits for owner, group and others:\n"
"4 lets them receive, peek, poll, see statistics and purge, and 2 lets them send.\n"
"The claim stays until 'kevents unclaim', even if its owner logs out, or until\n"
"the module is unloaded.\n"
"\n"
"  -o, --owner=USER[:GROUP]\n"
"                        make USER the owner, with GROUP or the user's own group.\n"
"                        Only root can do so. Other users can claim an ID for one\n"
"                        of their groups with \"sg GROUP -c 'kevents claim ...'\"\n"
"  -j, --json            print an object: id, claimed, mode\n"
HELP_TEXT
"\n"
"Exit status: 0 success; 2 wrong usage; 3 refused, as when another user owns ID;\n"
"4 no device.\n",
	.run = claim,
};

const struct verb unclaim_verb = {
	.name = "unclaim",
	.synopsis = "[OPTION]... ID",
	.summary = "end the claim of an ID",
	.help =
"Ends the claim of ID. Its events stay, and every user that can open the device\n"
"may then use it.\n"
"\n"
"  -j, --json            print an object: id, claimed\n"
HELP_TEXT
"\n"
"Exit status: 0 success; 1 the ID is not claimed; 2 wrong usage; 3 refused, as\n"
"when another user owns it; 4 no device.\n",
	.run = unclaim,
};
