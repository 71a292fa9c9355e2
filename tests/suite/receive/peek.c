// SPDX-License-Identifier: GPL-2.0-only
/* Receives that only look: they take nothing and never wait. */
#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/task.h"
#include "lib/watch.h"

#define LONG_ENOUGH 300		/* ms to begin a peek in before its event expires */

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

static void meanwhile_received(int id, kevents_ctx *other)
{
	(void)other;
	ck_assert_uint_eq(receive_number(id), 1);
}

static void meanwhile_leased(int id, kevents_ctx *other)
{
	lease_number(other, id, 1, 0);
}

static void meanwhile_acknowledged(int id, kevents_ctx *other)
{
	ASSERT_OK(ke_ack(other, lease_number(other, id, 1, 0)));
}

static void meanwhile_purged(int id, kevents_ctx *other)
{
	ASSERT_RESULT(ke_purge(other, id), 1);
}

static void meanwhile_expired(int id, kevents_ctx *other)
{
	(void)other;
	WAIT_UNTIL(stat_of(id).expired == 1);
}

static void meanwhile_peeked(int id, kevents_ctx *other)
{
	uint64_t number;

	(void)other;
	ASSERT_OK(peek(id, &number, 0, 0));
	ck_assert_uint_eq(number, 1);
	ck_assert_uint_eq(receive_number(id), 1);
}

static void meanwhile_another_came(int id, kevents_ctx *other)
{
	(void)other;
	ck_assert_uint_eq(receive_number(id), 1);
	send_number(id, 2);
}

/* A peek shows the event that it has begun to show, whatever becomes of that. */
static void peek_while(void (*act)(int id, kevents_ctx *other), int id, kevents_ctx *other)
{
	struct receiver peeking = RECEIVER(id);
	struct uffd uffd;
	uint64_t number;

	ck_assert(uffd_create(&uffd));
	peeking.flags = KE_PEEK;
	peeking.timeout_ms = 0;
	peeking.data = uffd.page;
	peeking.size = page_size();
	if (act == meanwhile_expired)
		send_number_for(id, 1, LONG_ENOUGH);
	else
		send_number(id, 1);
	receiver_start(&peeking);
	uffd_wait(&uffd);
	act(id, other);
	uffd_release(&uffd);
	receiver_join(&peeking);
	ASSERT_OK(peeking.result);
	ck_assert_uint_eq(peeking.ev.len, sizeof(number));
	memcpy(&number, uffd.page, sizeof(number));
	ck_assert_uint_eq(number, 1);
	ASSERT_SYS(close(uffd.fd));
}

START_TEST(p3_a_peek_goes_on_whatever_becomes_of_the_event)
{
	static void (*const acts[])(int id, kevents_ctx *other) = {
		meanwhile_received, meanwhile_leased, meanwhile_acknowledged, meanwhile_purged,
		meanwhile_expired, meanwhile_peeked, meanwhile_another_came,
	};
	struct ke_limits before;
	int id = fresh_id();
	struct uffd uffd;
	kevents_ctx other;
	size_t i;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	before = limits_after_sending(id);
	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		ASSERT_OK(ke_init(&other));
		peek_while(acts[i], id, &other);
		ASSERT_OK(ke_close(&other));
		drain(id);
		ck_assert_uint_eq(stat_of(id).bytes, 0);
		limits_wait_back_to(&before);
	}
}
END_TEST

START_TEST(p5_a_stalled_peek_keeps_nothing_charged_to_the_sender)
{
	int id = fresh_id();
	struct receiver peeking = RECEIVER(id);
	struct ke_limits before;
	struct uffd uffd;

	if (!uffd_create(&uffd))
		SKIP(NO_USERFAULTFD);
	before = limits_after_sending(id);
	peeking.flags = KE_PEEK;
	peeking.timeout_ms = 0;
	peeking.data = uffd.page;
	peeking.size = page_size();
	send_number(id, 1);
	receiver_start(&peeking);
	uffd_wait(&uffd);
	ck_assert_uint_eq(receive_number(id), 1);
	limits_wait_back_to(&before);
	ck_assert(uffd_is_hit(&uffd));
	uffd_release(&uffd);
	receiver_join(&peeking);
	ASSERT_OK(peeking.result);
}
END_TEST

