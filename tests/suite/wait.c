// SPDX-License-Identifier: GPL-2.0-only
/* P9: who waits is woken, only who is meant is, and in the order of arrival. */
#include <fcntl.h>

#include "harness.h"
#include "task.h"

START_TEST(p9_a_blocked_receiver_gets_the_event)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	receiver_block(&receiver);
	send_number(id, 7);
	receiver_expect(&receiver, 7);
	assert_empty(id);
}
END_TEST

START_TEST(p9_an_event_that_waits_is_received_without_sleeping)
{
	static const int timeouts[] = { -1, 0, 1, 1000000 };
	int id = fresh_id();
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		send_number(id, i);
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, timeouts[i]));
		ck_assert_uint_eq(number, i);
	}
}
END_TEST

START_TEST(p9_blocked_receivers_are_served_in_order_of_arrival)
{
	int id = fresh_id();
	struct receiver receivers[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
	}
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		send_number(id, i);
		receiver_expect(&receivers[i], i);
	}
	assert_empty(id);
}
END_TEST

static void burst(int id, bool ruling)
{
	struct receiver receivers[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receivers[i].timeout_ms = i % 2 ? -1 : 1000000;
		receiver_block(&receivers[i]);
	}
	if (ruling)
		task_rule();
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		send_number(id, i);
	if (ruling)
		task_yield_rule();
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		receiver_expect(&receivers[i], i);
	assert_empty(id);
}

START_TEST(p9_a_burst_is_served_in_order_of_arrival)
{
	int id = fresh_id(), i;

	for (i = 0; i < 20; i++)
		burst(id, false);
}
END_TEST

START_TEST(p9_a_burst_before_anyone_can_run_is_served_in_order_of_arrival)
{
	int id = fresh_id(), i;

	task_pin();
	for (i = 0; i < 20; i++)
		burst(id, true);
}
END_TEST

START_TEST(p9_one_event_wakes_one_receiver)
{
	int id = fresh_id();
	struct receiver receivers[8];
	long sleeps[8];
	size_t i, sent;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
	}
	for (sent = 0; sent < ARRAY_SIZE(receivers); sent++) {
		for (i = sent; i < ARRAY_SIZE(receivers); i++)
			sleeps[i] = task_sleeps(receivers[i].tid);
		send_number(id, sent);
		receiver_expect(&receivers[sent], sent);
		for (i = sent + 1; i < ARRAY_SIZE(receivers); i++) {
			ck_assert(task_is_blocked(receivers[i].tid));
			ck_assert_int_eq(task_sleeps(receivers[i].tid), sleeps[i]);
		}
	}
}
END_TEST

START_TEST(p9_an_event_wakes_nobody_at_another_id)
{
	int id = fresh_id(), other = fresh_id();
	struct receiver receiver = RECEIVER(id);
	long sleeps;

	receiver_block(&receiver);
	sleeps = task_sleeps(receiver.tid);
	send_number(other, 1);
	ck_assert_uint_eq(receive_number(other), 1);
	ck_assert(task_is_blocked(receiver.tid));
	ck_assert_int_eq(task_sleeps(receiver.tid), sleeps);
	send_number(id, 2);
	receiver_expect(&receiver, 2);
}
END_TEST

/* Who waits has been woken, but cannot run yet. */
START_TEST(p9_a_newcomer_does_not_overtake_who_waits)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);
	uint64_t number = 0;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	task_pin();
	receiver_block(&receiver);
	task_rule();
	send_number(id, 1);
	assert_empty(id);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -ENOMSG);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 1), -ETIMEDOUT);
	task_yield_rule();
	receiver_expect(&receiver, 1);
	assert_empty(id);
}
END_TEST

START_TEST(p9_a_newcomer_gets_what_is_more_than_the_waiters_need)
{
	int id = fresh_id();
	struct receiver receivers[2] = { RECEIVER(id), RECEIVER(id) };
	uint64_t number;

	task_pin();
	receiver_block(&receivers[0]);
	receiver_block(&receivers[1]);
	task_rule();
	send_number(id, 1);
	send_number(id, 2);
	assert_empty(id);
	send_number(id, 4);
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	number = receive_number(id);
	assert_empty(id);
	task_yield_rule();
	receiver_join(&receivers[0]);
	receiver_join(&receivers[1]);
	ASSERT_OK(receivers[0].result);
	ASSERT_OK(receivers[1].result);
	ck_assert_uint_lt(receivers[0].number, receivers[1].number);
	ck_assert_uint_eq(number + receivers[0].number + receivers[1].number, 7);
}
END_TEST

