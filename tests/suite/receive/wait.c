// SPDX-License-Identifier: GPL-2.0-only
/* P9: who waits is woken, only who is meant is, and in the order of arrival. */
#include <fcntl.h>

#include "lib/harness.h"
#include "lib/task.h"

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

/* The others get theirs, and end, while the first gets no processor. */
START_TEST(p9_a_receiver_that_cannot_run_holds_up_no_other)
{
	const struct sched_param first = { .sched_priority = 60 };
	int id = fresh_id();
	struct receiver receivers[4];
	size_t i;

	task_pin();
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
		if (i)
			ASSERT_SYS(sched_setscheduler(receivers[i].tid, SCHED_FIFO, &first));
	}
	task_rule();
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		send_number(id, i);
	for (i = 1; i < ARRAY_SIZE(receivers); i++)
		WAIT_UNTIL(receiver_is_done(&receivers[i]));
	ck_assert(!receiver_is_done(&receivers[0]));
	task_yield_rule();
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		receiver_expect(&receivers[i], i);
	assert_empty(id);
}
END_TEST

/* More than one step of the module hands over or refuses. */
enum { CROWD = 40 };

START_TEST(p9_what_does_not_fit_goes_past_many_to_who_has_room)
{
	int id = fresh_id();
	struct receiver small[CROWD], large = RECEIVER(id);
	char byte[CROWD];
	size_t i;

	for (i = 0; i < CROWD; i++) {
		small[i] = RECEIVER(id);
		small[i].data = &byte[i];
		small[i].size = 1;
		receiver_block(&small[i]);
	}
	receiver_block(&large);
	send_number(id, 7);
	for (i = 0; i < CROWD; i++) {
		receiver_join(&small[i]);
		ASSERT_RESULT(small[i].result, -EMSGSIZE);
		ck_assert_uint_eq(small[i].ev.len, sizeof(uint64_t));
	}
	receiver_expect(&large, 7);
	assert_empty(id);
}
END_TEST

START_TEST(p9_a_batch_serves_many_in_order)
{
	int id = fresh_id();
	struct receiver receivers[CROWD];
	struct ke_event evs[CROWD] = { 0 };
	uint64_t numbers[CROWD];
	size_t i;

	for (i = 0; i < CROWD; i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
		numbers[i] = i;
		evs[i] = (struct ke_event){ .id = id, .data = &numbers[i], .len = 8 };
	}
	ASSERT_RESULT(ke_send_batch(&ke, evs, CROWD, 0), CROWD);
	for (i = 0; i < CROWD; i++)
		receiver_expect(&receivers[i], i);
	assert_empty(id);
}
END_TEST

/* What has been handed over counts, if the deadline or a signal comes before it can run. */
START_TEST(p1_what_was_handed_over_is_not_lost_by_a_timeout_or_signal)
{
	static const unsigned int flags[] = { 0, KE_LEASE };
	int id = fresh_id(), way;

	signal_handle(SIGUSR1, 0);
	task_pin();
	for (way = 0; way < 4; way++) {
		struct receiver receiver = RECEIVER(id);

		receiver.flags = flags[way % 2];
		receiver.timeout_ms = way < 2 ? 20 : 1000000;
		receiver_block(&receiver);
		task_rule();
		send_number(id, way);
		if (way < 2)
			spin_ns(30 * UINT64_C(1000000));
		else
			signal_thread(receiver.tid, SIGUSR1);
		assert_empty(id);
		task_yield_rule();
		receiver_expect(&receiver, way);
		if (receiver.flags)
			ASSERT_OK(ke_ack(&ke, receiver.ev.seq));
		assert_empty(id);
	}
}
END_TEST

struct doomed {
	int id;
	unsigned int flags;
};

static int wait_to_be_killed(void *arg)
{
	struct doomed *doomed = arg;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	return ke_receive(&ke, doomed->id, &ev, doomed->flags, -1);
}

/* It has the event when it is killed, but has not run since. */
START_TEST(p1_what_was_handed_over_to_who_is_killed_goes_to_the_next)
{
	static const unsigned int flags[] = { 0, KE_LEASE };
	struct doomed doomed = { .id = fresh_id() };
	struct receiver next;
	pid_t pid;
	int i;

	task_pin();
	for (i = 0; i < 4; i++) {
		doomed.flags = flags[i % 2];
		pid = child_start(wait_to_be_killed, &doomed);
		task_wait_blocked(pid);
		next = RECEIVER(doomed.id);
		if (i < 2)
			receiver_block(&next);
		task_rule();
		send_number(doomed.id, i);
		assert_empty(doomed.id);
		ASSERT_SYS(kill(pid, SIGKILL));
		task_yield_rule();
		ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
		if (i < 2)
			receiver_expect(&next, i);
		else
			ck_assert_uint_eq(receive_number(doomed.id), i);
		assert_empty(doomed.id);
	}
}
END_TEST

START_TEST(p9_a_newcomer_gets_what_is_more_than_the_waiters_need)
{
	int id = fresh_id();
	struct receiver receivers[2] = { RECEIVER(id), RECEIVER(id) };

	task_pin();
	receiver_block(&receivers[0]);
	receiver_block(&receivers[1]);
	task_rule();
	send_number(id, 1);
	send_number(id, 2);
	assert_empty(id);
	send_number(id, 4);
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	ck_assert_uint_eq(receive_number(id), 4);
	assert_empty(id);
	task_yield_rule();
	receiver_expect(&receivers[0], 1);
	receiver_expect(&receivers[1], 2);
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

TESTS(60, WITH_CLIENT,
      p9_a_blocked_receiver_gets_the_event,
      p9_an_event_that_waits_is_received_without_sleeping,
      p9_blocked_receivers_are_served_in_order_of_arrival,
      p9_a_burst_is_served_in_order_of_arrival,
      p9_a_burst_before_anyone_can_run_is_served_in_order_of_arrival,
      p9_one_event_wakes_one_receiver,
      p9_an_event_wakes_nobody_at_another_id,
      p9_a_newcomer_does_not_overtake_who_waits,
      p9_a_receiver_that_cannot_run_holds_up_no_other,
      p9_what_does_not_fit_goes_past_many_to_who_has_room,
      p9_a_batch_serves_many_in_order,
      p1_what_was_handed_over_is_not_lost_by_a_timeout_or_signal,
      p1_what_was_handed_over_to_who_is_killed_goes_to_the_next,
      p9_a_newcomer_gets_what_is_more_than_the_waiters_need,
      p9_a_timeout_is_never_early,
      p9_the_longest_timeouts_wait,
      the_timeout_of_a_send_may_be_anything,
      o_nonblock_does_not_matter,
      p9_timeouts_of_some_do_not_strand_others,
      closing_the_file_of_a_blocked_receiver_loses_nothing)
