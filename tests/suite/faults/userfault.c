// SPDX-License-Identifier: GPL-2.0-only
/* P3: a receiver or sender that is stuck in the middle of the copy. */
#include "lib/call.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/memory.h"
#include "lib/module.h"
#include "lib/record.h"
#include "lib/task.h"

/* A receiver that stalls as soon as it is handed an event. */
static struct receiver stalling(int id, const struct uffd *uffd, int timeout_ms)
{
	struct receiver receiver = RECEIVER(id);

	receiver.data = uffd->page;
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

/* Releases it; it must have received this number. */
static void stalled_expect(struct receiver *stalled, struct uffd *uffd, uint64_t number)
{
	uffd_release(uffd);
	receiver_join(stalled);
	ASSERT_OK(stalled->result);
	ck_assert_uint_eq(number_at(uffd->page), number);
}

START_TEST(p3_others_receive_the_next_while_one_is_stalled)
{
	int id = fresh_id();
	struct receiver stalled;
	struct uffd uffd;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	send_number(id, 2);
	stalled = stalling(id, &uffd, 0);
	receiver_start(&stalled);
	uffd_wait(&uffd);
	ck_assert_uint_eq(receive_number(id), 2);
	stalled_expect(&stalled, &uffd, 1);
	assert_empty(id);
}
END_TEST

/* What is in flight counts as leased, and nobody else can have it. */
START_TEST(p3_what_one_is_stalled_for_is_hidden_until_it_has_it)
{
	static const unsigned int flags[] = { 0, KE_LEASE };
	struct ke_event ev = { .size = 0 };
	int id = fresh_id();
	struct ke_stat stat;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct receiver stalled;
		struct uffd uffd;

		if (!uffd_create(&uffd))
			SKIP(NO_USERFAULTFD);
		send_number(id, 1);
		stalled = stalling(id, &uffd, 0);
		stalled.flags = flags[i];
		receiver_start(&stalled);
		uffd_wait(&uffd);
		assert_empty(id);
		ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -ENOMSG);
		ASSERT_RESULT(ke_purge(&ke, id), 0);
		stat = stat_of(id);
		ck_assert_uint_eq(stat.pending, 0);
		ck_assert_uint_eq(stat.leased, 1);
		ck_assert_uint_eq(stat.received, i);
		ck_assert_uint_gt(stat.bytes, 0);
		ck_assert(is_listed(id));
		stalled_expect(&stalled, &uffd, 1);
		if (flags[i] == KE_LEASE)
			ASSERT_OK(ke_ack(&ke, stalled.ev.seq));
		stat = stat_of(id);
		ck_assert_uint_eq(stat.leased, 0);
		ck_assert_uint_eq(stat.received, i + 1);
		ck_assert_uint_eq(stat.bytes, 0);
		ck_assert(!is_listed(id));
	}
}
END_TEST

START_TEST(p3_others_send_while_a_receiver_is_stalled)
{
	int id = fresh_id();
	struct receiver stalled;
	struct uffd uffd;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	stalled = stalling(id, &uffd, 0);
	receiver_start(&stalled);
	uffd_wait(&uffd);

	send_number(id, 2);
	send_number(id, 3);
	uffd_release(&uffd);
	receiver_join(&stalled);
	ASSERT_OK(stalled.result);
	ck_assert_uint_eq(number_at(uffd.page), 1);
	ck_assert_uint_eq(receive_number(id), 2);
	ck_assert_uint_eq(receive_number(id), 3);
}
END_TEST

START_TEST(p1_two_stalled_receivers_and_a_quick_one_share_without_loss)
{
	struct receiver stalled[2];
	struct uffd stalls[2];
	int id = fresh_id();
	size_t i;

	for (i = 0; i < 2; i++)
		if (!uffd_create(&stalls[i]))
			SKIP(NO_USERFAULTFD);
	for (i = 1; i <= 3; i++)
		send_number(id, i);
	for (i = 0; i < 2; i++) {
		stalled[i] = stalling(id, &stalls[i], 0);
		receiver_start(&stalled[i]);
		uffd_wait(&stalls[i]);
	}
	ck_assert_uint_eq(receive_number(id), 3);
	for (i = 0; i < 2; i++)
		stalled_expect(&stalled[1 - i], &stalls[1 - i], 2 - i);
	assert_empty(id);
}
END_TEST