START_TEST(p9_a_timeout_is_never_early)
{
	static const int timeouts[] = { 1, 2, 5, 10, 50, 100 };
	struct ke_event ev = { .size = 0 };
	int id = fresh_id();
	uint64_t start, took;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		start = now_ns();
		ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, timeouts[i]), -ETIMEDOUT);
		took = now_ns() - start;
		ck_assert_msg(took >= timeouts[i] * UINT64_C(1000000),
			      "%d ms were over after %llu ns", timeouts[i],
			      (unsigned long long)took);
		ck_assert_uint_lt(took, (uint64_t)(patience() * 1e9));
	}
}
END_TEST

START_TEST(p9_the_longest_timeouts_wait)
{
	static const int timeouts[] = { INT_MAX, INT_MIN, -2, -1 };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct receiver receiver = RECEIVER(id);

		receiver.timeout_ms = timeouts[i];
		receiver_block(&receiver);
		send_number(id, i);
		receiver_expect(&receiver, i);
	}
}
END_TEST

START_TEST(the_timeout_of_a_send_may_be_anything)
{
	static const int timeouts[] = { INT_MAX, INT_MIN, -1, 0, 1 };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct ke_event ev = { .id = id };

		ASSERT_OK(ke_send(&ke, &ev, 0, timeouts[i]));
	}
	ck_assert_uint_eq(drain(id), ARRAY_SIZE(timeouts));
}
END_TEST

START_TEST(o_nonblock_does_not_matter)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	ASSERT_SYS(fcntl(ke_fd(&ke), F_SETFL, O_NONBLOCK));
	receiver_block(&receiver);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
}
END_TEST

START_TEST(p9_timeouts_of_some_do_not_strand_others)
{
	int id = fresh_id();
	struct receiver receivers[6];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		if (i % 2 == 0)
			receivers[i].timeout_ms = 300;
		receiver_start(&receivers[i]);
		WAIT_UNTIL(task_is_blocked(receivers[i].tid) || receiver_is_done(&receivers[i]));
	}
	for (i = 0; i < ARRAY_SIZE(receivers); i += 2) {
		receiver_join(&receivers[i]);
		ASSERT_RESULT(receivers[i].result, -ETIMEDOUT);
	}
	for (i = 1; i < ARRAY_SIZE(receivers); i += 2)
		send_number(id, i);
	for (i = 1; i < ARRAY_SIZE(receivers); i += 2)
		receiver_expect(&receivers[i], i);
}
END_TEST

START_TEST(closing_the_file_of_a_blocked_receiver_loses_nothing)
{
	kevents_ctx other;
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	ASSERT_OK(ke_init(&other));
	receiver.client = &other;
	receiver_block(&receiver);
	ASSERT_SYS(close(ke_fd(&other)));
	send_number(id, 1);
	receiver_expect(&receiver, 1);
}
END_TEST

TESTS(wait, 60, WITH_CLIENT,
      p9_a_blocked_receiver_gets_the_event,
      p9_an_event_that_waits_is_received_without_sleeping,
      p9_blocked_receivers_are_served_in_order_of_arrival,
      p9_a_burst_is_served_in_order_of_arrival,
      p9_a_burst_before_anyone_can_run_is_served_in_order_of_arrival,
      p9_one_event_wakes_one_receiver,
      p9_an_event_wakes_nobody_at_another_id,
      p9_a_newcomer_does_not_overtake_who_waits,
      p9_a_newcomer_gets_what_is_more_than_the_waiters_need,
      p9_a_timeout_is_never_early,
      p9_the_longest_timeouts_wait,
      the_timeout_of_a_send_may_be_anything,
      o_nonblock_does_not_matter,
      p9_timeouts_of_some_do_not_strand_others,
      closing_the_file_of_a_blocked_receiver_loses_nothing)
