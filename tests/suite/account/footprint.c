// SPDX-License-Identifier: GPL-2.0-only
/* P5: events take as much memory as is charged for them, in pieces that there are. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>

#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/module.h"

#define LONGEST 1048576

static char payload[LONGEST], received[LONGEST];

/* Sends events of len bytes until there is no room, to IDs that far apart; returns how many. */
static unsigned int fill(int id, int step, size_t len)
{
	unsigned int sent = 0;
	int err;

	while (!(err = ke_send_event(&ke, id + step * sent, payload, len)))
		sent++;
	ASSERT_RESULT(err, -EAGAIN);
	return sent;
}

/* What is taken while so many bytes are charged for events of this size, to that. */
static double ratio_of(int id, size_t len, unsigned long room)
{
	unsigned long charged = limits_now().bytes;
	long taken = slab_pages(CACHES);
	unsigned int sent, i;
	double ratio;

	limit_set("max_bytes", charged + room);
	/* Each has an ID of its own, since it is charged with a queue. */
	sent = fill(id, 1, len);
	ck_assert_uint_gt(sent, 0);
	charged = limits_now().bytes - charged;
	taken = slab_pages(CACHES) - taken;
	ratio = (double)taken / charged;
	for (i = 0; i < sent; i++)
		ck_assert_uint_eq(drain(id + i), 1);
	dprintf(STDOUT_FILENO, "# %zu bytes: %lu charged for each, %.3f of that taken\n", len,
		charged / sent, ratio);
	return ratio;
}

START_TEST(p5_large_events_take_as_much_memory_as_is_charged)
{
	static const size_t sizes[] = {
		2000, 4000, 4096, 5000, 8192, 12345, 16384, 32768, 40000, 65536, 100000, LONGEST,
	};
	const int id = INT_MIN / 2;
	double ratio;
	size_t i;

	if (slabs_are_padded())
		SKIP(SLABS_PADDED);
	limit_set("max_event_size", LONGEST);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ratio = ratio_of(id, sizes[i], 32 << 20);
		ck_assert_msg(ratio > 0.9 && ratio < 1.1, "%zu bytes: %.3f", sizes[i], ratio);
	}
}
END_TEST

START_TEST(p5_small_events_take_no_more_memory_than_is_charged)
{
	static const size_t sizes[] = { 0, 64, 65, 112, 113, 300, 800, 1000 };
	const int id = INT_MIN / 2;
	double ratio;
	size_t i;

	if (slabs_are_padded())
		SKIP(SLABS_PADDED);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ratio = ratio_of(id, sizes[i], 8 << 20);
		ck_assert_msg(ratio < 1.05, "%zu bytes: %.3f", sizes[i], ratio);
	}
}
END_TEST

START_TEST(objects_divide_pages_without_a_rest)
{
	static const char *const names[] = {
		"kevents_event_256", "kevents_event_512", "kevents_event_1k", "kevents_event_2k",
		"kevents_event_4k", "kevents_segment_4k", "kevents_segment_8k",
		"kevents_segment_16k", "kevents_segment_32k", "kevents_segment_64k",
	};
	size_t i;

	if (slabs_are_padded())
		SKIP(SLABS_PADDED);
	ck_assert_int_eq(slab_object_size(EVENTS) % 16, 0);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_int_eq(slab_object_size(names[i]), 256L << (i < 5 ? i : i - 1));
}
END_TEST

/* Pipes hold pages that the kernel cannot move. */
#define PIPE_PAGES 256
#define PIPES_MAX 4000		/* a GiB in each half */
#define FREE_AT_LAST (64UL << 20)	/* above what the kernel keeps */
#define ROOM (160UL << 20)

struct pipes {
	int write_ends[2][PIPES_MAX];
	int read_ends[2][PIPES_MAX];
	unsigned int count;
};

static unsigned long memory_free(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long kib = 0;
	char line[128];

	ck_assert_ptr_nonnull(file);
	while (!kib && fgets(line, sizeof(line), file))
		sscanf(line, "MemFree: %lu kB", &kib);
	fclose(file);
	ck_assert_uint_gt(kib, 0);
	return kib << 10;
}

static long oom_kills(void)
{
	FILE *file = fopen("/proc/vmstat", "re");
	long kills = -1;
	char line[128];

	ck_assert_ptr_nonnull(file);
	while (kills < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "oom_kill %ld", &kills);
	fclose(file);
	return kills;
}

static void add_pipes(struct pipes *pipes)
{
	unsigned int n = pipes->count++, i;
	int ends[2];

	ck_assert_uint_lt(n, PIPES_MAX);
	for (i = 0; i < 2; i++) {
		ASSERT_SYS(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
		ASSERT_SYS(fcntl(ends[1], F_SETPIPE_SZ, PIPE_PAGES * page_size()));
		pipes->read_ends[i][n] = ends[0];
		pipes->write_ends[i][n] = ends[1];
	}
}

static void close_pipes(struct pipes *pipes, unsigned int half)
{
	unsigned int i;

	for (i = 0; i < pipes->count; i++) {
		close(pipes->read_ends[half][i]);
		close(pipes->write_ends[half][i]);
	}
}

/*
 * Fills memory through two halves of pipes by turns and closes one half: of what is free
 * then nearly no two pages lie side by side.
 */
static void scatter(struct pipes *pipes)
{
	const struct rlimit files = { 4 * PIPES_MAX + 100, 4 * PIPES_MAX + 100 };
	unsigned int page;

	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &files));
	while (memory_free() > FREE_AT_LAST) {
		add_pipes(pipes);
		for (page = 0; page < 2 * PIPE_PAGES; page++)
			ck_assert_int_eq(write(pipes->write_ends[page % 2][pipes->count - 1],
					       payload, page_size()), page_size());
	}
	close_pipes(pipes, 1);
}

static void assert_drained(int id, unsigned int count, size_t len)
{
	for (; count; count--) {
		ASSERT_OK(ke_get_event(&ke, id, received, len));
		ck_assert(memory_is(received, len, 1));
	}
	assert_empty(id);
}

START_TEST(p5_scattered_memory_neither_fails_a_send_nor_kills_anybody)
{
	static const size_t sizes[] = { 8192, 16384, 32768, 65536, LONGEST };
	static struct pipes pipes;
	int id = fresh_id();
	unsigned int sent;
	long kills;
	size_t i;

	if (slabs_are_padded())
		SKIP(SLABS_PADDED);
	limit_set("max_event_size", LONGEST);
	limit_set("max_bytes", limits_now().bytes + ROOM);
	memory_fill(payload, LONGEST, 1);
	kills = oom_kills();
	scatter(&pipes);
	ck_assert_uint_gt(memory_free(), ROOM + FREE_AT_LAST);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		sent = fill(id, 0, sizes[i]);
		ck_assert_uint_gt(sent, ROOM / 2 / sizes[i]);
		assert_drained(id, sent, sizes[i]);
	}
	ck_assert_int_eq(oom_kills(), kills);
	close_pipes(&pipes, 0);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p5_large_events_take_as_much_memory_as_is_charged,
      p5_small_events_take_no_more_memory_than_is_charged,
      objects_divide_pages_without_a_rest,
      p5_scattered_memory_neither_fails_a_send_nor_kills_anybody)
