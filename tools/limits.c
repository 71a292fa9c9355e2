// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "json.h"
#include "say.h"
#include "units.h"

#define PARAMETERS "/sys/module/kevents/parameters"

enum kind {
	BYTES,
	SWITCH,
};

static const struct limit {
	const char *name;
	enum kind kind;
	size_t limit;	/* offset in struct ke_limits */
	size_t used;	/* likewise; 0: no such field */
	const char *of;
} limit_table[] = {
	{ "max_event_size", BYTES, offsetof(struct ke_limits, max_event_size), 0,
	  "payload of one event" },
	{ "max_bytes", BYTES, offsetof(struct ke_limits, max_bytes),
	  offsetof(struct ke_limits, bytes), "bytes in all namespaces" },
	{ "user_max_bytes", BYTES, offsetof(struct ke_limits, user_max_bytes),
	  offsetof(struct ke_limits, user_bytes), "bytes of this user" },
	{ "strict", SWITCH, offsetof(struct ke_limits, strict), 0,
	  "1: only claimed IDs" },
};

#define LIMITS (sizeof(limit_table) / sizeof(limit_table[0]))

static uint64_t field(const struct ke_limits *limits, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)limits + offset, sizeof(value));
	return value;
}

static const char *number_text(char text[UNITS_TEXT * 2], uint64_t value, enum kind kind,
			       bool human)
{
	if (human && kind == BYTES)
		return format_bytes(text, value);
	snprintf(text, UNITS_TEXT * 2, "%" PRIu64, value);
	return text;
}

static int show(kevents_ctx *ctx, bool json, bool human)
{
	char limit[UNITS_TEXT * 2], used[UNITS_TEXT * 2];
	struct ke_limits limits;
	int err = ke_limits(ctx, &limits);

	if (err)
		return say_error(err, "cannot read the limits");
	if (json) {
		print_json(json_limits(&limits));
		return close_output();
	}
	printf("%-14s %12s %12s  %s\n", "NAME", "LIMIT", "USED", "OF");
	for (const struct limit *at = limit_table; at < limit_table + LIMITS; at++)
		printf("%-14s %12s %12s  %s\n", at->name,
		       number_text(limit, field(&limits, at->limit), at->kind, human),
		       at->used ? number_text(used, field(&limits, at->used), at->kind, human) :
				  "-",
		       at->of);
	printf("\nThis network namespace holds %" PRIu64 " events in %s bytes.\n",
	       limits.broker_events, number_text(used, limits.broker_bytes, BYTES, human));
	return close_output();
}

static const struct limit *find_limit(const char *name, size_t len)
{
	for (size_t i = 0; i < LIMITS; i++)
		if (strlen(limit_table[i].name) == len && !strncmp(limit_table[i].name, name, len))
			return &limit_table[i];
	return NULL;
}

/* Returns the limit that word names, and its new value. Exits if word is not valid. */
static const struct limit *parse_setting(const struct verb *verb, const char *word,
					 uint64_t *value)
{
	const char *equals = strchr(word, '=');
	const struct limit *limit;

	if (!equals)
		usage_error(verb, "'%s' is not of the form NAME=VALUE", word);
	limit = find_limit(word, (size_t)(equals - word));
	if (!limit)
		usage_error(verb, "'%s' does not name a limit", word);
	if (limit->kind == BYTES) {
		if (!parse_bytes(equals + 1, value))
			usage_error(verb, "'%s': must be a size such as 65536, 64K or 1.5M",
				    word);
		return limit;
	}
	if (!parse_count(equals + 1, value) || *value > 1)
		usage_error(verb, "'%s': must be 0 or 1", word);
	return limit;
}

static int set(const struct limit *limit, uint64_t value)
{
	char path[PATH_MAX], text[UNITS_TEXT * 2];
	int fd, len;
	ssize_t written;

	snprintf(path, sizeof(path), "%s/%s", PARAMETERS, limit->name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		say_errno("%s", path);
		say("the module is not loaded: try 'modprobe kevents'");
		return NO_DEVICE;
	}
	if (fd < 0)
		return say_errno("%s", path);
	len = snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	written = write(fd, text, (size_t)len);
	if (written < 0 && (errno == EINVAL || errno == ERANGE)) {
		say("%s=%" PRIu64 ": out of range", limit->name, value);
		written = REFUSED;
	} else {
		written = written < 0 ? say_errno("%s", path) : DONE;
	}
	close(fd);
	return (int)written;
}

/* Checks all settings before the first one takes effect. */
static int set_all(const struct args *args)
{
	int status = DONE;
	uint64_t value;

	for (int i = 0; i < args->count; i++)
		parse_setting(args->verb, args->operands[i], &value);
	for (int i = 0; status == DONE && i < args->count; i++) {
		const struct limit *limit = parse_setting(args->verb, args->operands[i], &value);

		status = set(limit, value);
	}
	return status;
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
	int option, status;

	while ((option = args_next(&args)) >= 0) {
		if (option == 'H')
			human = true;
		else
			json = true;
	}
	args_operands(&args, 0, INT_MAX);
	if (human && json)
		usage_error(verb, "--human and --json exclude each other");
	if (args.count && (human || json))
		usage_error(verb, "--human and --json do not go with NAME=VALUE");
	if (args.count) {
		status = set_all(&args);
	} else {
		open_client(&ctx);
		status = show(&ctx, json, human);
		ke_close(&ctx);
	}
	free(args.operands);
	return status;
}

const struct verb limits_verb = {
	.name = "limits",
	.synopsis = "[OPTION]... [NAME=VALUE]...",
	.summary = "show the limits and their use, or set them",
	.help =
"Shows the limits and their use. With NAME=VALUE, sets limits until the module is\n"
"unloaded, each at once. A size may have a unit, as in max_bytes=128M. Only root\n"
"can set limits. To keep a setting, write it to a file in /etc/modprobe.d, in\n"
"bytes: \"options kevents max_bytes=134217728\".\n"
"\n"
"  -H, --human           print sizes with units\n"
"  -j, --json            print an object: max_event_size, max_bytes,\n"
"                        user_max_bytes, strict; and the use: bytes (in all\n"
"                        network namespaces), broker_bytes, broker_events,\n"
"                        broker_ids (in this one), user_bytes (of this user, in\n"
"                        all)\n"
HELP_TEXT
"\n"
"Exit status: 0 success; 2 wrong usage; 3 refused, as when a value is out of\n"
"range; 4 no device.\n",
	.run = run,
};
