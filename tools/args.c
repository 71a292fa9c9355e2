// SPDX-License-Identifier: GPL-2.0-only
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "say.h"
#include "units.h"

static bool is_negative_number(const char *word)
{
	return word[0] == '-' && word[1] && strspn(word + 1, "0123456789") == strlen(word + 1);
}

static void start(struct args *args)
{
	char *letters;

	args->operands = xzalloc(((size_t)args->argc + 1) * sizeof(char *));
	/* '+' makes getopt_long() stop at each operand, which args_next() then collects. */
	if (asprintf(&letters, "+%sh", args->letters) < 0)
		exit(say_errno("options"));
	args->letters = letters;
	optind = 1;
}

int args_next(struct args *args)
{
	if (!args->operands)
		start(args);
	for (;;) {
		char *word = optind < args->argc ? args->argv[optind] : NULL;
		int option;

		if (word && (is_negative_number(word) || word[0] != '-' || !word[1])) {
			args->operands[args->count++] = word;
			optind++;
			continue;
		}
		option = getopt_long(args->argc, args->argv, args->letters, args->options, NULL);
		switch (option) {
		case 'h':
			print_help(args->verb);
			exit(close_output());
		case '?':
			fprintf(stderr, "Try 'kevents %s --help'.\n", args->verb->name);
			exit(USAGE);
		case -1:
			if (word)
				args->rest = args->argv + optind;
			return -1;
		default:
			return option;
		}
	}
}

void args_operands(struct args *args, int min, int max)
{
	while (args->rest && *args->rest)
		args->operands[args->count++] = *args->rest++;
	if (args->count < min)
		usage_error(args->verb, "an operand is missing");
	if (args->count > max)
		usage_error(args->verb, "unexpected operand '%s'", args->operands[max]);
}

bool parse_id(const char *text, int *id)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, strncasecmp(text, "0x", 2) ? 10 : 16);
	if (end == text || *end || isspace((unsigned char)*text) || errno || number < INT_MIN ||
	    number > INT_MAX)
		return false;
	*id = (int)number;
	return true;
}

bool parse_count(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, strncasecmp(text, "0x", 2) ? 10 : 16);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

int args_id(const struct args *args, const char *text)
{
	int id;

	if (!parse_id(text, &id))
		usage_error(args->verb, "'%s' is not an ID, which is an integer from %d to %d",
			    text, INT_MIN, INT_MAX);
	return id;
}

unsigned int args_count(const struct args *args, const char *option, const char *text)
{
	int number;

	if (!parse_id(text, &number) || number < 0)
		usage_error(args->verb, "%s '%s': must be a whole number", option, text);
	return (unsigned int)number;
}

unsigned int args_positive(const struct args *args, const char *option, const char *text)
{
	unsigned int number = args_count(args, option, text);

	if (!number)
		usage_error(args->verb, "%s 0: must be at least 1", option);
	return number;
}

uint64_t args_duration(const struct args *args, const char *option, const char *text,
		       uint64_t max)
{
	uint64_t ms;

	if (!parse_duration(text, &ms))
		usage_error(args->verb, "%s '%s': must be a time such as 500ms, 10s, 5m or 1h",
			    option, text);
	if (ms > max)
		usage_error(args->verb, "%s '%s': must be at most %llud", option, text,
			    (unsigned long long)(max / 86400000));
	return ms;
}

void print_help(const struct verb *verb)
{
	printf("Usage: kevents %s %s\n\n%s", verb->name, verb->synopsis, verb->help);
}
