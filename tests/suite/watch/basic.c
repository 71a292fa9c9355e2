// SPDX-License-Identifier: GPL-2.0-only
/* Watched IDs, and receives that take from any of them. */
#include <pthread.h>

#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/watch.h"

#define FIRST_ID 0x50000000	/* IDs of these tests alone, from here on */

START_TEST(an_event_of_a_watched_id_is_received)
{
	int id = fresh_id();
	uint64_t number = 0, seq;
	struct ke_event ev = { .id = -7, .data = &number, .size = sizeof(number) };

	ASSERT_OK(ke_watch(&ke, id));
	seq = send_number(id, 9);
	ASSERT_OK(ke_receive(&ke, 12345, &ev, KE_WATCHED, 0));
	ck_assert_int_eq(ev.id, id);
	ck_assert_uint_eq(ev.seq, seq);
	ck_assert_uint_eq(ev.len, sizeof(number));
	ck_assert_uint_eq(ev.deliveries, 1);
	ck_assert_uint_eq(number, 9);
	assert_nothing_watched(&ke);
	assert_empty(id);
}
END_TEST

START_TEST(an_event_that_waited_before_the_watch_is_received)
{
	int id = fresh_id();

	send_number(id, 1);
	send_number(id, 2);
	ASSERT_OK(ke_watch(&ke, id));
	assert_watched(&ke, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
	ck_assert_uint_eq(receive_watched(&ke), 2);
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(nothing_watched_is_nothing_to_receive)
{
	int id = fresh_id();
	struct ke_event ev = { .size = 0 };
	uint64_t start = now_ns();

	send_number(id, 1);
	assert_nothing_watched(&ke);
	ASSERT_RESULT(ke_receive(&ke, 0, &ev, KE_WATCHED, 20), -ETIMEDOUT);
	ck_assert_uint_ge(now_ns() - start, 20 * 1000000);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(to_watch_twice_is_to_watch_once)
{
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_watch(&ke, id));
	send_number(id, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_unwatch(&ke, id));
	ASSERT_RESULT(ke_unwatch(&ke, id), -ENOENT);
}
END_TEST

START_TEST(what_is_not_watched_cannot_be_unwatched)
{
	int id = fresh_id();
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_watch(&other, id));
	ASSERT_RESULT(ke_unwatch(&ke, id), -ENOENT);
	ASSERT_RESULT(ke_unwatch(&other, id + 1), -ENOENT);
	send_number(id, 1);
	ck_assert_uint_eq(receive_watched(&other), 1);
	ASSERT_OK(ke_close(&other));
}
END_TEST

START_TEST(p1_an_event_under_an_id_no_longer_watched_stays)
{
	int id = fresh_id(), other = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_watch(&ke, other));
	send_number(id, 1);
	ASSERT_OK(ke_unwatch(&ke, id));
	assert_nothing_watched(&ke);
	send_number(other, 2);
	ck_assert_uint_eq(receive_watched(&ke), 2);
	ck_assert_uint_eq(receive_number(id), 1);
	ASSERT_OK(ke_watch(&ke, id));
	send_number(id, 3);
	ck_assert_uint_eq(receive_watched(&ke), 3);
}
END_TEST

START_TEST(any_int_can_be_watched)
{
	static const int ids[] = { 0, -1, 1, INT_MIN, INT_MAX };
	size_t i;
	int id;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ASSERT_OK(ke_watch(&ke, ids[i]));
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		send_number(ids[i], i);
		ck_assert_uint_eq(receive_watched_of(&ke, &id), i);
		ck_assert_int_eq(id, ids[i]);
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ASSERT_OK(ke_unwatch(&ke, ids[i]));
}
END_TEST

