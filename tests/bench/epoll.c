// SPDX-License-Identifier: GPL-2.0-only
/*
 * One ready queue among many that are watched: one descriptor for all IDs of
 * KEvents, one for each queue of the others.
 */
#include "works.h"

#include "choice.h"
#include "line.h"
#include "measure.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define SIZE	64
#define BATCH	50

struct watched {
	struct line *lines;
	long n, next;
	int epoll;
};

static void watch(int epoll, int fd, long index)
{
	struct epoll_event interest = { .events = EPOLLIN, .data.u64 = (uint64_t)index };

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &interest) == 0, "epoll_ctl");
}

static long ready(int epoll)
{
	struct epoll_event event;

	must(epoll_wait(epoll, &event, 1, -1) == 1, "epoll_wait");
	return (long)event.data.u64;
}

/* Each time another one, far from the one before. */
static long next_index(struct watched *watched)
{
	watched->next = (watched->next + 7919) % watched->n;
	return watched->next;
}

static void pass_by_descriptors(void *data)
{
	struct watched *watched = data;
	struct line *line = &watched->lines[next_index(watched)];

	line->kind->send(line);
	line = &watched->lines[ready(watched->epoll)];
	line->kind->receive(line);
}

static void pass_by_ids(void *data)
{
	struct watched *watched = data;
	struct line *line = &watched->lines[0];
	struct ke_event event = { .data = line_sink[0], .size = SIZE };
	int id = line->id + (int)next_index(watched);

	must(ke_send_event(&line->ctx, id, line_source[0], SIZE) == 0, "ke_send_event");
	ready(watched->epoll);
	must(ke_receive(&line->ctx, 0, &event, KE_WATCHED, 0) == 0, "ke_receive");
}

static double with_descriptors(struct watched *watched, const struct line_kind *kind)
{
	double took;

	for (long i = 0; i < watched->n; i++) {
		line_open(&watched->lines[i], kind, SIZE);
		watch(watched->epoll, watched->lines[i].out, i);
	}
	took = measure(pass_by_descriptors, watched, BATCH);
	for (long i = 0; i < watched->n; i++)
		line_close(&watched->lines[i]);
	return took;
}

static double with_ids(struct watched *watched, const struct line_kind *kind)
{
	struct line *line = &watched->lines[0];
	double took;

	line_open(line, kind, SIZE);
	/* IDs that no other line has */
	line->id = 1 << 20;
	for (int i = 0; i < watched->n; i++)
		must(ke_watch(&line->ctx, line->id + i) == 0, "ke_watch");
	watch(watched->epoll, ke_fd(&line->ctx), 0);
	took = measure(pass_by_ids, watched, BATCH);
	line_close(line);
	return took;
}

static void bench_watches(const struct line_kind *kind, long n)
{
	struct watched watched = { .n = n };
	double took;

	if (!wanted("epoll", kind->name, n))
		return;
	watched.lines = room_for((size_t)n, sizeof(*watched.lines));
	watched.epoll = epoll_create1(EPOLL_CLOEXEC);
	must(watched.epoll >= 0, "epoll_create1");
	if (kind == &kevents_line)
		took = with_ids(&watched, kind);
	else
		took = with_descriptors(&watched, kind);
	report("epoll", kind->name, n, took);
	close(watched.epoll);
	free(watched.lines);
}

void bench_epoll(void)
{
	static const struct line_kind *const kinds[] = {
		&kevents_line, &pipe_line, &seqpacket_line,
	};
	static const long watches[] = { 1, 10000 };
	struct rlimit limit = { 30000, 30000 };

	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "RLIMIT_NOFILE");
	for (size_t i = 0; i < sizeof(watches) / sizeof(*watches); i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			bench_watches(kinds[k], watches[i]);
}
