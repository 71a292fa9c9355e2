// SPDX-License-Identifier: GPL-2.0-only
/* What a call has left to the worker, while that gets no processor. */
#include <poll.h>
#include <time.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/watch.h"

#define STEPS 8			/* that a call does for others, as src/queue.c has it */
#define LEASE_MS 100
#define LONG_NS UINT64_C(500000000) /* less than a task may rule without a break */

/* Threads that leave the worker none of the other processors. */
static pthread_t hogs[64];
static long hog_count;
static long hogs_ready;
static bool hogs_over;

static void *hog(void *arg)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)arg, &set);
	ASSERT_SYS(sched_setaffinity(0, sizeof(set), &set));
	task_rule();
	__atomic_fetch_add(&hogs_ready, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&hogs_over, __ATOMIC_ACQUIRE))
		;
	return NULL;
}

/* From here on nothing but the calling thread makes progress; for less than a second. */
static void rule_all(void)
{
	size_t i;

	hog_count = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	ck_assert_int_lt(hog_count, ARRAY_SIZE(hogs));
	hogs_ready = 0;
	hogs_over = false;
	for (i = 0; i < (size_t)hog_count; i++)
		ck_assert_int_eq(pthread_create(&hogs[i], NULL, hog, (void *)(i + 1)), 0);
	WAIT_UNTIL(__atomic_load_n(&hogs_ready, __ATOMIC_ACQUIRE) == hog_count);
	task_rule();
}

static void yield_all(void)
{
	long i;

	__atomic_store_n(&hogs_over, true, __ATOMIC_RELEASE);
	task_yield_rule();
	for (i = 0; i < hog_count; i++)
		ck_assert_int_eq(pthread_join(hogs[i], NULL), 0);
}

static uint64_t own_time_ns(void)
{
	struct timespec time;

	ASSERT_SYS(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time));
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

/* is_readable() is for a state that does not change meanwhile. */
static void await_readable(const kevents_ctx *client)
{
	struct pollfd poll_fd = { .fd = ke_fd(client), .events = POLLIN };

	ck_assert_int_eq(poll(&poll_fd, 1, (int)(patience() * 1000)), 1);
}

/* Sends them in one call. */
static void send_numbers(int id, unsigned int count)
{
	struct ke_event events[2 * STEPS] = { 0 };
	uint64_t numbers[2 * STEPS];
	unsigned int i;

	for (i = 0; i < count; i++) {
		numbers[i] = i;
		events[i].id = id;
		events[i].data = &numbers[i];
		events[i].len = sizeof(numbers[i]);
	}
	ASSERT_RESULT(ke_send_batch(&ke, events, count, 0), count);
}

/* It has been told of the ID, and finds events there that are for those that wait. */
START_TEST(p7_a_receiver_of_watched_ids_does_not_wait_for_the_worker)
{
	struct receiver receivers[2 * STEPS];
	struct ke_event ev = { .size = 0 };
	kevents_ctx client;
	int id = fresh_id();
	uint64_t begin, spent;
	size_t i;

	task_pin();
	ASSERT_OK(ke_init(&client));
	ASSERT_OK(ke_watch(&client, id));
	send_number(id, 99);
	ck_assert_uint_eq(receive_number(id), 99);
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
	}
	rule_all();
	send_numbers(id, ARRAY_SIZE(receivers));
	begin = own_time_ns();
	ASSERT_RESULT(ke_receive(&client, 0, &ev, KE_WATCHED, 0), -ENOMSG);
	spent = own_time_ns() - begin;
	yield_all();
	ck_assert_uint_lt(spent, LONG_NS);
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		receiver_expect(&receivers[i], i);
	send_number(id, 99);
	ck_assert_uint_eq(receive_watched(&client), 99);
	ASSERT_OK(ke_close(&client));
}
END_TEST

/* As many leases are over as the worker ends in one step. */
START_TEST(p9_leases_that_end_hide_no_event_from_those_that_watch)
{
	kevents_ctx clients[4 * STEPS];
	int id = fresh_id();
	size_t i;

	task_pin();
	for (i = 0; i < STEPS; i++)
		send_number(id, i);
	for (i = 0; i < STEPS; i++)
		lease_number(&ke, id, i, LEASE_MS);
	for (i = 0; i < ARRAY_SIZE(clients); i++) {
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_watch(&clients[i], id));
	}
	rule_all();
	spin_ns((LEASE_MS + 1) * UINT64_C(1000000));
	send_number(id, STEPS);
	yield_all();
	for (i = 0; i < ARRAY_SIZE(clients); i++) {
		await_readable(&clients[i]);
		ck_assert(is_readable(&clients[i]));
		ASSERT_OK(ke_close(&clients[i]));
	}
	for (i = 0; i <= STEPS; i++)
		ck_assert_uint_eq(receive_number(id), i);
}
END_TEST

/* The claim holds for waiters that the worker has not failed yet, too. */
START_TEST(a_claim_denies_an_event_to_waiters_that_the_worker_has_still_to_tell)
{
	struct receiver receivers[3 * STEPS];
	int id = fresh_id();
	kevents_ctx other;
	size_t i;

	task_pin();
	user_open(&other, fresh_user());
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receivers[i].client = &other;
		receiver_block(&receivers[i]);
	}
	rule_all();
	ASSERT_OK(ke_claim(&ke, id, 0600));
	send_number(id, 1);
	yield_all();
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receiver_join(&receivers[i]);
		ASSERT_RESULT(receivers[i].result, -EPERM);
	}
	ck_assert_uint_eq(receive_number(id), 1);
	ASSERT_OK(ke_unclaim(&ke, id));
	ASSERT_OK(ke_close(&other));
}
END_TEST

START_TEST(a_purge_does_not_count_what_had_expired_before)
{
	int id = fresh_id();
	struct ke_stat stat;
	int i;

	task_pin();
	for (i = 0; i < 3 * STEPS; i++)
		send_number_for(id, i, LEASE_MS);
	send_number(id, i);
	rule_all();
	spin_ns((LEASE_MS + 1) * UINT64_C(1000000));
	ASSERT_RESULT(ke_purge(&ke, id), 1);
	ASSERT_OK(ke_stat(&ke, id, &stat));
	yield_all();
	ck_assert_uint_eq(stat.expired, 3 * STEPS);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p7_a_receiver_of_watched_ids_does_not_wait_for_the_worker,
      p9_leases_that_end_hide_no_event_from_those_that_watch,
      a_claim_denies_an_event_to_waiters_that_the_worker_has_still_to_tell,
      a_purge_does_not_count_what_had_expired_before)
