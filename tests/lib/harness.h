/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by all tests: main(), the fixture, assertions, events made of numbers. */
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
 * Check writes to a file at each assertion that holds, which makes loops slow. A line
 * number in memory shows the progress of a test as well.
 */
#undef _mark_point
#define _mark_point(file, line) ((void)(file), (void)(*marked_line = (line)))

extern volatile int *marked_line;

/* The client of the test, open while it runs. */
extern kevents_ctx ke;

enum fixture {
	WITH_CLIENT,	/* ke is open */
	WITHOUT_CLIENT,	/* nothing keeps the module loaded */
};

/*
 * Adds a suite of these tests to the program. Each test may take this many seconds.
 * The suite is named after its file: suite/lease/end.c is lease_end. A test fails if
 * the kernel log has a splat or a complaint about the module afterwards. With a client,
 * it also fails if an ID from fresh_id() still has an event.
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

/* Returns an ID that no other test uses, below FRESH_IDS_END. */
int fresh_id(void);

/* A test may use the IDs from here on in ascending order. Process IDs are below 2^22. */
#define FRESH_IDS_END 0x20000000

/* Like ck_assert_int_eq() for results of the library, but names the errors. */
#define ASSERT_RESULT(call, expected)						\
do {										\
	int result_ = (call), expected_ = (expected);				\
										\
	ck_assert_msg(result_ == expected_, "%s",				\
		      compare_results(#call, result_, expected_));		\
} while (0)

#define ASSERT_OK(call) ASSERT_RESULT(call, 0)

const char *compare_results(const char *call, int result, int expected);

/* Fails the test if the call returns -1, and reports errno. */
#define ASSERT_SYS(call)							\
	ck_assert_msg((call) != -1, "%s: %s", #call, strerror(errno))

/* The payload is the number. They return the seq, or the number. */
uint64_t send_number(int id, uint64_t number);
uint64_t receive_number(int id);

/* Fails the test if poll or receive finds an event under id. */
void assert_empty(int id);

/* Receives all events of id. Returns how many there were. */
unsigned int drain(int id);

/* Returns how many events a test of many events should use. */
unsigned int event_count(unsigned int usual);

/* The shortest time, in ns, that can be compared: a clock may tick every 10 ms. */
#define TELLING 40000000

uint64_t now_ns(void);
void spin_ns(uint64_t ns);

/* Returns the seconds after which something that should happen at once counts as missing. */
double patience(void);

/* Waits until cond holds. Fails the test if that takes too long. */
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