#define LONGEST 65536
#define GUARD 64
#define PEEKS 300

struct traffic {
	int id;
	bool stop;
};

/* Keeps an event in the queue but for moments: each has a length and a content of its own. */
static void *replace_events(void *arg)
{
	static const size_t lengths[] = { 60000, 10, LONGEST, 40000, 200, 0, 50000 };
	static char out[LONGEST], in[LONGEST];
	struct traffic *traffic = arg;
	size_t i;

	for (i = 0; !__atomic_load_n(&traffic->stop, __ATOMIC_RELAXED); i++) {
		size_t len = lengths[i % ARRAY_SIZE(lengths)];

		memory_fill(out, len, (unsigned int)len);
		ASSERT_OK(ke_send_event(&ke, traffic->id, out, len));
		if (i)
			ASSERT_OK(ke_get_event(&ke, traffic->id, in, sizeof(in)));
	}
	return NULL;
}

START_TEST(p3_a_peek_shows_one_whole_event_while_others_take_its_place)
{
	static unsigned char shown[LONGEST + GUARD];
	struct traffic traffic = { .id = fresh_id() };
	pthread_t thread;
	int done = 0;

	ck_assert_int_eq(pthread_create(&thread, NULL, replace_events, &traffic), 0);
	while (done < PEEKS) {
		struct ke_event ev = { .data = shown, .size = LONGEST };
		int err;

		memset(shown, 0x5a, sizeof(shown));
		err = ke_receive(&ke, traffic.id, &ev, KE_PEEK, 0);
		if (err == -ENOMSG)
			continue;
		ASSERT_OK(err);
		ck_assert(memory_is(shown, ev.len, (unsigned int)ev.len));
		ck_assert(memory_is_all(shown + ev.len, sizeof(shown) - ev.len, 0x5a));
		done++;
	}
	__atomic_store_n(&traffic.stop, true, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	drain(traffic.id);
}
END_TEST

/* The other way round: the event is received while it is shown, and that fails. */
START_TEST(p3_an_event_that_is_shown_comes_back)
{
	struct receiver receivers[2];
	struct uffd stalls[2];
	int id = fresh_id();
	uint64_t number;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (!uffd_create(&stalls[i]))
			SKIP(NO_USERFAULTFD);
		receivers[i] = RECEIVER(id);
		receivers[i].timeout_ms = 0;
		receivers[i].data = stalls[i].page;
		receivers[i].size = page_size();
	}
	send_number(id, 1);
	receivers[0].flags = KE_PEEK;
	for (i = 0; i < 2; i++) {
		receiver_start(&receivers[i]);
		uffd_wait(&stalls[i]);
	}
	assert_empty(id);
	uffd_fail(&stalls[1]);
	receiver_join(&receivers[1]);
	ASSERT_RESULT(receivers[1].result, -EFAULT);
	ASSERT_OK(peek(id, &number, 0, 0));
	ck_assert_uint_eq(number, 1);
	uffd_release(&stalls[0]);
	receiver_join(&receivers[0]);
	ASSERT_OK(receivers[0].result);
	ck_assert_uint_eq(receive_number(id), 1);
	assert_empty(id);
}
END_TEST

TESTS(60, WITH_CLIENT,
      a_peek_shows_the_oldest_event_and_leaves_it,
      a_peek_with_a_timeout_is_einval,
      a_peek_with_a_deadline_is_einval,
      p9_a_peek_shows_what_the_waiters_leave,
      p3_a_peek_goes_on_whatever_becomes_of_the_event,
      p5_a_stalled_peek_keeps_nothing_charged_to_the_sender,
      p3_a_peek_shows_one_whole_event_while_others_take_its_place,
      p3_an_event_that_is_shown_comes_back)
