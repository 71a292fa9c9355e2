// SPDX-License-Identifier: GPL-2.0-only
/* P1, P3, P9: an event arrives at the moment in which its receiver gives up. */
#include "lib/harness.h"
#include "lib/task.h"

#define TIMEOUT_MS 20
#define ROUNDS 100

/* Grows over the rounds from nothing to a limit, in steps of different size. */
static uint64_t jitter(unsigned int round, uint64_t limit_ns)
{
	return limit_ns * ((round * 37) % ROUNDS) / ROUNDS;
}

/*
 * The first of two receivers may have received the number 1 or have given up;
 * then the second one has it. Nobody else ever gets it.
 */
static void settle(struct receiver *first, struct receiver *second, int gave_up)
{
	receiver_join(first);
	if (first->result == 0) {
		ck_assert_uint_eq(first->number, 1);
		assert_empty(second->id);
		send_number(second->id, 2);
		receiver_expect(second, 2);
	} else {
		ASSERT_RESULT(first->result, gave_up);
		receiver_expect(second, 1);
	}
	assert_empty(second->id);
}

/* Blocks both, the first of them for a limited time. */
static void block_two(struct receiver *first, struct receiver *second)
{
	first->timeout_ms = TIMEOUT_MS;
	receiver_start(first);
	WAIT_UNTIL(task_is_blocked(first->tid) || receiver_is_done(first));
	receiver_block(second);
}

START_TEST(p9_a_timeout_and_an_event_at_once_lose_nothing)
{
	int id = fresh_id();
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		struct receiver first = RECEIVER(id), second = RECEIVER(id);
		uint64_t start = now_ns(), send;

		block_two(&first, &second);
		send = start + TIMEOUT_MS * 1000000 + jitter(round, 1500000);
		while (now_ns() < send)
			;
		send_number(id, 1);
		settle(&first, &second, -ETIMEDOUT);
	}
}
END_TEST

START_TEST(p3_an_event_is_there_after_the_timeout_that_missed_it)
{
	int id = fresh_id();
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		struct receiver receiver = RECEIVER(id);
		uint64_t start = now_ns();

		receiver.timeout_ms = 5;
		receiver_start(&receiver);
		while (now_ns() < start + 5000000 + jitter(round, 1000000))
			;
		send_number(id, 1);
		receiver_join(&receiver);
		if (receiver.result) {
			ASSERT_RESULT(receiver.result, -ETIMEDOUT);
			ck_assert_uint_eq(receive_number(id), 1);
		}
		assert_empty(id);
	}
}
END_TEST

/* Time is over, and the event is there, before the receiver can run. */
static void late_receiver(int id, uint64_t wait_ns, uint64_t wait_after_ns)
{
	struct receiver first = RECEIVER(id), second = RECEIVER(id);

	block_two(&first, &second);
	task_rule();
	spin_ns(wait_ns);
	send_number(id, 1);
	spin_ns(wait_after_ns);
	task_yield_rule();
	settle(&first, &second, -ETIMEDOUT);
}

START_TEST(p9_an_event_before_and_after_the_end_of_time_loses_nothing)
{
	int id = fresh_id(), i;

	task_pin();
	for (i = 0; i < 5; i++) {
		late_receiver(id, 0, 2 * TIMEOUT_MS * 1000000);
		late_receiver(id, 2 * TIMEOUT_MS * 1000000, 0);
	}
}
END_TEST

/* Two events; whatever the first does, the second has the other one or the only one. */
static void settle_two(struct receiver *first, struct receiver *second, int gave_up)
{
	receiver_join(first);
	receiver_join(second);
	ASSERT_OK(second->result);
	if (first->result == 0) {
		ck_assert_uint_eq(first->number, 1);
		ck_assert_uint_eq(second->number, 2);
	} else {
		ASSERT_RESULT(first->result, gave_up);
		ck_assert_uint_eq(second->number, 1);
		ck_assert_uint_eq(receive_number(second->id), 2);
	}
	assert_empty(second->id);
}

START_TEST(p9_who_is_late_for_two_events_wakes_the_next)
{
	int id = fresh_id(), i;

	task_pin();
	for (i = 0; i < 10; i++) {
		struct receiver first = RECEIVER(id), second = RECEIVER(id);

		block_two(&first, &second);
		task_rule();
		if (i % 2)
			spin_ns(2 * TIMEOUT_MS * 1000000);
		send_number(id, 1);
		send_number(id, 2);
		if (i % 2 == 0)
			spin_ns(2 * TIMEOUT_MS * 1000000);
		task_yield_rule();
		settle_two(&first, &second, -ETIMEDOUT);
	}
}
END_TEST