START_TEST(a_watched_event_can_be_shown_and_leased)
{
	int id = fresh_id();
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	ASSERT_OK(ke_watch(&ke, id));
	send_number(id, 1);
	assert_watched(&ke, 1);
	assert_watched(&ke, 1);
	ASSERT_OK(ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0));
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_nack(&ke, ev.seq));
	assert_watched(&ke, 1);
	ASSERT_OK(ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0));
	ck_assert_uint_eq(ev.flags, KE_REDELIVERED);
	ASSERT_OK(ke_ack(&ke, ev.seq));
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(p3_a_watched_event_that_does_not_fit_stays)
{
	int id = fresh_id();
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) - 1 };

	ASSERT_OK(ke_watch(&ke, id));
	send_number(id, 1);
	ASSERT_RESULT(ke_receive(&ke, 0, &ev, KE_WATCHED, 0), -EMSGSIZE);
	ck_assert_uint_eq(ev.len, sizeof(number));
	ASSERT_RESULT(ke_receive(&ke, 0, &ev, KE_WATCHED, -1), -EMSGSIZE);
	ev.data = NULL;
	ev.size = sizeof(number);
	ASSERT_RESULT(ke_receive(&ke, 0, &ev, KE_WATCHED, -1), -EFAULT);
	assert_watched(&ke, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

/* Fills count IDs with `each` numbers and watches them. */
static void fill_and_watch(int *ids, int count, unsigned int each)
{
	unsigned int i;
	int k;

	for (k = 0; k < count; k++) {
		ids[k] = fresh_id();
		ASSERT_OK(ke_watch(&ke, ids[k]));
		for (i = 0; i < each; i++)
			send_number(ids[k], i);
	}
}

/*
 * Each ID in turn, and within it in order. So that it says something of the
 * usual loop, each receive may come after a look whether there is something.
 */
static void assert_taken_in_turn(bool looks)
{
	enum { IDS = 5, EACH = 20 };
	unsigned int i, taken[IDS] = { 0 };
	int ids[IDS], id, k;

	fill_and_watch(ids, IDS, EACH);
	for (i = 0; i < IDS * EACH; i++) {
		if (looks)
			ck_assert(is_readable(&ke));
		ck_assert_uint_eq(receive_watched_of(&ke, &id), i / IDS);
		for (k = 0; ids[k] != id; k++)
			ck_assert_int_lt(k + 1, IDS);
		ck_assert_msg(taken[k] == i / IDS, "ID %d was served %u times in %u turns", k,
			      taken[k], i / IDS);
		taken[k]++;
	}
	assert_nothing_watched(&ke);
}

START_TEST(watched_ids_with_events_are_served_in_turn)
{
	assert_taken_in_turn(false);
}
END_TEST

START_TEST(watched_ids_are_served_in_turn_when_poll_is_asked_in_between)
{
	assert_taken_in_turn(true);
}
END_TEST

START_TEST(a_look_does_not_change_whose_turn_it_is)
{
	int ids[3], id, k;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	fill_and_watch(ids, ARRAY_SIZE(ids), 1);
	for (k = 0; k < 3; k++) {
		ASSERT_OK(ke_receive(&ke, 0, &ev, KE_WATCHED | KE_PEEK, 0));
		ck_assert(is_readable(&ke));
		receive_watched_of(&ke, &id);
		ck_assert_int_eq(id, ev.id);
	}
}
END_TEST

START_TEST(p7_an_event_beside_a_backlog_is_soon_served)
{
	const unsigned int backlog = 2000;
	int busy = fresh_id(), rare = fresh_id(), id;
	unsigned int i;

	ASSERT_OK(ke_watch(&ke, busy));
	ASSERT_OK(ke_watch(&ke, rare));
	for (i = 0; i < backlog; i++)
		send_number(busy, i);
	for (i = 0; i < 20; i++) {
		send_number(rare, i);
		receive_watched_of(&ke, &id);
		if (id == busy)
			receive_watched_of(&ke, &id);
		ck_assert_int_eq(id, rare);
	}
	drain(busy);
}
END_TEST

START_TEST(p7_ten_thousand_ids_are_watched)
{
	const int count = 10000;
	long queues = replace_idle_queues();
	int i, id;

	for (i = 0; i < count; i++)
		ASSERT_OK(ke_watch(&ke, FIRST_ID + i));
	assert_nothing_watched(&ke);
	for (i = 0; i < count; i += 7)
		send_number(FIRST_ID + i, i);
	for (i = 0; i < count; i += 7) {
		ck_assert_uint_eq(receive_watched_of(&ke, &id), i);
		ck_assert_int_eq(id, FIRST_ID + i);
	}
	assert_nothing_watched(&ke);
	for (i = 0; i < count; i += 2)
		ASSERT_OK(ke_unwatch(&ke, FIRST_ID + i));
	ASSERT_OK(ke_close(&ke));
	slab_wait_down_to(QUEUES, queues + IDLE_QUEUES);
	ASSERT_OK(ke_init(&ke));
}
END_TEST

static unsigned long time_receives(int id, unsigned int count)
{
	uint64_t start = now_ns();

	while (count--) {
		send_number(id, count);
		ck_assert_uint_eq(receive_watched(&ke), count);
	}
	return now_ns() - start;
}

/* A scan of them would cost a hundred times as much; the rest is noise. */
START_TEST(p7_idle_watched_ids_cost_nothing)
{
	const int count = 10000;
	int rounds = 300, id = fresh_id(), i;
	unsigned long alone, among;

	ASSERT_OK(ke_watch(&ke, id));
	while (time_receives(id, rounds) < TELLING)
		rounds *= 2;
	alone = time_receives(id, rounds);
	for (i = 0; i < count; i++)
		ASSERT_OK(ke_watch(&ke, FIRST_ID + i));
	among = time_receives(id, rounds);
	ck_assert_msg(among < 20 * alone, "%lu ns became %lu", alone, among);
}
END_TEST

START_TEST(watching_ends_with_the_client)
{
	const int count = 10 * IDLE_QUEUES;
	long queues = replace_idle_queues();
	struct ke_limits before;
	kevents_ctx other;
	int i;

	ASSERT_OK(ke_init(&other));
	before = limits_now();
	for (i = 0; i < count; i++)
		ASSERT_OK(ke_watch(&other, FIRST_ID + i));
	ck_assert_int_ge(slab_objects(QUEUES), count);
	ASSERT_OK(ke_close(&other));
	limits_wait_back_to(&before);
	slab_wait_down_to(QUEUES, queues + IDLE_QUEUES);
}
END_TEST

static int share_watches(void *arg)
{
	const int *ids = arg;

	ck_assert_uint_eq(receive_watched(&ke), 1);
	ASSERT_OK(ke_watch(&ke, ids[1]));
	ASSERT_OK(ke_unwatch(&ke, ids[2]));
	return 0;
}

#define TURNS 10000

static void *receive_turns(void *client)
{
	int i;

	for (i = 0; i < TURNS; i++)
		receive_watched(client);
	return NULL;
}

/* The watch has its turn again each time, and is never seen to have none meanwhile. */
START_TEST(p9_threads_that_share_a_client_find_every_event)
{
	int id = fresh_id(), i;
	pthread_t thread;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 2 * TURNS + 1; i++)
		send_number(id, i);
	ck_assert_int_eq(pthread_create(&thread, NULL, receive_turns, &ke), 0);
	receive_turns(&ke);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(receive_watched(&ke), 2 * TURNS);
}
END_TEST

