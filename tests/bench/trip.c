// SPDX-License-Identifier: GPL-2.0-only
/* Messages that go to another process, which waits, and come back. */
#include "works.h"

#include "choice.h"
#include "line.h"
#include "mark.h"
#include "measure.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>

#define SIZE	64
#define BATCH	20
#define PROFILED 640

struct trip {
	struct line there, back;
};

static void trip_open(struct trip *trip, const struct line_kind *kind, size_t size)
{
	line_open(&trip->there, kind, size);
	line_open(&trip->back, kind, size);
}

static void trip_close(struct trip *trip)
{
	line_close(&trip->there);
	line_close(&trip->back);
}

static void answer(void *data)
{
	struct trip *trip = data;

	line_attach(&trip->there);
	line_attach(&trip->back);
	for (;;) {
		line_wait(&trip->there);
		trip->back.kind->send(&trip->back);
	}
}

static void make_trip(void *data)
{
	struct trip *trip = data;

	trip->there.kind->send(&trip->there);
	line_wait(&trip->back);
}

static double trip_with(const struct line_kind *kind, size_t size, unsigned int waiters)
{
	pid_t *workers = room_for(waiters, sizeof(*workers));
	struct trip trip;
	double took;

	trip_open(&trip, kind, size);
	for (unsigned int i = 0; i < waiters; i++)
		workers[i] = worker_start(answer, &trip);
	/* The first turn of each pays for page faults. */
	for (unsigned int i = 0; i < 3 * waiters; i++)
		make_trip(&trip);
	took = measure(make_trip, &trip, BATCH);
	for (unsigned int i = 0; i < waiters; i++)
		worker_stop(workers[i]);
	trip_close(&trip);
	free(workers);
	return took;
}

void bench_round_trips(void)
{
	static const struct line_kind *const kinds[] = {
		&kevents_line, &record_line, &sysv_line, &mqueue_line,
		&pipe_line, &datagram_line, &seqpacket_line,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (wanted("round-trip", kinds[i]->name, SIZE))
			report("round-trip", kinds[i]->name, SIZE, trip_with(kinds[i], SIZE, 1));
	if (wanted("round-trip", eventfd_line.name, 0))
		report("round-trip", eventfd_line.name, 0, trip_with(&eventfd_line, 0, 1));
}

/* There and back, all of it, is what counts as sending. */
static void profile_trip(const struct line_kind *kind)
{
	struct trip trip;
	pid_t worker;

	trip_open(&trip, kind, SIZE);
	worker = worker_start(answer, &trip);
	for (int i = 0; i < BATCH; i++)
		make_trip(&trip);
	for (int i = 0; i < PROFILED; i++) {
		MARK(MARK_SEND);
		make_trip(&trip);
		MARK(MARK_OFF);
	}
	MARK(MARK_NEXT);
	worker_stop(worker);
	trip_close(&trip);
	printf("profile\t%s-trip\t%d\t%d\n", kind->name, SIZE, PROFILED);
}

void profile_trips(void)
{
	static const struct line_kind *const kinds[] = { &kevents_line, &sysv_line, &mqueue_line };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (wanted("profile-trip", kinds[i]->name, SIZE))
			profile_trip(kinds[i]);
}

void bench_waiters(void)
{
	static const struct line_kind *const kinds[] = { &kevents_line, &sysv_line, &mqueue_line };
	static const unsigned int waiters[] = { 1, 1000 };

	for (size_t i = 0; i < sizeof(waiters) / sizeof(*waiters); i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			if (wanted("waiters", kinds[k]->name, waiters[i]))
				report("waiters", kinds[k]->name, waiters[i],
				       trip_with(kinds[k], SIZE, waiters[i]));
}
