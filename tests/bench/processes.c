// SPDX-License-Identifier: GPL-2.0-only
/* Several processes at a time that each send and receive. */
#include "works.h"

#include "choice.h"
#include "line.h"
#include "measure.h"
#include "worker.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE		64
#define PROCESSES_MAX	8

static const unsigned int counts[] = { 1, 2, 4, PROCESSES_MAX };

static const struct line_kind *const kinds[] = {
	&floor_line, &kevents_line, &sysv_line, &mqueue_line, &pipe_line, &seqpacket_line,
};

/* What each process does, and how often anew. */
struct load {
	unsigned int passes, runs;
};

/* In memory that the processes share. */
struct crew {
	pthread_barrier_t start, end;
	struct load load;
	struct member {
		struct crew *crew;
		int processor;
		struct line line;
		int64_t from_ns, until_ns;
	} members[PROCESSES_MAX];
};

static void work(void *data)
{
	struct member *member = data;
	struct line line = member->line;
	struct load load = member->crew->load;
	cpu_set_t processors;

	CPU_ZERO(&processors);
	CPU_SET(member->processor, &processors);
	must(sched_setaffinity(0, sizeof(processors), &processors) == 0, "sched_setaffinity");
	line_attach(&line);
	for (unsigned int run = 0; run < load.runs; run++) {
		pthread_barrier_wait(&member->crew->start);
		member->from_ns = now_ns();
		for (unsigned int i = 0; i < load.passes; i++)
			line_pass(&line);
		member->until_ns = now_ns();
		pthread_barrier_wait(&member->crew->end);
	}
}

/* From the first one's start to the last one's end. */
static int64_t run_ns(const struct crew *crew, unsigned int n)
{
	int64_t from = INT64_MAX, until = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (crew->members[i].from_ns < from)
			from = crew->members[i].from_ns;
		if (crew->members[i].until_ns > until)
			until = crew->members[i].until_ns;
	}
	return until - from;
}

static struct crew *crew_new(unsigned int n, struct load load)
{
	struct crew *crew = mmap(NULL, sizeof(*crew), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t shared;

	must(crew != MAP_FAILED, "mmap");
	crew->load = load;
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&crew->start, &shared, n + 1);
	pthread_barrier_init(&crew->end, &shared, n + 1);
	return crew;
}

/* Returns what a pass took, the smallest of the runs: all time by all passes. */
static double passes_of(const struct line_kind *kind, unsigned int n, bool one_queue,
			struct load load)
{
	struct crew *crew = crew_new(n, load);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int64_t took, least = INT64_MAX;
	pid_t workers[PROCESSES_MAX];

	for (unsigned int i = 0; i < n; i++) {
		struct member *member = &crew->members[i];

		member->crew = crew;
		member->processor = (int)(i % processors);
		if (i && one_queue)
			member->line = crew->members[0].line;
		else
			line_open(&member->line, kind, SIZE);
		workers[i] = worker_start(work, member);
	}
	for (unsigned int run = 0; run < load.runs; run++) {
		pthread_barrier_wait(&crew->start);
		pthread_barrier_wait(&crew->end);
		took = run_ns(crew, n);
		if (took < least)
			least = took;
	}
	for (unsigned int i = 0; i < n; i++)
		worker_join(workers[i]);
	for (unsigned int i = 0; i < (one_queue ? 1 : n); i++)
		line_close(&crew->members[i].line);
	munmap(crew, sizeof(*crew));
	return (double)least / (n * load.passes);
}

static void bench_crews(const char *own, const char *shared, struct load load)
{
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
			if (wanted(own, kinds[k]->name, counts[i]))
				report(own, kinds[k]->name, counts[i],
				       passes_of(kinds[k], counts[i], false, load));
			if (wanted(shared, kinds[k]->name, counts[i]))
				report(shared, kinds[k]->name, counts[i],
				       passes_of(kinds[k], counts[i], true, load));
		}
}

void bench_processes(void)
{
	struct load load = { .passes = 1000, .runs = 5 };

	bench_crews("processes-own", "processes-shared", load);
}

void bench_scaling(void)
{
	/* So short that on a busy machine, too, some run is not disturbed. */
	struct load load = { .passes = 200, .runs = 100 };

	bench_crews("scaling-own", "scaling-shared", load);
}