START_TEST(p9_who_has_two_events_and_a_signal_wakes_the_next)
{
	int id = fresh_id(), i;

	signal_handle(SIGUSR1, 0);
	task_pin();
	for (i = 0; i < 10; i++) {
		struct receiver first = RECEIVER(id), second = RECEIVER(id);

		if (i % 2)
			first.timeout_ms = 1000000;
		receiver_block(&first);
		receiver_block(&second);
		task_rule();
		send_number(id, 1);
		signal_thread(first.tid, SIGUSR1);
		send_number(id, 2);
		task_yield_rule();
		settle_two(&first, &second, -EINTR);
	}
}
END_TEST

/* All in front give up at once, with an event for two of them already sent. */
START_TEST(p9_many_timeouts_at_once_strand_nobody)
{
	int id = fresh_id(), i, round;

	for (round = 0; round < 10; round++) {
		struct receiver receivers[6], last = RECEIVER(id);
		unsigned int got = 0;

		for (i = 0; i < 6; i++) {
			receivers[i] = RECEIVER(id);
			receivers[i].timeout_ms = TIMEOUT_MS;
			receiver_start(&receivers[i]);
		}
		receiver_block(&last);
		spin_ns(round * 2000000);
		send_number(id, 1);
		for (i = 0; i < 6; i++) {
			receiver_join(&receivers[i]);
			if (receivers[i].result)
				ASSERT_RESULT(receivers[i].result, -ETIMEDOUT);
			else
				got++;
		}
		ck_assert_uint_le(got, 1);
		if (got)
			send_number(id, 2);
		receiver_expect(&last, 1 + got);
		assert_empty(id);
	}
}
END_TEST

/* Does both, in one order or the other, so and so far apart. */
static void send_and_signal(int id, pid_t tid, unsigned int round)
{
	if (round % 2)
		send_number(id, 1);
	else
		tgkill(getpid(), tid, SIGUSR1);
	spin_ns(jitter(round, 100000));
	if (round % 2)
		tgkill(getpid(), tid, SIGUSR1);
	else
		send_number(id, 1);
}

START_TEST(p9_a_signal_and_an_event_at_once_lose_nothing)
{
	int id = fresh_id();
	unsigned int round;

	signal_handle(SIGUSR1, 0);
	for (round = 0; round < 2 * ROUNDS; round++) {
		struct receiver first = RECEIVER(id), second = RECEIVER(id);

		receiver_block(&first);
		receiver_block(&second);
		send_and_signal(id, first.tid, round);
		settle(&first, &second, -EINTR);
	}
}
END_TEST

struct victim {
	int id;
	uint64_t number;
};

/* What it has been handed can be seen in the shared memory after its death. */
static int receive_until_killed(void *arg)
{
	struct victim *victim = arg;
	struct ke_event ev = { .data = &victim->number, .size = sizeof(victim->number) };

	ke_receive(&ke, victim->id, &ev, 0, -1);
	while (pause())
		;
	return 0;
}

START_TEST(p9_a_kill_and_an_event_at_once_lose_nothing)
{
	struct victim *victim = shared_memory(sizeof(*victim));
	unsigned int round;

	victim->id = fresh_id();
	for (round = 0; round < ROUNDS; round++) {
		struct receiver second = RECEIVER(victim->id);
		pid_t pid;

		victim->number = 0;
		pid = child_start(receive_until_killed, victim);
		task_wait_blocked(pid);
		receiver_block(&second);
		if (round % 2)
			send_number(victim->id, 1);
		else
			ASSERT_SYS(kill(pid, SIGKILL));
		spin_ns(jitter(round, 100000));
		if (round % 2)
			ASSERT_SYS(kill(pid, SIGKILL));
		else
			send_number(victim->id, 1);
		ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
		if (victim->number)
			send_number(victim->id, 2);
		receiver_expect(&second, 1 + victim->number);
		assert_empty(victim->id);
	}
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_a_timeout_and_an_event_at_once_lose_nothing,
      p3_an_event_is_there_after_the_timeout_that_missed_it,
      p9_an_event_before_and_after_the_end_of_time_loses_nothing,
      p9_who_is_late_for_two_events_wakes_the_next,
      p9_who_has_two_events_and_a_signal_wakes_the_next,
      p9_many_timeouts_at_once_strand_nobody,
      p9_a_signal_and_an_event_at_once_lose_nothing,
      p9_a_kill_and_an_event_at_once_lose_nothing)
