// SPDX-License-Identifier: GPL-2.0-only
/* Several events in one call, through the library. */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/watch.h"

#define MOST 100

static uint64_t numbers[MOST];
static struct ke_event evs[MOST];

/* Events to send whose payloads are 0, 1, 2, ... */
static void prepare_sends(int id, unsigned int n)
{
	unsigned int i;

	memset(evs, 0, sizeof(evs));
	for (i = 0; i < n; i++) {
		numbers[i] = i;
		evs[i].id = id;
		evs[i].data = &numbers[i];
		evs[i].len = sizeof(numbers[i]);
	}
}

static void prepare_receives(unsigned int n)
{
	unsigned int i;

	memset(evs, 0, sizeof(evs));
	memset(numbers, 0xff, sizeof(numbers));
	for (i = 0; i < n; i++) {
		evs[i].data = &numbers[i];
		evs[i].size = sizeof(numbers[i]);
	}
}

/* The first n that were received are first, first + 1, ... */
static void assert_received(unsigned int n, int id, uint64_t first)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(numbers[i], first + i);
		ck_assert_int_eq(evs[i].id, id);
		ck_assert_uint_eq(evs[i].len, sizeof(numbers[i]));
		ck_assert_uint_eq(evs[i].deliveries, 1);
		ck_assert_int_eq(evs[i].pid, getpid());
		if (i)
			ck_assert_uint_gt(evs[i].seq, evs[i - 1].seq);
	}
}

static void send_numbers(int id, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		send_number(id, i);
}

START_TEST(p4_a_batch_is_sent_and_received_in_order)
{
	static const unsigned int sizes[] = { 0, 1, 2, 31, 32, 33, 64, 65, MOST };
	uint64_t seqs[MOST];
	int id = watched_id();
	unsigned int n, k;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = sizes[i];
		prepare_sends(id, n);
		ASSERT_RESULT(ke_send_batch(&ke, evs, n, 0), (int)n);
		for (k = 0; k < n; k++) {
			seqs[k] = evs[k].seq;
			ck_assert_uint_gt(seqs[k], k ? seqs[k - 1] : 0);
		}
		prepare_receives(n);
		ASSERT_RESULT(ke_receive_batch(&ke, evs, n, 0, 0), (int)n);
		assert_received(n, id, 0);
		for (k = 0; k < n; k++)
			ck_assert_uint_eq(evs[k].seq, seqs[k]);
		assert_empty(id);
	}
	ASSERT_RESULT(ke_send_batch(&ke, NULL, 0, 0), 0);
	ASSERT_RESULT(ke_receive_batch(&ke, NULL, 0, 0, 0), 0);
	ASSERT_RESULT(ke_send_batch(NULL, NULL, 0, 0), -EINVAL);
	ASSERT_RESULT(ke_receive_batch(&(kevents_ctx){ 0 }, NULL, 0, 0, 0), -EBADF);
	ASSERT_RESULT(ke_send_batch(&ke, NULL, 1, 0), -EINVAL);
	ASSERT_RESULT(ke_receive_batch(&ke, NULL, 1, 0, 0), -EINVAL);
}
END_TEST

START_TEST(a_batch_receives_what_there_is)
{
	int id = watched_id();

	send_numbers(id, 40);
	prepare_receives(MOST);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, 5, 0, -1), 5);
	assert_received(5, id, 0);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, KE_WATCHED, -1), 35);
	assert_received(35, id, 5);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, 0, 0), -ENOMSG);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, 0, 5), -ETIMEDOUT);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, KE_PEEK, 0), -EINVAL);
}
END_TEST

START_TEST(a_batch_is_fair_over_the_ids)
{
	int ids[3], k;

	for (k = 0; k < 3; k++) {
		ids[k] = watched_id();
		send_numbers(ids[k], 20);
	}
	prepare_receives(60);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, 60, 0, 0), 60);
	for (k = 0; k < 60; k++) {
		ck_assert_int_eq(evs[k].id, evs[k % 3].id);
		ck_assert_uint_eq(numbers[k], k / 3);
	}
	assert_nothing_watched(&ke);
}
END_TEST

static int wait_for_a_batch(void *arg)
{
	ASSERT_OK(ke_init(&ke));
	ASSERT_OK(ke_watch(&ke, *(int *)arg));
	prepare_receives(MOST);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, 0, -1), 1);
	ck_assert_uint_eq(numbers[0], 7);
	return 0;
}