#define LONG 100
#define BEFORE 50	/* so much of a buffer lies before the page that stalls */

/* A copy that fails half way: the event is back in its place, as if nothing had been. */
START_TEST(p3_what_fails_half_way_is_back_in_its_place)
{
	static const unsigned int flags[] = { 0, KE_LEASE };
	char first[LONG], room[LONG];
	struct ke_event ev = { .data = room, .size = sizeof(room) };
	int id = fresh_id();
	struct ke_stat stat;
	size_t i;

	memset(first, 0x11, sizeof(first));
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct receiver stalled;
		struct uffd uffd;

		if (!uffd_create(&uffd))
			SKIP(NO_USERFAULTFD);
		ASSERT_OK(ke_send_event(&ke, id, first, sizeof(first)));
		send_number(id, 2);
		send_number(id, 3);
		stalled = stalling(id, &uffd, 0);
		stalled.data = uffd.page - BEFORE;
		stalled.flags = flags[i];
		receiver_start(&stalled);
		uffd_wait(&uffd);
		ck_assert_uint_eq(receive_number(id), 2);
		uffd_fail(&uffd);
		receiver_join(&stalled);
		ASSERT_RESULT(stalled.result, -EFAULT);
		stat = stat_of(id);
		ck_assert_uint_eq(stat.pending, 2);
		ck_assert_uint_eq(stat.leased, 0);
		ck_assert_uint_eq(stat.returned, 0);
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
		ck_assert_uint_eq(ev.len, sizeof(first));
		ck_assert_uint_eq(ev.deliveries, 1);
		ck_assert(memory_is_all(room, sizeof(room), 0x11));
		ck_assert_uint_eq(receive_number(id), 3);
	}
	assert_empty(id);
}
END_TEST

START_TEST(p9_what_fails_half_way_goes_to_the_next_in_line)
{
	int id = fresh_id();
	struct receiver first, others[2] = { RECEIVER(id), RECEIVER(id) };
	struct uffd uffd;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	first = stalling(id, &uffd, -1);
	first.data = uffd.page - sizeof(uint64_t) / 2;
	receiver_block(&first);
	receiver_block(&others[0]);
	receiver_block(&others[1]);
	send_number(id, 1);
	uffd_wait(&uffd);
	send_number(id, 2);
	receiver_expect(&others[0], 2);
	uffd_fail(&uffd);
	receiver_join(&first);
	ASSERT_RESULT(first.result, -EFAULT);
	receiver_expect(&others[1], 1);
	assert_empty(id);
}
END_TEST

START_TEST(p3_a_stalled_read_has_its_event_to_itself)
{
	char first[LONG];
	int id = fresh_id();
	struct uffd uffd;
	struct call reader;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	ASSERT_OK(ke_watch(&ke, id));
	memset(first, 0x11, sizeof(first));
	ASSERT_OK(ke_send_event(&ke, id, first, sizeof(first)));
	reader = call_read(ke_fd(&ke), uffd.page, page_size());
	call_start(&reader);
	uffd_wait(&uffd);
	assert_empty(id);
	send_number(id, 2);
	ck_assert_uint_eq(receive_number(id), 2);
	uffd_release(&uffd);
	ck_assert_int_eq(call_join(&reader), KEVENTS_RECORD_SIZE(LONG));
	ck_assert(memory_is_all(uffd.page + 16, LONG, 0x11));
	ck_assert(memory_is_all(uffd.page + 16 + LONG, page_size() - 16 - LONG, 0));
}
END_TEST

START_TEST(p3_a_wait_touches_no_memory)
{
	int id = fresh_id();
	struct receiver waiter;
	struct uffd uffd;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	waiter = stalling(id, &uffd, 1);
	receiver_start(&waiter);
	receiver_join(&waiter);
	ASSERT_RESULT(waiter.result, -ETIMEDOUT);
	ck_assert(!uffd_is_hit(&uffd));
}
END_TEST

START_TEST(p9_a_stalled_waiter_does_not_hold_up_the_row)
{
	int id = fresh_id();
	struct receiver first, second = RECEIVER(id);
	struct uffd uffd;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	first = stalling(id, &uffd, -1);
	receiver_block(&first);
	receiver_block(&second);
	send_number(id, 1);
	uffd_wait(&uffd);
	send_number(id, 2);
	receiver_expect(&second, 2);
	stalled_expect(&first, &uffd, 1);
	assert_empty(id);
}
END_TEST

