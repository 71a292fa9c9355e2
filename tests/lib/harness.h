/* SPDX-License-Identifier: GPL-2.0-only */
/* What all tests share: main(), the fixture, assertions, events made of numbers. */
#ifndef HARNESS_H
#define HARNESS_H

#include <check.h>
#include <errno.h>
#include <kevents.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Check writes to a file at each assertion that holds, which makes loops slow.
 * A line number in memory does as well to say how far a test has come.
 */
#undef _mark_point
#define _mark_point(file, line) ((void)(file), (void)(*marked_line = (line)))

extern volatile int *marked_line;

/* The client of the test: open from its beginning to its end. */
extern kevents_ctx ke;

enum fixture {
	WITH_CLIENT,	/* ke is open */
	WITHOUT_CLIENT,	/* nothing holds the module */
};

/*
 * Adds a suite of these tests to the program; each test gets so many seconds.
 * The suite is called after its file: suite/lease/end.c is lease_end.
 * Whatever the fixture, a test fails if the kernel log has a splat or a
 * complaint of the module when it is over, or if an ID that it had of
 * fresh_id() still has an event.
 */
#define TESTS(seconds, fixture, ...)						\
static int run_suite(const char *name)						\
{										\
	const TTest *tests[] = { __VA_ARGS__ };					\
										\
	return run_tests(name, tests, ARRAY_SIZE(tests), seconds, fixture);	\
}										\
										\
__attribute__((constructor)) static void add_this_suite(void)			\
{										\
	add_suite(__FILE__, run_suite);						\
}

void add_suite(const char *file, int (*run)(const char *name));
int run_tests(const char *name, const TTest *tests[], size_t count, double seconds,
	      enum fixture fixture);

/* Ends the test as skipped. */
#define SKIP(why)								\
do {										\
	note_skip(__func__, why);						\
	return;									\
} while (0)

void note_skip(const char *function, const char *why);

/* An ID that no other test uses, and less than FRESH_IDS_END. */
int fresh_id(void);

/* From here on a test may count through IDs. No process ID reaches 2^22. */
#define FRESH_IDS_END 0x20000000

/* ck_assert_int_eq() for what the library returns; names the errors. */
#define ASSERT_RESULT(call, expected)						\
do {										\
	int result_ = (call), expected_ = (expected);				\
										\
	ck_assert_msg(result_ == expected_, "%s",				\
		      compare_results(#call, result_, expected_));		\
} while (0)

#define ASSERT_OK(call) ASSERT_RESULT(call, 0)

const char *compare_results(const char *call, int result, int expected);

/* ck_assert() for what the C library returns in errno. */
#define ASSERT_SYS(call)							\
	ck_assert_msg((call) != -1, "%s: %s", #call, strerror(errno))

/* Events whose payload is a number; they return its seq, or the number. */
uint64_t send_number(int id, uint64_t number);
uint64_t receive_number(int id);

/* Nothing waits under id, for poll and for receive. */
void assert_empty(int id);

/* Receives what waits under id; returns how many that were. */
unsigned int drain(int id);

/* How many events a test should use when it is about many. */
unsigned int event_count(unsigned int usual);

/* ns. What takes less cannot be compared: a clock may go in ticks of 10 ms. */
#define TELLING 40000000

uint64_t now_ns(void);
void spin_ns(uint64_t ns);

/* Seconds that something may take which is expected to happen at once. */
double patience(void);

/* Looks until cond holds and fails the test if that takes too long. */
#define WAIT_UNTIL(cond)							\
do {										\
	uint64_t limit_ = now_ns() + (uint64_t)(patience() * 1e9);		\
										\
	while (!(cond)) {							\
		ck_assert_msg(now_ns() < limit_, "never: %s", #cond);		\
		sched_yield();							\
	}									\
} while (0)

#endif /* HARNESS_H */
