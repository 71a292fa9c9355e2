// SPDX-License-Identifier: GPL-2.0-only
/* Signals while waiting: P3, P9 and what the man page of signal(7) leads to expect. */
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/record.h"
#include "lib/task.h"

START_TEST(a_signal_ends_an_endless_wait_with_eintr)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	signal_handle(SIGUSR1, 0);
	receiver_block(&receiver);
	signal_thread(receiver.tid, SIGUSR1);
	receiver_join(&receiver);
	ASSERT_RESULT(receiver.result, -EINTR);
	ck_assert_int_eq(signal_count, 1);
}
END_TEST

static void wait_through_signals(int timeout_ms)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);
	int i;

	receiver.timeout_ms = timeout_ms;
	signal_handle(SIGUSR1, SA_RESTART);
	receiver_block(&receiver);
	for (i = 1; i <= 5; i++) {
		signal_thread(receiver.tid, SIGUSR1);
		WAIT_UNTIL(signal_count == i);
		task_wait_blocked(receiver.tid);
	}
	send_number(id, 1);
	receiver_expect(&receiver, 1);
}

START_TEST(a_wait_goes_on_after_a_signal_with_sa_restart)
{
	wait_through_signals(-1);
	wait_through_signals(1000000);
}
END_TEST

START_TEST(a_signal_ends_a_limited_wait_with_eintr)
{
	struct receiver receiver = RECEIVER(fresh_id());

	receiver.timeout_ms = 1000000;
	signal_handle(SIGUSR1, 0);
	receiver_block(&receiver);
	signal_thread(receiver.tid, SIGUSR1);
	receiver_join(&receiver);
	ASSERT_RESULT(receiver.result, -EINTR);
	ck_assert_int_eq(signal_count, 1);
}
END_TEST

START_TEST(a_signal_that_is_ignored_disturbs_nobody)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	signal(SIGUSR1, SIG_IGN);
	receiver.timeout_ms = 1000000;
	receiver_block(&receiver);
	signal_thread(receiver.tid, SIGUSR1);
	task_wait_blocked(receiver.tid);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
}
END_TEST

START_TEST(a_signal_that_is_pending_does_not_stop_a_receive_that_need_not_wait)
{
	int id = fresh_id();
	sigset_t set;

	signal_handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	ck_assert_int_eq(signal_count, 1);
}
END_TEST

START_TEST(p9_whoever_is_next_moves_up_after_a_signal)
{
	int id = fresh_id();
	struct receiver receivers[3] = { RECEIVER(id), RECEIVER(id), RECEIVER(id) };
	size_t i;

	signal_handle(SIGUSR1, 0);
	for (i = 0; i < ARRAY_SIZE(receivers); i++)
		receiver_block(&receivers[i]);
	signal_thread(receivers[1].tid, SIGUSR1);
	receiver_join(&receivers[1]);
	ASSERT_RESULT(receivers[1].result, -EINTR);
	send_number(id, 0);
	send_number(id, 2);
	receiver_expect(&receivers[0], 0);
	receiver_expect(&receivers[2], 2);
}
END_TEST

/* The first in line has its event and a signal before it can run. */
static void signal_with_event(int sa_flags, int timeout_ms)
{
	int id = fresh_id();
	struct receiver first = RECEIVER(id), second = RECEIVER(id);

	signal_handle(SIGUSR1, sa_flags);
	first.timeout_ms = timeout_ms;
	receiver_block(&first);
	receiver_block(&second);
	task_rule();
	send_number(id, 1);
	signal_thread(first.tid, SIGUSR1);
	task_yield_rule();
	WAIT_UNTIL(receiver_is_done(&first) || receiver_is_done(&second));
	if (receiver_is_done(&first) && first.result == 0) {
		receiver_expect(&first, 1);
		send_number(id, 2);
		receiver_expect(&second, 2);
		return;
	}
	receiver_expect(&second, 1);
	if (sa_flags & SA_RESTART) {
		send_number(id, 2);
		receiver_expect(&first, 2);
	} else {
		receiver_join(&first);
		ASSERT_RESULT(first.result, -EINTR);
	}
}

START_TEST(p3_an_event_and_a_signal_at_once_lose_nothing)
{
	static const int timeouts[] = { -1, 1000000 };
	size_t i;

	task_pin();
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		signal_with_event(0, timeouts[i]);
		signal_with_event(SA_RESTART, timeouts[i]);
	}
}
END_TEST

static int wait_for_number(void *arg)
{
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	int err = ke_receive(&ke, *(int *)arg, &ev, 0, -1);

	return err ? 100 : (int)number;
}

