// SPDX-License-Identifier: GPL-2.0-only
/* Receives that only look: they take nothing and never wait. */
#include "abi.h"
#include "harness.h"
#include "task.h"
#include "watched.h"

static int peek(int id, uint64_t *number, unsigned int flags, int timeout_ms)
{
	struct ke_event ev = { .data = number, .size = sizeof(*number) };

	return ke_receive(&ke, id, &ev, KE_PEEK | flags, timeout_ms);
}

START_TEST(a_peek_shows_the_oldest_event_and_leaves_it)
{
	int id = fresh_id(), i;
	uint64_t number;

	send_number(id, 1);
	send_number(id, 2);
	for (i = 0; i < 3; i++) {
		ASSERT_OK(peek(id, &number, 0, 0));
		ck_assert_uint_eq(number, 1);
	}
	ck_assert_uint_eq(receive_number(id), 1);
	ck_assert_uint_eq(receive_number(id), 2);
	ASSERT_RESULT(peek(id, &number, 0, 0), -ENOMSG);
}
END_TEST

START_TEST(a_peek_with_a_timeout_is_einval)
{
	static const int timeouts[] = { 1, 1000, INT_MAX, -1, INT_MIN };
	int id = fresh_id(), round;
	uint64_t number;
	size_t i;

	ASSERT_OK(ke_watch(&ke, id));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
			ASSERT_RESULT(peek(id, &number, 0, timeouts[i]), -EINVAL);
			ASSERT_RESULT(peek(0, &number, KE_WATCHED, timeouts[i]), -EINVAL);
		}
		if (!round)
			send_number(id, 1);
	}
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(a_peek_with_a_deadline_is_einval)
{
	const uint64_t deadlines[] = { 1, now_ns() + 1000000, INT64_MAX, KEVENTS_NO_DEADLINE };
	struct kevents_receive receive;
	int id = fresh_id();
	uint64_t number;
	size_t i;

	send_number(id, 1);
	receive = abi_receive(id, &number, sizeof(number));
	receive.flags = KEVENTS_RECEIVE_PEEK;
	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		receive.deadline_ns = deadlines[i];
		ASSERT_RESULT(abi_call(KEVENTS_IOC_RECEIVE, &receive), -EINVAL);
	}
	receive.deadline_ns = 0;
	ASSERT_OK(abi_call(KEVENTS_IOC_RECEIVE, &receive));
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(p9_a_peek_shows_what_the_waiters_leave)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);
	uint64_t number;

	task_pin();
	receiver_block(&receiver);
	task_rule();
	send_number(id, 1);
	ASSERT_RESULT(peek(id, &number, 0, 0), -ENOMSG);
	send_number(id, 2);
	ASSERT_OK(peek(id, &number, 0, 0));
	task_yield_rule();
	receiver_expect(&receiver, 1);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

TESTS(peek, 60, WITH_CLIENT,
      a_peek_shows_the_oldest_event_and_leaves_it,
      a_peek_with_a_timeout_is_einval,
      a_peek_with_a_deadline_is_einval,
      p9_a_peek_shows_what_the_waiters_leave)
