// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: bench [--profile] [PATTERN]...
 *
 * Prints a line for each figure, tabs between: what was done, who did it, the
 * parameter (bytes of a message), and what one message took in ns. The patterns,
 * as of file names, choose by "WHAT/WHO/PARAMETER". With --profile it sets marks
 * for profile/plugin.c instead.
 */
#include "measure.h"
#include "line.h"
#include "profile.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static const size_t sizes[] = { 0, 64, 1024, 4096, 65536 };

static char **patterns;

static bool wanted(const char *work, const char *who, long parameter)
{
	char name[100];

	snprintf(name, sizeof(name), "%s/%s/%ld", work, who, parameter);
	for (char **pattern = patterns; *pattern; pattern++)
		if (fnmatch(*pattern, name, 0) == 0)
			return true;
	return !*patterns;
}

static void send_and_receive(void *data)
{
	struct line *line = data;

	line->kind->send(line);
	line->kind->receive(line);
}

static void bench_pair(const struct line_kind *kind, size_t size)
{
	unsigned int batch = size > 4096 || kind->each > 1 ? 20 : 100;
	struct line line;
	double took;

	if (!line_takes(kind, size) || !wanted("pair", kind->name, (long)size))
		return;
	line_open(&line, kind, size);
	took = measure(send_and_receive, &line, batch);
	report("pair", kind->name, (long)size, took / kind->each);
	line_close(&line);
}

static void profile_pair(const struct line_kind *kind, size_t size)
{
	if (line_takes(kind, size) && wanted("profile", kind->name, (long)size))
		profile_line(kind, size);
}

static void each_pair(void (*work)(const struct line_kind *kind, size_t size))
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (const struct line_kind *const *kind = line_kinds; *kind; kind++)
			work(*kind, sizes[i]);
}

int main(int argc, char **argv)
{
	bool profile = argc > 1 && strcmp(argv[1], "--profile") == 0;

	patterns = argv + 1 + profile;
	if (profile) {
		each_pair(profile_pair);
		return 0;
	}
	each_pair(bench_pair);
	return 0;
}