START_TEST(a_child_shares_the_watches)
{
	int ids[3] = { fresh_id(), fresh_id(), fresh_id() };

	ASSERT_OK(ke_watch(&ke, ids[0]));
	ASSERT_OK(ke_watch(&ke, ids[2]));
	send_number(ids[0], 1);
	child_run(share_watches, ids);
	assert_nothing_watched(&ke);
	send_number(ids[0], 2);
	ck_assert_uint_eq(receive_watched(&ke), 2);
	send_number(ids[1], 3);
	ck_assert_uint_eq(receive_watched(&ke), 3);
	ASSERT_RESULT(ke_unwatch(&ke, ids[2]), -ENOENT);
}
END_TEST

static const int chosen[] = { 1, 2, 3, 5, 8 };

/* Whatever one client watches and takes, another still finds the rest. */
START_TEST(p1_clients_that_watch_the_same_ids_share_the_events)
{
	kevents_ctx others[4];
	uint64_t sum = 0;
	int id = fresh_id();
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		ASSERT_OK(ke_init(&others[i]));
		ASSERT_OK(ke_watch(&others[i], id));
	}
	for (k = 0; k < ARRAY_SIZE(chosen); k++)
		for (i = 0; i < ARRAY_SIZE(others); i++)
			send_number(id, chosen[k]);
	for (k = 0; k < ARRAY_SIZE(chosen); k++)
		for (i = 0; i < ARRAY_SIZE(others); i++)
			sum += receive_watched(&others[i]);
	ck_assert_uint_eq(sum, 19 * ARRAY_SIZE(others));
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		assert_nothing_watched(&others[i]);
		ASSERT_OK(ke_close(&others[i]));
	}
}
END_TEST

TESTS(60, WITH_CLIENT,
      an_event_of_a_watched_id_is_received,
      an_event_that_waited_before_the_watch_is_received,
      nothing_watched_is_nothing_to_receive,
      to_watch_twice_is_to_watch_once,
      what_is_not_watched_cannot_be_unwatched,
      p1_an_event_under_an_id_no_longer_watched_stays,
      any_int_can_be_watched,
      a_watched_event_can_be_shown_and_leased,
      p3_a_watched_event_that_does_not_fit_stays,
      watched_ids_with_events_are_served_in_turn,
      watched_ids_are_served_in_turn_when_poll_is_asked_in_between,
      a_look_does_not_change_whose_turn_it_is,
      p7_an_event_beside_a_backlog_is_soon_served,
      p7_ten_thousand_ids_are_watched,
      p7_idle_watched_ids_cost_nothing,
      watching_ends_with_the_client,
      p9_threads_that_share_a_client_find_every_event,
      a_child_shares_the_watches,
      p1_clients_that_watch_the_same_ids_share_the_events)
