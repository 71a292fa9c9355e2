// SPDX-License-Identifier: GPL-2.0-only
#include "works.h"

#include "choice.h"
#include "line.h"
#include "measure.h"
#include "profile.h"

static const size_t sizes[] = { 0, 64, 1024, 4096, 65536 };

static void bench_pair(const struct line_kind *kind, size_t size)
{
	unsigned int batch = size > 4096 || kind->each > 1 ? 20 : 100;
	struct line line;
	double took;

	if (!wanted("pair", kind->name, (long)size))
		return;
	line_open(&line, kind, size);
	took = measure(line_pass, &line, batch);
	report("pair", kind->name, (long)size, took / kind->each);
	line_close(&line);
}

static void profile_pair(const struct line_kind *kind, size_t size)
{
	if (wanted("profile", kind->name, (long)size))
		profile_line(kind, size);
}

static void each_pair(void (*work)(const struct line_kind *kind, size_t size))
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (const struct line_kind *const *kind = line_kinds; *kind; kind++)
			if (line_takes(*kind, sizes[i]))
				work(*kind, sizes[i]);
}

void bench_pairs(void)
{
	each_pair(bench_pair);
}

void profile_pairs(void)
{
	each_pair(profile_pair);
}
