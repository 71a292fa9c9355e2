/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a command line: options, operands, IDs, numbers. */
#ifndef ARGS_H
#define ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "verb.h"

struct args {
	const struct verb *verb;
	int argc;
	char **argv;
	const char *letters;		/* as for getopt_long(), without its '+' */
	const struct option *options;
	char **operands;		/* count of them, and NULL */
	int count;
	char **rest;			/* what stands behind "--", and NULL; NULL: no "--" */
};

/* What every verb has. */
#define HELP_OPTION	{ "help", no_argument, NULL, 'h' }
#define HELP_TEXT	"  -h, --help            this text\n"

/* Long options without a letter count on from here. */
#define LONG_ONLY	256

/*
 * Returns the next option, its argument in optarg; -1 behind the last one. A
 * negative number is an operand. Answers --help, and ends the program where an
 * option is wrong.
 */
int args_next(struct args *args);

/*
 * For verbs with no command behind "--": takes what stands there as operands,
 * and ends the program unless there are at least min and at most max.
 */
void args_operands(struct args *args, int min, int max);

/* These end the program unless text is what they are to return. */
int args_id(const struct args *args, const char *text);
unsigned int args_count(const struct args *args, const char *option, const char *text);
/* At least one. */
unsigned int args_some(const struct args *args, const char *option, const char *text);
/* In milliseconds, at most max. */
uint64_t args_duration(const struct args *args, const char *option, const char *text,
		       uint64_t max);

/* The same as args_id() without ending the program. */
bool parse_id(const char *text, int *id);

/* A whole number that is not negative, decimal or, after 0x, hexadecimal. */
bool parse_count(const char *text, uint64_t *number);

void print_help(const struct verb *verb);

#endif /* ARGS_H */