START_TEST(p3_a_receiver_that_was_killed_takes_nothing)
{
	int id = fresh_id();
	pid_t pid = child_start(wait_for_number, &id);

	task_wait_blocked(pid);
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(p9_whoever_is_next_moves_up_when_one_is_killed)
{
	int id = fresh_id(), i;
	pid_t pids[3];

	for (i = 0; i < 3; i++) {
		pids[i] = child_start(wait_for_number, &id);
		task_wait_blocked(pids[i]);
	}
	ASSERT_SYS(kill(pids[0], SIGKILL));
	ck_assert_int_eq(child_join(pids[0]), 128 + SIGKILL);
	send_number(id, 1);
	send_number(id, 2);
	ck_assert_int_eq(child_join(pids[1]), 1);
	ck_assert_int_eq(child_join(pids[2]), 2);
}
END_TEST

START_TEST(p1_a_receiver_that_is_stopped_loses_nothing)
{
	int id = fresh_id(), status;
	pid_t pid = child_start(wait_for_number, &id);

	task_wait_blocked(pid);
	ASSERT_SYS(kill(pid, SIGSTOP));
	ASSERT_SYS(waitpid(pid, &status, WUNTRACED));
	ck_assert(WIFSTOPPED(status));
	send_number(id, 1);
	ASSERT_SYS(kill(pid, SIGCONT));
	ck_assert_int_eq(child_join(pid), 1);
	assert_empty(id);
}
END_TEST

START_TEST(p9_a_receiver_that_is_stopped_keeps_nothing_from_others)
{
	int id = fresh_id(), status;
	pid_t pid = child_start(wait_for_number, &id);

	task_wait_blocked(pid);
	ASSERT_SYS(kill(pid, SIGSTOP));
	ASSERT_SYS(waitpid(pid, &status, WUNTRACED));
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	ASSERT_SYS(kill(pid, SIGCONT));
	task_wait_blocked(pid);
	send_number(id, 2);
	ck_assert_int_eq(child_join(pid), 2);
}
END_TEST

static int wait_for_limited_time(void *arg)
{
	struct ke_event ev = { .size = 0 };

	return -ke_receive(&ke, *(int *)arg, &ev, 0, 1000000);
}

START_TEST(p1_a_limited_wait_that_is_stopped_loses_nothing)
{
	int id = fresh_id(), status;
	pid_t pid = child_start(wait_for_limited_time, &id);

	task_wait_blocked(pid);
	ASSERT_SYS(kill(pid, SIGSTOP));
	ASSERT_SYS(waitpid(pid, &status, WUNTRACED));
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ASSERT_SYS(kill(pid, SIGCONT));
	ck_assert_int_eq(child_join(pid), 0);
	assert_empty(id);
}
END_TEST

#define MANY 2000

/* From now on a signal comes each millisecond; 0: no more. */
static void interrupt_every_ms(suseconds_t ms)
{
	const struct itimerval timer = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	signal_handle(SIGALRM, SA_RESTART);
	ASSERT_SYS(setitimer(ITIMER_REAL, &timer, NULL));
}

static int send_many(int id)
{
	static struct kevents_send entries[MANY];
	size_t i;

	for (i = 0; i < MANY; i++)
		entries[i] = abi_send(id, NULL, 0);
	return abi_batch(KEVENTS_IOC_SEND_BATCH, entries, MANY);
}

static int receive_many(void)
{
	static struct kevents_receive entries[MANY];
	size_t i;

	for (i = 0; i < MANY; i++)
		entries[i] = abi_receive(0, NULL, 0);
	return abi_batch(KEVENTS_IOC_RECEIVE_BATCH, entries, MANY);
}

START_TEST(p1_a_signal_ends_a_batch_that_is_sent)
{
	int id = fresh_id(), sent;

	interrupt_every_ms(1);
	do {
		sent = send_many(id);
		ck_assert_int_gt(sent, 0);
		ck_assert_uint_eq(drain(id), sent);
	} while (sent == MANY);
	interrupt_every_ms(0);
}
END_TEST

START_TEST(p1_a_signal_ends_a_batch_that_is_received)
{
	int id = fresh_id(), received;

	ASSERT_OK(ke_watch(&ke, id));
	do {
		ck_assert_int_eq(send_many(id), MANY);
		interrupt_every_ms(1);
		received = receive_many();
		interrupt_every_ms(0);
		ck_assert_int_gt(received, 0);
		ck_assert_uint_eq(drain(id), MANY - received);
	} while (received == MANY);
}
END_TEST

START_TEST(p1_a_signal_ends_a_write_between_records)
{
	static struct number_record records[MANY];
	int id = fresh_id(), i;
	ssize_t written;

	for (i = 0; i < MANY; i++)
		records[i] = number_record(id, i);
	interrupt_every_ms(1);
	do {
		written = write(ke_fd(&ke), records, sizeof(records));
		ASSERT_SYS(written);
		ck_assert_uint_gt(written, 0);
		ck_assert_uint_eq(written % sizeof(records[0]), 0);
		ck_assert_uint_eq(drain(id), written / sizeof(records[0]));
	} while (written == sizeof(records));
	interrupt_every_ms(0);
}
END_TEST

TESTS(60, WITH_CLIENT,
      a_signal_ends_an_endless_wait_with_eintr,
      a_wait_goes_on_after_a_signal_with_sa_restart,
      a_signal_ends_a_limited_wait_with_eintr,
      a_signal_that_is_ignored_disturbs_nobody,
      a_signal_that_is_pending_does_not_stop_a_receive_that_need_not_wait,
      p9_whoever_is_next_moves_up_after_a_signal,
      p3_an_event_and_a_signal_at_once_lose_nothing,
      p3_a_receiver_that_was_killed_takes_nothing,
      p9_whoever_is_next_moves_up_when_one_is_killed,
      p1_a_receiver_that_is_stopped_loses_nothing,
      p9_a_receiver_that_is_stopped_keeps_nothing_from_others,
      p1_a_limited_wait_that_is_stopped_loses_nothing,
      p1_a_signal_ends_a_batch_that_is_sent,
      p1_a_signal_ends_a_batch_that_is_received,
      p1_a_signal_ends_a_write_between_records)
