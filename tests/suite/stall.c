// SPDX-License-Identifier: GPL-2.0-only
/* P3: a receiver or sender that is stuck in the middle of the copy. */
#include <sys/mman.h>

#include "call.h"
#include "harness.h"
#include "memory.h"
#include "module.h"
#include "task.h"

/* A receiver that stalls as soon as it is handed an event. */
static struct receiver stalling(int id, const struct stall *stall, int timeout_ms)
{
	struct receiver receiver = RECEIVER(id);

	receiver.data = stall->page;
	receiver.size = page_size();
	receiver.timeout_ms = timeout_ms;
	return receiver;
}

static uint64_t number_at(const void *memory)
{
	uint64_t number;

	memcpy(&number, memory, sizeof(number));
	return number;
}

START_TEST(p3_others_receive_while_one_is_stalled)
{
	int id = fresh_id();
	struct receiver stalled;
	struct stall stall;
	uint64_t other;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	send_number(id, 2);
	stalled = stalling(id, &stall, 0);
	receiver_start(&stalled);
	stall_wait(&stall);

	other = receive_number(id);
	ck_assert(other == 1 || other == 2);
	stall_release(&stall);
	receiver_join(&stalled);
	ASSERT_OK(stalled.result);
	ck_assert_uint_eq(number_at(stall.page), 3 - other);
	assert_empty(id);
}
END_TEST

START_TEST(p3_others_send_while_a_receiver_is_stalled)
{
	int id = fresh_id();
	struct receiver stalled;
	struct stall stall;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	stalled = stalling(id, &stall, 0);
	receiver_start(&stalled);
	stall_wait(&stall);

	send_number(id, 2);
	send_number(id, 3);
	stall_release(&stall);
	receiver_join(&stalled);
	ASSERT_OK(stalled.result);
	ck_assert_uint_eq(number_at(stall.page), 1);
	ck_assert_uint_eq(receive_number(id), 2);
	ck_assert_uint_eq(receive_number(id), 3);
}
END_TEST

START_TEST(p1_two_stalled_receivers_and_a_quick_one_share_without_loss)
{
	struct receiver stalled[2];
	struct stall stalls[2];
	int id = fresh_id();
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < 2; i++)
		if (!stall_create(&stalls[i]))
			SKIP(NO_USERFAULTFD);
	for (i = 1; i <= 3; i++)
		send_number(id, i);
	for (i = 0; i < 2; i++) {
		stalled[i] = stalling(id, &stalls[i], 0);
		receiver_start(&stalled[i]);
		stall_wait(&stalls[i]);
	}
	sum += receive_number(id);
	for (i = 0; i < 2; i++) {
		stall_release(&stalls[i]);
		receiver_join(&stalled[i]);
		ASSERT_OK(stalled[i].result);
		sum += number_at(stalls[i].page);
	}
	ck_assert_uint_eq(sum, 6);
	assert_empty(id);
}
END_TEST

/* Only one event: whoever does not get it is told so. */
START_TEST(p1_stalled_receivers_may_all_miss_what_a_quick_one_took)
{
	struct receiver stalled[3];
	struct stall stalls[3];
	unsigned int got = 0;
	int id = fresh_id();
	uint64_t number;
	struct ke_event quick = { .data = &number, .size = sizeof(number) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stalls); i++)
		if (!stall_create(&stalls[i]))
			SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	stalled[0] = stalling(id, &stalls[0], 0);
	receiver_start(&stalled[0]);
	stall_wait(&stalls[0]);
	for (i = 1; i < ARRAY_SIZE(stalls); i++) {
		stalled[i] = stalling(id, &stalls[i], 0);
		receiver_start(&stalled[i]);
		WAIT_UNTIL(receiver_is_done(&stalled[i]) || task_is_stuck(stalled[i].tid));
	}
	got += ke_receive(&ke, id, &quick, 0, 0) == 0;
	for (i = 0; i < ARRAY_SIZE(stalls); i++) {
		stall_release(&stalls[i]);
		receiver_join(&stalled[i]);
		if (!stalled[i].result)
			got++;
		else
			ASSERT_RESULT(stalled[i].result, -ENOMSG);
	}
	ck_assert_uint_eq(got, 1);
	assert_empty(id);
}
END_TEST

#define LONG 100
#define SHORT 10
#define BEFORE 50	/* so much of a buffer lies before the page that stalls */

/* What a call gets that stalls for a long event, which another one takes. */
static void swap_for_a_short_one(int id, struct stall *stall)
{
	char first[LONG], second[SHORT];

	memset(second, 0x22, sizeof(second));
	stall_wait(stall);
	ASSERT_OK(ke_get_event(&ke, id, first, sizeof(first)));
	ck_assert(memory_is_all(first, sizeof(first), 0x11));
	ASSERT_OK(ke_send_event(&ke, id, second, sizeof(second)));
	stall_release(stall);
}

