// SPDX-License-Identifier: GPL-2.0-only
/* Sends, receives and administers messages in the kernel. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "say.h"
#include "verb.h"

static const struct verb *const verbs[] = {
	&send_verb, &get_verb, &poll_verb, &watch_verb, &work_verb, &list_verb,
	&stat_verb, &limits_verb, &purge_verb, &claim_verb, &unclaim_verb, &top_verb,
	&save_verb, &restore_verb, &doctor_verb,
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static void print_usage(void)
{
	puts("Usage: kevents VERB [OPTION]... [OPERAND]...\n"
	     "       kevents help [VERB]\n"
	     "       kevents --version\n"
	     "\n"
	     "Sends, receives and administers events, which wait in the kernel under an ID.\n"
	     "'kevents help VERB' or 'kevents VERB --help' says more.\n");
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
	puts("\n"
	     "An ID is an integer from -2147483648 to 2147483647. A time has one of the units\n"
	     "ms, s, m, h or d, as in 500ms or 1h30m; without a unit it is in seconds. A size\n"
	     "may have a unit: K, M, G, T (powers of 1024) or KB, MB, GB, TB (powers of 1000).\n"
	     "\n"
	     "Exit status:\n"
	     "  0  success\n"
	     "  1  nothing there: no event waits or came in time, the ID is not claimed\n"
	     "  2  the command line is wrong\n"
	     "  3  refused by a permission, a claim or a limit, or another error\n"
	     "  4  no device: the module is not loaded or has another version\n"
	     "\n"
	     "Environment:\n"
	     "  KEVENTS_DEVICE  the device to open instead of /dev/kevents");
}

static int help(int argc, char **argv)
{
	const struct verb *verb;

	if (argc > 2)
		usage_error(NULL, "unexpected operand '%s'", argv[2]);
	if (argc == 2) {
		verb = find_verb(argv[1]);
		if (!verb)
			usage_error(NULL, "there is no verb '%s'", argv[1]);
		print_help(verb);
	} else {
		print_usage();
	}
	return close_output();
}

static int run(const struct verb *verb, int argc, char **argv)
{
	char *name;

	if (asprintf(&name, "kevents %s", verb->name) < 0)
		return say_errno("%s", verb->name);
	say_name(name);
	argv[0] = name;	/* the prefix of getopt_long()'s diagnostics */
	return verb->run(verb, argc, argv);
}

/*
 * The device must not get the descriptor of a closed standard stream: what is printed
 * would be sent as events. /dev/null takes the descriptor instead, opened for the wrong
 * direction, so that using the stream is still an error.
 */
static void occupy_closed_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode) != fd)
			exit(REFUSED);
	}
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	occupy_closed_streams();
	/* An inherited SIG_IGN would discard the wait status of children. */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 2)
		usage_error(NULL, "a verb is missing");
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("kevents " KEVENTS_VERSION);
		return close_output();
	}
	verb = find_verb(argv[1]);
	if (!verb)
		usage_error(NULL, "there is no verb '%s'", argv[1]);
	return run(verb, argc - 1, argv + 1);
}