START_TEST(p9_a_batch_waits_for_the_first_event_only)
{
	int id = fresh_id();
	pid_t pid = child_start(wait_for_a_batch, &id);

	task_wait_blocked(pid);
	send_number(id, 7);
	ck_assert_int_eq(child_join(pid), 0);
	send_numbers(id, 1);
	drain(id);
}
END_TEST

/* What makes the entry at `bad` one that cannot be sent. */
static void spoil_send(unsigned int bad, int how)
{
	static char large[65537];

	switch (how) {
	case 0:
		evs[bad].data = large;
		evs[bad].len = sizeof(large);
		break;
	case 1:
		evs[bad].reserved[3] = 1;
		break;
	default:
		evs[bad].data = (void *)16;
	}
}

START_TEST(p3_a_bad_entry_ends_a_batch_that_is_sent)
{
	static const int errors[] = { -EMSGSIZE, -EINVAL, -EFAULT };
	static const unsigned int places[] = { 0, 1, 15, 16, 31, 32, 33, 50, MOST - 1 };
	int id = watched_id();
	unsigned int bad, k;
	size_t i, how;

	for (how = 0; how < ARRAY_SIZE(errors); how++) {
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			bad = places[i];
			prepare_sends(id, MOST);
			spoil_send(bad, how);
			ASSERT_RESULT(ke_send_batch(&ke, evs, MOST, -1),
				      bad ? (int)bad : errors[how]);
			for (k = 0; k < MOST; k++)
				ck_assert_int_eq(evs[k].seq != 0, k < bad);
			for (k = 0; k < bad; k++)
				ck_assert_uint_eq(receive_watched(&ke), k);
			assert_nothing_watched(&ke);
		}
	}
}
END_TEST

/* Few or many of a size in a row, sizes on both sides of what they are made of. */
static size_t size_of_mixed(unsigned int i)
{
	static const struct {
		unsigned int from;
		size_t size;
	} runs[] = {
		{ 0, 64 }, { 1, 65 }, { 2, 0 }, { 4, 1 }, { 9, 128 }, { 12, 129 }, { 13, 4096 },
		{ 17, 4097 }, { 20, 8192 }, { 22, 64 }, { 60, 65536 }, { 63, 100 }, { 90, 5000 },
	};
	size_t size = 0;

	for (size_t k = 0; k < ARRAY_SIZE(runs) && runs[k].from <= i; k++)
		size = runs[k].size;
	return size;
}

START_TEST(a_batch_takes_events_of_any_size_and_leaves_nothing_behind)
{
	static char sent[MOST][65536], got[MOST][65536];
	int id = watched_id();
	const struct ke_limits before = limits_after_sending(id);
	unsigned int i;

	memset(evs, 0, sizeof(evs));
	for (i = 0; i < MOST; i++) {
		evs[i].id = id;
		evs[i].data = sent[i];
		evs[i].len = size_of_mixed(i);
		memory_fill(sent[i], evs[i].len, i);
	}
	ASSERT_RESULT(ke_send_batch(&ke, evs, MOST, 0), MOST);
	memset(evs, 0, sizeof(evs));
	for (i = 0; i < MOST; i++) {
		evs[i].data = got[i];
		evs[i].size = sizeof(got[i]);
	}
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, 0, 0), MOST);
	for (i = 0; i < MOST; i++) {
		ck_assert_uint_eq(evs[i].len, size_of_mixed(i));
		ck_assert(memory_is(got[i], evs[i].len, i));
		ck_assert(memory_is_all(got[i] + evs[i].len, sizeof(got[i]) - evs[i].len, 0));
	}
	limits_wait_back_to(&before);
}
END_TEST

static void spoil_receive(unsigned int bad, int how)
{
	switch (how) {
	case 0:
		evs[bad].size = sizeof(numbers[0]) - 1;
		break;
	case 1:
		evs[bad].reserved[0] = 1;
		break;
	case 2:
		evs[bad].data = (void *)16;
		break;
	default:
		evs[bad].lease_ms = 1;	/* without KE_LEASE */
	}
}