static void send_long(int id)
{
	char first[LONG];

	memset(first, 0x11, sizeof(first));
	ASSERT_OK(ke_send_event(&ke, id, first, sizeof(first)));
}

START_TEST(a_stalled_receiver_keeps_nothing_of_what_another_got)
{
	static const unsigned int flags[] = { 0, KE_PEEK, KE_LEASE };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct receiver stalled;
		struct stall stall;

		if (!stall_create(&stall))
			SKIP(NO_USERFAULTFD);
		send_long(id);
		stalled = stalling(id, &stall, 0);
		stalled.data = memset(stall.page - BEFORE, 0x55, BEFORE);
		stalled.flags = flags[i];
		receiver_start(&stalled);
		swap_for_a_short_one(id, &stall);
		receiver_join(&stalled);
		ASSERT_OK(stalled.result);
		ck_assert_uint_eq(stalled.ev.len, SHORT);
		ck_assert(memory_is_all(stalled.data, SHORT, 0x22));
		ck_assert(memory_is_all(stall.page - BEFORE + SHORT, BEFORE - SHORT, 0x55));
		ck_assert(memory_is_all(stall.page, page_size(), 0));
		if (flags[i] == KE_PEEK)
			drain(id);
		if (flags[i] == KE_LEASE)
			ASSERT_OK(ke_ack(&ke, stalled.ev.seq));
	}
}
END_TEST

START_TEST(a_receiver_that_gets_nothing_keeps_nothing_of_what_another_got)
{
	int id = fresh_id();
	struct receiver stalled;
	struct stall stall;
	char first[LONG];

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	send_long(id);
	stalled = stalling(id, &stall, 0);
	stalled.data = memset(stall.page - BEFORE, 0x55, BEFORE);
	receiver_start(&stalled);
	stall_wait(&stall);
	ASSERT_OK(ke_get_event(&ke, id, first, sizeof(first)));
	stall_release(&stall);
	receiver_join(&stalled);
	ASSERT_RESULT(stalled.result, -ENOMSG);
	ck_assert(memory_is_all(stalled.data, BEFORE, 0x55));
	ck_assert(memory_is_all(stall.page, page_size(), 0));
}
END_TEST

START_TEST(a_stalled_read_keeps_nothing_of_what_another_got)
{
	const size_t record = 16 + 16;	/* header, payload and padding */
	int id = fresh_id();
	struct stall stall;
	struct call reader;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	ASSERT_OK(ke_watch(&ke, id));
	send_long(id);
	reader = call_read(ke_fd(&ke), stall.page, page_size());
	call_start(&reader);
	swap_for_a_short_one(id, &stall);
	ck_assert_int_eq(call_join(&reader), record);
	ck_assert(memory_is_all(stall.page + 16, SHORT, 0x22));
	ck_assert(memory_is_all(stall.page + 16 + SHORT, page_size() - 16 - SHORT, 0));
}
END_TEST

START_TEST(p9_a_stalled_waiter_does_not_hold_up_the_row)
{
	int id = fresh_id();
	struct receiver first, second = RECEIVER(id);
	struct stall stall;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	first = stalling(id, &stall, -1);
	receiver_start(&first);
	WAIT_UNTIL(task_is_stuck(first.tid));
	receiver_block(&second);
	send_number(id, 1);
	send_number(id, 2);
	receiver_join(&second);
	ASSERT_OK(second.result);
	stall_release(&stall);
	receiver_join(&first);
	ASSERT_OK(first.result);
	ck_assert_uint_eq(second.number + number_at(stall.page), 3);
	assert_empty(id);
}
END_TEST

START_TEST(p9_a_queue_where_somebody_is_stalled_stays)
{
	int id = fresh_id();
	struct receiver stalled;
	struct stall stall;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	stalled = stalling(id, &stall, -1);
	receiver_start(&stalled);
	stall_wait(&stall);
	if (ke_poll_event(&ke, id) == 1)
		ck_assert_uint_eq(receive_number(id), 1);
	outlast_reaper(1);
	stall_release(&stall);
	WAIT_UNTIL(receiver_is_done(&stalled) || task_is_blocked(stalled.tid));
	if (!receiver_is_done(&stalled))
		send_number(id, 2);
	receiver_join(&stalled);
	ASSERT_OK(stalled.result);
	assert_empty(id);
}
END_TEST

struct victim {
	int id;
	bool sends;
	bool stalled;
	struct stall stall;
};

