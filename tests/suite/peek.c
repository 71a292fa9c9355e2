// SPDX-License-Identifier: GPL-2.0-only
/* P9: receivers that wait only to look. */
#include "harness.h"
#include "task.h"

static struct receiver peeker(int id)
{
	struct receiver receiver = RECEIVER(id);

	receiver.flags = KE_PEEK;
	return receiver;
}

START_TEST(p9_a_blocked_peeker_sees_the_event_and_leaves_it)
{
	int id = fresh_id();
	struct receiver receiver = peeker(id);

	receiver_block(&receiver);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	assert_empty(id);
}
END_TEST

START_TEST(p9_all_blocked_peekers_see_the_event)
{
	int id = fresh_id();
	struct receiver peekers[5];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(peekers); i++) {
		peekers[i] = peeker(id);
		receiver_block(&peekers[i]);
	}
	send_number(id, 1);
	for (i = 0; i < ARRAY_SIZE(peekers); i++)
		receiver_expect(&peekers[i], 1);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(p9_a_peeker_passes_its_wake_up_on)
{
	int id = fresh_id(), i;

	for (i = 0; i < 20; i++) {
		struct receiver receivers[3] = { peeker(id), peeker(id), RECEIVER(id) };

		receiver_block(&receivers[0]);
		receiver_block(&receivers[1]);
		receiver_block(&receivers[2]);
		send_number(id, i);
		receiver_expect(&receivers[2], i);
		receiver_expect(&receivers[1], i);
		receiver_expect(&receivers[0], i);
		assert_empty(id);
	}
}
END_TEST

START_TEST(p9_a_peeker_with_bad_memory_passes_its_wake_up_on)
{
	int id = fresh_id();
	struct receiver bad = peeker(id), good = RECEIVER(id);

	bad.data = (void *)16;
	bad.size = 8;
	receiver_block(&bad);
	receiver_block(&good);
	send_number(id, 1);
	receiver_join(&bad);
	ASSERT_RESULT(bad.result, -EFAULT);
	receiver_expect(&good, 1);
	assert_empty(id);
}
END_TEST

START_TEST(p9_a_peeker_behind_a_taker_sees_the_next_event)
{
	int id = fresh_id();
	struct receiver taker = RECEIVER(id), looker = peeker(id);

	receiver_block(&taker);
	receiver_block(&looker);
	send_number(id, 1);
	receiver_expect(&taker, 1);
	task_wait_blocked(looker.tid);
	send_number(id, 2);
	receiver_expect(&looker, 2);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

START_TEST(p9_a_waiting_peeker_keeps_nothing_from_a_newcomer)
{
	int id = fresh_id();
	struct receiver looker = peeker(id);

	task_pin();
	receiver_block(&looker);
	task_rule();
	send_number(id, 1);
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	ck_assert_uint_eq(receive_number(id), 1);
	task_yield_rule();
	task_wait_blocked(looker.tid);
	send_number(id, 2);
	receiver_expect(&looker, 2);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

START_TEST(p9_peekers_between_takers_do_not_break_the_order)
{
	int id = fresh_id(), i, round;

	for (round = 0; round < 10; round++) {
		struct receiver takers[4], lookers[4];

		for (i = 0; i < 4; i++) {
			lookers[i] = peeker(id);
			takers[i] = RECEIVER(id);
			receiver_block(&lookers[i]);
			receiver_block(&takers[i]);
		}
		for (i = 0; i < 4; i++)
			send_number(id, i);
		for (i = 0; i < 4; i++) {
			receiver_expect(&lookers[i], i);
			receiver_expect(&takers[i], i);
		}
		assert_empty(id);
	}
}
END_TEST

START_TEST(p9_a_peek_times_out)
{
	struct ke_event ev = { .size = 0 };
	int id = fresh_id();

	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -ENOMSG);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 5), -ETIMEDOUT);
}
END_TEST

TESTS(peek, 60, WITH_CLIENT,
      p9_a_blocked_peeker_sees_the_event_and_leaves_it,
      p9_all_blocked_peekers_see_the_event,
      p9_a_peeker_passes_its_wake_up_on,
      p9_a_peeker_with_bad_memory_passes_its_wake_up_on,
      p9_a_peeker_behind_a_taker_sees_the_next_event,
      p9_a_waiting_peeker_keeps_nothing_from_a_newcomer,
      p9_peekers_between_takers_do_not_break_the_order,
      p9_a_peek_times_out)