START_TEST(p3_a_bad_entry_ends_a_batch_that_is_received)
{
	static const int errors[] = { -EMSGSIZE, -EINVAL, -EFAULT, -EINVAL };
	static const unsigned int places[] = { 0, 1, 31, 32, 33, MOST - 1 };
	int id = watched_id();
	unsigned int bad, k;
	size_t i, how;

	for (how = 0; how < ARRAY_SIZE(errors); how++) {
		for (i = 0; i < ARRAY_SIZE(places); i++) {
			bad = places[i];
			send_numbers(id, MOST);
			prepare_receives(MOST);
			spoil_receive(bad, how);
			ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, 0, -1),
				      bad ? (int)bad : errors[how]);
			assert_received(bad, id, 0);
			if (!bad && !how)
				ck_assert_uint_eq(evs[0].len, sizeof(numbers[0]));
			for (k = bad; k < MOST; k++)
				ck_assert_uint_eq(receive_watched(&ke), k);
			assert_nothing_watched(&ke);
		}
	}
}
END_TEST

/* Those that are taken with it go back before those that are not. */
START_TEST(p2_what_a_batch_cannot_copy_is_back_in_order)
{
	static const unsigned int flags[] = { 0, KE_LEASE };
	char *bad = memory_map(1, PROT_READ);
	const unsigned int count = 20, good = 4;	/* more than are taken at once */
	int id = fresh_id();
	unsigned int i;
	size_t k;

	ASSERT_OK(ke_watch(&ke, id));
	for (k = 0; k < ARRAY_SIZE(flags); k++) {
		prepare_sends(id, count);
		ASSERT_RESULT(ke_send_batch(&ke, evs, count, 0), (int)count);
		prepare_receives(count);
		evs[good].data = bad;
		ASSERT_RESULT(ke_receive_batch(&ke, evs, count, flags[k], 0), (int)good);
		assert_received(good, id, 0);
		assert_counts(id, count - good, flags[k] == KE_LEASE ? good : 0);
		for (i = 0; flags[k] == KE_LEASE && i < good; i++)
			ASSERT_OK(ke_ack(&ke, evs[i].seq));
		prepare_receives(count);
		ASSERT_RESULT(ke_receive_batch(&ke, evs, count, 0, 0), (int)(count - good));
		assert_received(count - good, id, good);
	}
	ck_assert_uint_eq(stat_of(id).returned, 0);
}
END_TEST

START_TEST(p2_a_batch_of_leases_is_acknowledged_and_given_back)
{
	int id = watched_id();
	struct ke_stat stat;
	unsigned int k;

	send_numbers(id, 40);
	prepare_receives(40);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, 40, KE_LEASE, 0), 40);
	assert_received(40, id, 0);
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_stat(&ke, id, &stat));
	ck_assert_uint_eq(stat.leased, 40);
	for (k = 0; k < 40; k++)
		ASSERT_OK(k % 2 ? ke_ack(&ke, evs[k].seq) : ke_nack(&ke, evs[k].seq));
	for (k = 0; k < 40; k++)
		ASSERT_RESULT(ke_ack(&ke, evs[k].seq), -ENOENT);
	prepare_receives(40);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, 40, KE_LEASE | KE_WATCHED, 0), 20);
	for (k = 0; k < 20; k++) {
		ck_assert_uint_eq(numbers[k], 2 * k);
		ck_assert_uint_eq(evs[k].flags, KE_REDELIVERED);
		ck_assert_uint_eq(evs[k].deliveries, 2);
		ASSERT_OK(ke_ack(&ke, evs[k].seq));
	}
	ASSERT_OK(ke_stat(&ke, id, &stat));
	ck_assert_uint_eq(stat.leased, 0);
	ck_assert_uint_eq(stat.received, 40);
	ck_assert_uint_eq(stat.returned, 20);
}
END_TEST

START_TEST(p6_a_batch_of_leases_returns_with_its_client)
{
	int id = fresh_id();
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_watch(&other, id));
	send_numbers(id, MOST);
	prepare_receives(MOST);
	ASSERT_RESULT(ke_receive_batch(&other, evs, MOST, KE_LEASE, 0), MOST);
	assert_empty(id);
	ASSERT_OK(ke_close(&other));
	ASSERT_OK(ke_watch(&ke, id));
	prepare_receives(MOST);
	ASSERT_RESULT(ke_receive_batch(&ke, evs, MOST, 0, 0), MOST);
	ck_assert_uint_eq(numbers[0], 0);
	ck_assert_uint_eq(numbers[MOST - 1], MOST - 1);
}
END_TEST