static void *tell_when_stalled(void *arg)
{
	struct victim *victim = arg;

	stall_wait(&victim->stall);
	__atomic_store_n(&victim->stalled, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Stalls in a send or receive until it is killed. */
static int stall_for_ever(void *arg)
{
	struct victim *victim = arg;
	struct ke_event ev = { .size = page_size(), .len = 8 };
	pthread_t thread;

	if (!stall_create(&victim->stall))
		return 1;
	if (pthread_create(&thread, NULL, tell_when_stalled, victim))
		return 1;
	ev.data = victim->stall.page;
	ev.id = victim->id;
	return victim->sends ? ke_send(&ke, &ev, 0, -1) : ke_receive(&ke, victim->id, &ev, 0, 0);
}

static pid_t victim_start(struct victim *victim, int id, bool sends)
{
	pid_t pid;

	victim->id = id;
	victim->sends = sends;
	pid = child_start(stall_for_ever, victim);
	WAIT_UNTIL(__atomic_load_n(&victim->stalled, __ATOMIC_ACQUIRE));
	return pid;
}

static void victim_kill(pid_t pid)
{
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
}

static bool stalling_works(void)
{
	struct stall stall;

	return stall_create(&stall);
}

START_TEST(p3_killing_a_stalled_receiver_loses_nothing)
{
	struct victim *victim = shared_memory(sizeof(*victim));
	int id = fresh_id(), i;
	uint64_t numbers[3];
	pid_t pid;

	if (!stalling_works())
		SKIP(NO_USERFAULTFD);
	for (i = 1; i <= 3; i++)
		send_number(id, i);
	pid = victim_start(victim, id, false);
	numbers[0] = receive_number(id);
	victim_kill(pid);
	numbers[1] = receive_number(id);
	numbers[2] = receive_number(id);
	ck_assert_uint_lt(numbers[1], numbers[2]);
	ck_assert_uint_eq(numbers[0] + numbers[1] + numbers[2], 6);
	assert_empty(id);
}
END_TEST

START_TEST(p9_whoever_waits_gets_what_a_killed_receiver_held)
{
	struct victim *victim = shared_memory(sizeof(*victim));
	int id = fresh_id();
	struct receiver waiter = RECEIVER(id);
	pid_t pid;

	if (!stalling_works())
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	pid = victim_start(victim, id, false);
	receiver_start(&waiter);
	WAIT_UNTIL(receiver_is_done(&waiter) || task_is_stuck(waiter.tid));
	victim_kill(pid);
	receiver_expect(&waiter, 1);
	assert_empty(id);
}
END_TEST

struct send {
	int id;
	struct ke_event ev;
	void *data;
	int result;
	pthread_t thread;
};

static void *send_stalling(void *arg)
{
	struct send *send = arg;

	send->ev = (struct ke_event){ .id = send->id, .data = send->data, .len = 100 };
	send->result = ke_send(&ke, &send->ev, 0, 0);
	return NULL;
}

START_TEST(p4_a_stalled_sender_is_ordered_when_it_is_done)
{
	struct ke_event ev = { .size = 100 };
	char room[100];
	struct send send = { .id = fresh_id() };
	struct stall stall;
	uint64_t seq;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	send.data = stall.page;
	ck_assert_int_eq(pthread_create(&send.thread, NULL, send_stalling, &send), 0);
	stall_wait(&stall);

	seq = send_number(send.id, 1);
	send_number(send.id, 2);
	ck_assert_uint_eq(receive_number(send.id), 1);
	stall_release(&stall);
	ck_assert_int_eq(pthread_join(send.thread, NULL), 0);
	ASSERT_OK(send.result);
	ck_assert_uint_gt(send.ev.seq, seq);
	ck_assert_uint_eq(receive_number(send.id), 2);
	ev.data = room;
	ASSERT_OK(ke_receive(&ke, send.id, &ev, 0, 0));
	ck_assert_uint_eq(ev.seq, send.ev.seq);
}
END_TEST

START_TEST(p3_killing_a_stalled_sender_sends_nothing)
{
	struct victim *victim = shared_memory(sizeof(*victim));
	int id = fresh_id();

	if (!stalling_works())
		SKIP(NO_USERFAULTFD);
	victim_kill(victim_start(victim, id, true));
	assert_empty(id);
}
END_TEST

TESTS(stall, 60, WITH_CLIENT,
      p3_others_receive_while_one_is_stalled,
      p3_others_send_while_a_receiver_is_stalled,
      p1_two_stalled_receivers_and_a_quick_one_share_without_loss,
      p1_stalled_receivers_may_all_miss_what_a_quick_one_took,
      a_stalled_receiver_keeps_nothing_of_what_another_got,
      a_receiver_that_gets_nothing_keeps_nothing_of_what_another_got,
      a_stalled_read_keeps_nothing_of_what_another_got,
      p9_a_stalled_waiter_does_not_hold_up_the_row,
      p9_a_queue_where_somebody_is_stalled_stays,
      p3_killing_a_stalled_receiver_loses_nothing,
      p9_whoever_waits_gets_what_a_killed_receiver_held,
      p4_a_stalled_sender_is_ordered_when_it_is_done,
      p3_killing_a_stalled_sender_sends_nothing)