START_TEST(p1_a_queue_where_somebody_is_stalled_stays)
{
	int id = fresh_id(), round;

	for (round = 0; round < 2; round++) {
		struct receiver stalled;
		struct uffd uffd;

		if (!uffd_create(&uffd))
			SKIP(NO_USERFAULTFD);
		send_number(id, 1);
		stalled = stalling(id, &uffd, 0);
		receiver_start(&stalled);
		uffd_wait(&uffd);
		replace_idle_queues();
		assert_counts(id, 0, 1);
		if (round) {
			uffd_fail(&uffd);
			receiver_join(&stalled);
			ASSERT_RESULT(stalled.result, -EFAULT);
			ck_assert_uint_eq(receive_number(id), 1);
		} else {
			stalled_expect(&stalled, &uffd, 1);
		}
		assert_empty(id);
	}
}
END_TEST

struct victim {
	int id;
	bool sends;
	bool stalled;
	struct uffd uffd;
};

static void *tell_when_stalled(void *arg)
{
	struct victim *victim = arg;

	uffd_wait(&victim->uffd);
	__atomic_store_n(&victim->stalled, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Stalls in a send or receive until it is killed. */
static int stall_for_ever(void *arg)
{
	struct victim *victim = arg;
	struct ke_event ev = { .size = page_size(), .len = 8 };
	pthread_t thread;

	if (!uffd_create(&victim->uffd))
		return 1;
	if (pthread_create(&thread, NULL, tell_when_stalled, victim))
		return 1;
	ev.data = victim->uffd.page;
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
	struct uffd uffd;

	return uffd_create(&uffd);
}

START_TEST(p3_killing_a_stalled_receiver_loses_nothing)
{
	struct victim *victim = shared_memory(sizeof(*victim));
	int id = fresh_id(), i;
	pid_t pid;

	if (!stalling_works())
		SKIP(NO_USERFAULTFD);
	for (i = 1; i <= 3; i++)
		send_number(id, i);
	pid = victim_start(victim, id, false);
	assert_counts(id, 2, 1);
	ck_assert_uint_eq(receive_number(id), 2);
	victim_kill(pid);
	ck_assert_uint_eq(receive_number(id), 1);
	ck_assert_uint_eq(receive_number(id), 3);
	assert_empty(id);
}
END_TEST

START_TEST(p9_a_waiter_gets_what_a_killed_receiver_held)
{
	struct victim *victim = shared_memory(sizeof(*victim));
	int id = fresh_id();
	struct receiver waiter = RECEIVER(id);
	pid_t pid;

	if (!stalling_works())
		SKIP(NO_USERFAULTFD);
	send_number(id, 1);
	pid = victim_start(victim, id, false);
	receiver_block(&waiter);
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
	struct uffd uffd;
	uint64_t seq;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	send.data = uffd.page;
	ck_assert_int_eq(pthread_create(&send.thread, NULL, send_stalling, &send), 0);
	uffd_wait(&uffd);

	seq = send_number(send.id, 1);
	send_number(send.id, 2);
	ck_assert_uint_eq(receive_number(send.id), 1);
	uffd_release(&uffd);
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

TESTS(60, WITH_CLIENT,
      p3_others_receive_the_next_while_one_is_stalled,
      p3_what_one_is_stalled_for_is_hidden_until_it_has_it,
      p3_others_send_while_a_receiver_is_stalled,
      p1_two_stalled_receivers_and_a_quick_one_share_without_loss,
      p3_what_fails_half_way_is_back_in_its_place,
      p9_what_fails_half_way_goes_to_the_next_in_line,
      p3_a_stalled_read_has_its_event_to_itself,
      p3_a_wait_touches_no_memory,
      p9_a_stalled_waiter_does_not_hold_up_the_row,
      p1_a_queue_where_somebody_is_stalled_stays,
      p3_killing_a_stalled_receiver_loses_nothing,
      p9_a_waiter_gets_what_a_killed_receiver_held,
      p4_a_stalled_sender_is_ordered_when_it_is_done,
      p3_killing_a_stalled_sender_sends_nothing)
