/* SPDX-License-Identifier: GPL-2.0-only */
/* Parses a command line: options, operands, IDs and numbers. */
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
	char **operands;		/* count of them, NULL-terminated */
	int count;
	char **rest;			/* words after "--", NULL-terminated; NULL: no "--" */
};

/* The option that every verb has. */
#define HELP_OPTION	{ "help", no_argument, NULL, 'h' }
#define HELP_TEXT	"  -h, --help            this text\n"

/* The first value for a long option without a letter. */
#define LONG_ONLY	256

/*
 * Returns the next option, with its argument in optarg, or -1 after the last one.
 * A negative number is an operand. Prints the help and exits on --help; exits if an
 * option is wrong.
 */
int args_next(struct args *args);

/*
 * For verbs without a command after "--": adds the words after "--" to the operands,
 * and exits unless there are at least min and at most max operands.
 */
void args_operands(struct args *args, int min, int max);

/* The next four exit if text is not valid. */
int args_id(const struct args *args, const char *text);
unsigned int args_count(const struct args *args, const char *option, const char *text);
/* Returns at least 1. */
unsigned int args_positive(const struct args *args, const char *option, const char *text);
/* Returns milliseconds, at most max. */
uint64_t args_duration(const struct args *args, const char *option, const char *text,
		       uint64_t max);

/* Returns false if text is not an ID. */
bool parse_id(const char *text, int *id);

/* Reads a whole number from 0 on: decimal or, after 0x, hexadecimal. */
bool parse_count(const char *text, uint64_t *number);

void print_help(const struct verb *verb);

#endif /* ARGS_H */
