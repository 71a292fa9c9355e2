/* SPDX-License-Identifier: GPL-2.0-only */
/* A verb of the command: what it is called, what its help says, what runs it. */
#ifndef VERB_H
#define VERB_H

/* What the command ends with. */
enum status {
	DONE = 0,
	NOTHING = 1,	/* nothing there, and nothing is wrong */
	USAGE = 2,	/* the command line makes no sense */
	REFUSED = 3,	/* by a permission, a claim, a limit, or another error */
	NO_DEVICE = 4,	/* the module is not loaded, or does not fit */
};

struct verb {
	const char *name;
	const char *synopsis;	/* the words behind the name */
	const char *summary;	/* one line, for the list of verbs */
	const char *help;	/* what it does, and its options */
	/* argv[0] is what diagnostics begin with. Returns an enum status. */
	int (*run)(const struct verb *verb, int argc, char **argv);
};

extern const struct verb send_verb, get_verb, poll_verb, watch_verb, work_verb,
	list_verb, stat_verb, limits_verb, purge_verb, claim_verb, unclaim_verb,
	top_verb, save_verb, restore_verb, doctor_verb;

#endif /* VERB_H */
