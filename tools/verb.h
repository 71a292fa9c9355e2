/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs of the command, as send in 'kevents send'. */
#ifndef VERB_H
#define VERB_H

/* Exit statuses of the command. */
enum status {
	DONE = 0,
	NOTHING = 1,	/* no such event, claim or file, which is not an error */
	USAGE = 2,	/* the command line is wrong */
	REFUSED = 3,	/* by a permission, a claim, a limit, or another error */
	NO_DEVICE = 4,	/* the module is not loaded, or has another version */
};

struct verb {
	const char *name;
	const char *synopsis;	/* the words after the name */
	const char *summary;	/* one line, for the list of verbs */
	const char *help;	/* what it does, and its options */
	/* argv[0] is the prefix of diagnostics. Returns an enum status. */
	int (*run)(const struct verb *verb, int argc, char **argv);
};

extern const struct verb send_verb, get_verb, poll_verb, watch_verb, work_verb,
	list_verb, stat_verb, limits_verb, purge_verb, claim_verb, unclaim_verb,
	top_verb, save_verb, restore_verb, doctor_verb;

#endif /* VERB_H */
