// SPDX-License-Identifier: GPL-2.0-only
#include "works.h"

#include "choice.h"
#include "line.h"
#include "measure.h"

#include <stdio.h>
#include <unistd.h>

/* Enough that slabs which others fill meanwhile do not count. */
#define MESSAGES	50000L

/* Pages of a slab, and how many slabs. */
#define SLABINFO	"%*s %*d %*d %*d %*d %ld : tunables %*d %*d %*d : slabdata %*d %ld"

static const size_t sizes[] = { 0, 64, 1024, 4096 };

/* Bytes of all slabs. */
static long slab_bytes(void)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	long pages_each, slabs, pages = 0;
	char line[500];

	must(file, "/proc/slabinfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, SLABINFO, &pages_each, &slabs) == 2)
			pages += pages_each * slabs;
	fclose(file);
	return pages * sysconf(_SC_PAGESIZE);
}

static void bench_size(const struct line_kind *kind, size_t size)
{
	struct line line;
	long before;

	if (!wanted("memory", kind->name, (long)size))
		return;
	line_open(&line, kind, size);
	before = slab_bytes();
	for (long i = 0; i < MESSAGES; i++)
		kind->send(&line);
	report("memory", kind->name, (long)size, (double)(slab_bytes() - before) / MESSAGES);
	line_close(&line);
}

void bench_memory(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		bench_size(&kevents_line, sizes[i]);
		bench_size(&sysv_line, sizes[i]);
	}
}