START_TEST(each_lease_of_a_batch_has_its_limit)
{
	int id = watched_id();

	send_numbers(id, 3);
	prepare_receives(3);
	evs[2].lease_ms = 1;	/* the last: none behind it can find it back */
	ASSERT_RESULT(ke_receive_batch(&ke, evs, 3, KE_LEASE, 0), 3);
	WAIT_UNTIL(ke_poll_event(&ke, id) == 1);
	ck_assert_uint_eq(receive_watched(&ke), 2);
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_ack(&ke, evs[0].seq));
	ASSERT_OK(ke_ack(&ke, evs[1].seq));
	ASSERT_RESULT(ke_ack(&ke, evs[2].seq), -ENOENT);
}
END_TEST

static int send_all(void *arg)
{
	prepare_sends(*(int *)arg, MOST);
	ASSERT_RESULT(ke_send_batch(&ke, evs, MOST, -1), MOST);
	return 0;
}

/* Room for a few events only: part of the batch goes, or it waits again and again. */
START_TEST(p5_a_batch_sends_what_there_is_room_for)
{
	struct ke_limits limits;
	int id = watched_id(), sent, i;
	char *usual = NULL, *few = NULL;
	pid_t pid;

	send_number(id, 0);
	ck_assert_uint_eq(receive_watched(&ke), 0);
	ASSERT_OK(ke_limits(&ke, &limits));
	ck_assert_int_ge(asprintf(&usual, "%ld", parameter_get("max_bytes")), 0);
	ck_assert_int_ge(asprintf(&few, "%llu", (unsigned long long)limits.bytes + 2000), 0);
	ASSERT_OK(parameter_set("max_bytes", few));
	prepare_sends(id, MOST);
	sent = ke_send_batch(&ke, evs, MOST, 0);
	ck_assert_int_gt(sent, 0);
	ck_assert_int_lt(sent, MOST);
	ASSERT_RESULT(ke_send_batch(&ke, evs, MOST, 0), -EAGAIN);
	ASSERT_RESULT(ke_send_batch(&ke, evs, MOST, 10), -ETIMEDOUT);
	for (i = 0; i < sent; i++)
		ck_assert_uint_eq(receive_watched(&ke), i);
	assert_nothing_watched(&ke);

	pid = child_start(send_all, &id);
	for (i = 0; i < MOST; i++) {
		WAIT_UNTIL(ke_poll_event(&ke, id) == 1);
		ck_assert_uint_eq(receive_watched(&ke), i);
	}
	ck_assert_int_eq(child_join(pid), 0);
	ASSERT_OK(parameter_set("max_bytes", usual));
	free(usual);
	free(few);
}
END_TEST

static kevents_ctx *late;

/* Who touches the context goes on when more than a millisecond has gone by. */
static void be_late(int signal)
{
	(void)signal;
	spin_ns(2000000);
	mprotect(late, page_size(), PROT_READ | PROT_WRITE);
}

START_TEST(a_batch_whose_time_is_over_before_its_first_call_times_out)
{
	const struct sigaction action = { .sa_handler = be_late };

	late = (void *)memory_map(1, PROT_READ | PROT_WRITE);
	*late = ke;
	limit_set("max_bytes", 1);
	prepare_sends(fresh_id(), 1);
	ASSERT_SYS(sigaction(SIGSEGV, &action, NULL));
	ASSERT_SYS(mprotect(late, page_size(), PROT_NONE));
	ASSERT_RESULT(ke_send_batch(late, evs, 1, 1), -ETIMEDOUT);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p4_a_batch_is_sent_and_received_in_order,
      a_batch_receives_what_there_is,
      a_batch_is_fair_over_the_ids,
      p9_a_batch_waits_for_the_first_event_only,
      p3_a_bad_entry_ends_a_batch_that_is_sent,
      a_batch_takes_events_of_any_size_and_leaves_nothing_behind,
      p3_a_bad_entry_ends_a_batch_that_is_received,
      p2_what_a_batch_cannot_copy_is_back_in_order,
      p2_a_batch_of_leases_is_acknowledged_and_given_back,
      p6_a_batch_of_leases_returns_with_its_client,
      each_lease_of_a_batch_has_its_limit,
      p5_a_batch_sends_what_there_is_room_for,
      a_batch_whose_time_is_over_before_its_first_call_times_out)
