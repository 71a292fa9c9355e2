// SPDX-License-Identifier: GPL-2.0-only
/* P1, P5: events whose time to live ends. */
#include <sys/syscall.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/watch.h"

#define MS UINT64_C(1000000)	/* ns */
#define HOUR 3600000		/* ms */
#define ROUNDS 100
#define LONG_ENOUGH 300		/* ms to use an event in before it expires */

/* Spins until an event sent before now with this ttl has expired. */
static void outlive(uint32_t ttl_ms)
{
	spin_ns(ttl_ms * MS);
}

START_TEST(p1_an_expired_event_is_never_handed_out)
{
	int id = fresh_id();
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	uint32_t ttl;

	for (ttl = 1; ttl <= 20; ttl++) {
		send_number_for(id, ttl, ttl);
		outlive(ttl);
		switch (ttl % 4) {
		case 0:
			ASSERT_RESULT(ke_poll_event(&ke, id), 0);
			break;
		case 1:
			ASSERT_RESULT(ke_get_event(&ke, id, &number, 8), -ENOMSG);
			break;
		case 2:
			ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -ENOMSG);
			break;
		case 3:
			ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_LEASE, 0), -ENOMSG);
			break;
		}
		ck_assert_uint_eq(stat_of(id).expired, ttl);
		assert_counts(id, 0, 0);
		assert_empty(id);
	}
	ck_assert_uint_eq(stat_of(id).received, 0);
	ck_assert_uint_eq(stat_of(id).sent, 20);
}
END_TEST

/* Each round receives a little later, until after the event has expired. */
START_TEST(p3_a_watched_event_that_expires_now_is_received_or_gone)
{
	int id = fresh_id(), round, err;
	uint64_t number, after;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	ASSERT_OK(ke_watch(&ke, id));
	for (round = 0; round < 1000; round++) {
		after = now_ns() + MS - 50000 + round * 100;
		send_number_for(id, round, 1);
		while (now_ns() < after)
			;
		err = ke_receive(&ke, 0, &ev, KE_WATCHED, 0);
		if (err != -ENOMSG)
			ASSERT_OK(err);
	}
}
END_TEST

START_TEST(an_event_does_not_expire_early)
{
	static const uint32_t ttls[] = { 1, 5, 20, 50 };
	int id = fresh_id();
	uint64_t before;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ttls); i++) {
		before = now_ns();
		send_number_for(id, i, ttls[i]);
		WAIT_UNTIL(ke_poll_event(&ke, id) == 0);
		ck_assert_uint_ge(now_ns() - before, ttls[i] * MS);
	}
}
END_TEST

START_TEST(an_event_is_received_within_its_time)
{
	static const uint32_t ttls[] = { HOUR, INT32_MAX, UINT32_MAX };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ttls); i++)
		send_number_for(id, i, ttls[i]);
	for (i = 0; i < ARRAY_SIZE(ttls); i++)
		ck_assert_uint_eq(receive_number(id), i);
	ck_assert_uint_eq(stat_of(id).expired, 0);
}
END_TEST

START_TEST(p5_memory_comes_back_without_anybody_asking_for_the_id)
{
	static char payload[5000];
	const unsigned int count = 500;
	long events = slab_objects(EVENTS);
	int id = fresh_id();
	struct ke_limits before = limits_after_sending(id);
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct ke_event ev = {
			.id = id, .data = payload, .len = i % 2 ? sizeof(payload) : 0,
			.ttl_ms = 1 + (i * 7) % 50,
		};

		ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	}
	slab_wait_down_to(EVENTS, events + SPARE);
	limits_wait_back_to(&before);
}
END_TEST

START_TEST(those_that_expire_by_themselves_are_counted)
{
	long events = slab_objects(EVENTS);
	int id = fresh_id();
	struct ke_stat stat;
	unsigned int i;

	send_number(id, 0);
	for (i = 1; i <= 100; i++)
		send_number_for(id, i, 1 + i % 10);
	slab_wait_down_to(EVENTS, events + 1 + SPARE);
	stat = stat_of(id);
	ck_assert_uint_eq(stat.expired, 100);
	ck_assert_uint_eq(stat.pending, 1);
	ck_assert_uint_eq(stat.sent, 101);
	ck_assert_uint_eq(stat.received, 0);
	ck_assert_uint_eq(receive_number(id), 0);
	ck_assert_uint_eq(stat_of(id).bytes, 0);
}
END_TEST

START_TEST(p2_only_those_whose_time_is_over_go)
{
	static const uint32_t ttls[] = { 0, 5, HOUR, 1, 3 };
	int id = fresh_id();
	unsigned int i;

	for (i = 0; i < 100; i++)
		send_number_for(id, i, ttls[i % ARRAY_SIZE(ttls)]);
	outlive(5);
	for (i = 0; i < 100; i++)
		if (i % ARRAY_SIZE(ttls) == 0 || i % ARRAY_SIZE(ttls) == 2)
			ck_assert_uint_eq(receive_number(id), i);
	assert_empty(id);
	WAIT_UNTIL(stat_of(id).expired == 60);
}
END_TEST

START_TEST(p9_a_receiver_gets_an_event_within_its_time)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	receiver_block(&receiver);
	send_number_for(id, 7, HOUR);
	receiver_expect(&receiver, 7);
}
END_TEST

/* The receiver cannot run before the time of what it was handed is over. */
START_TEST(p9_a_hand_over_in_time_counts)
{
	static const unsigned int flags[] = { 0, KE_LEASE };
	int id = fresh_id();
	size_t i;

	task_pin();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct receiver receiver = RECEIVER(id);

		receiver.flags = flags[i];
		receiver_block(&receiver);
		task_rule();
		send_number_for(id, i, 1);
		outlive(2);
		task_yield_rule();
		receiver_expect(&receiver, i);
		if (flags[i])
			ASSERT_OK(ke_ack(&ke, receiver.ev.seq));
	}
	ck_assert_uint_eq(stat_of(id).expired, 0);
	ck_assert_uint_eq(stat_of(id).received, ARRAY_SIZE(flags));
}
END_TEST

/* What it could not copy has had its time by then. */
START_TEST(what_fails_after_its_time_expires)
{
	int id = fresh_id();
	struct receiver bad = RECEIVER(id), next = RECEIVER(id);

	task_pin();
	bad.data = (void *)1;
	bad.size = sizeof(uint64_t);
	receiver_block(&bad);
	receiver_block(&next);
	task_rule();
	send_number_for(id, 1, 1);
	outlive(2);
	task_yield_rule();
	receiver_join(&bad);
	ASSERT_RESULT(bad.result, -EFAULT);
	ck_assert_uint_eq(stat_of(id).expired, 1);
	task_wait_blocked(next.tid);
	send_number(id, 2);
	receiver_expect(&next, 2);
}
END_TEST

/*
 * Events end; the receiver of watched IDs that was woken for them finds that, unless the
 * clock comes first, and goes on to sleep.
 */
START_TEST(p5_a_receiver_of_watched_ids_keeps_nothing_that_has_expired)
{
	int id = fresh_id(), i;
	struct receiver receiver = RECEIVER(0);
	struct ke_limits asleep;
	long sleeps;

	ASSERT_OK(ke_watch(&ke, id));
	receiver.flags = KE_WATCHED;
	task_pin();
	receiver_block(&receiver);
	send_number_for(id + 1, 0, HOUR);
	ck_assert_uint_eq(receive_number(id + 1), 0);
	asleep = limits_now();
	for (i = 0; i < ROUNDS; i++) {
		sleeps = task_sleeps(receiver.tid);
		task_rule();
		send_number_for(id, i, 1);
		outlive(2);
		task_yield_rule();
		WAIT_UNTIL(task_sleeps(receiver.tid) > sleeps);
		task_wait_blocked(receiver.tid);
	}
	limits_wait_back_to(&asleep);
	ck_assert_uint_eq(stat_of(id).expired, ROUNDS);
	send_number(id, 99);
	receiver_expect(&receiver, 99);
}
END_TEST

static struct ke_limits before_expiry;
static int expiry_id;

static void see_memory_back(void)
{
	limits_wait_back_to(&before_expiry);
	send_number(expiry_id, 99);
}

/* Mostly it ends what has expired, before the worker does, and then waits itself. */
START_TEST(p5_a_receiver_that_waits_keeps_nothing_that_has_expired)
{
	struct meanwhile meanwhile = { .call = SYS_ioctl, .act = see_memory_back };
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	int i;

	expiry_id = fresh_id();
	before_expiry = limits_after_sending(expiry_id);
	for (i = 0; i < 20; i++) {
		meanwhile_begin(&meanwhile);
		send_number_for(expiry_id, i, 1);
		send_number_for(expiry_id, i, 1);
		outlive(1);
		ASSERT_OK(ke_receive(&ke, expiry_id, &ev, 0, -1));
		ck_assert_uint_eq(number, 99);
		ck_assert(meanwhile_end(&meanwhile));
	}
}
END_TEST

/* Those before it are more than one call ends. */
static void hide_behind_expired(int id, uint32_t ttl_ms, bool before)
{
	int i;

	if (before)
		send_number_for(id, 1, ttl_ms);
	for (i = 0; i < 200; i++)
		send_number_for(id, 2, 10 + i / 100);
	if (!before)
		send_number_for(id, 1, ttl_ms);
	outlive(11);
}

START_TEST(p9_what_has_expired_hides_nothing)
{
	static const uint32_t ttls[] = { 0, HOUR };
	int id = fresh_id(), way;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	ASSERT_OK(ke_watch(&ke, id));
	for (way = 0; way < 20; way++) {
		hide_behind_expired(id, ttls[way % 2], way % 4 / 2);
		switch (way % 5) {
		case 0:
			ASSERT_RESULT(ke_poll_event(&ke, id), 1);
			break;
		case 1:
			ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
			ck_assert_uint_eq(number, 1);
			break;
		case 2:
			ASSERT_OK(ke_nack(&ke, lease_number(&ke, id, 1, 0)));
			break;
		case 3:
			assert_watched(&ke, 1);
			break;
		}
		ck_assert_uint_eq(receive_number(id), 1);
		assert_empty(id);
	}
	WAIT_UNTIL(stat_of(id).expired == 20 * 200);
}
END_TEST

START_TEST(what_expires_is_no_timeout_of_a_receiver)
{
	int id = fresh_id();
	struct ke_event ev = { .size = 0 };
	uint64_t before;

	send_number_for(id, 1, 1);
	outlive(1);
	before = now_ns();
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 20), -ETIMEDOUT);
	ck_assert_uint_ge(now_ns() - before, 20 * MS);
}
END_TEST

START_TEST(a_leased_event_does_not_expire)
{
	int id = fresh_id();
	uint64_t seq;

	send_number_for(id, 1, LONG_ENOUGH);
	send_number_for(id, 2, LONG_ENOUGH);
	seq = lease_number(&ke, id, 1, 0);
	WAIT_UNTIL(stat_of(id).expired == 1);
	outlive(20);
	assert_counts(id, 0, 1);
	ASSERT_OK(ke_ack(&ke, seq));
	ck_assert_uint_eq(stat_of(id).received, 1);
	ck_assert_uint_eq(stat_of(id).expired, 1);
}
END_TEST

/* Its time is over when it is leased for lease_ms; returns its seq. */
static uint64_t lease_and_outlive(kevents_ctx *client, int id, uint32_t lease_ms)
{
	uint64_t seq;

	send_number_for(id, 1, LONG_ENOUGH);
	seq = lease_number(client, id, 1, lease_ms);
	outlive(LONG_ENOUGH);
	return seq;
}

/* Returns an ID in a network namespace of its own, which has no other. */
static int id_alone(void)
{
	user_enter_own_netns();
	return fresh_id();
}

START_TEST(what_is_given_back_after_its_time_expires)
{
	int id = id_alone();
	uint64_t seq = lease_and_outlive(&ke, id, 0);

	assert_counts(id, 0, 1);
	ASSERT_OK(ke_nack(&ke, seq));
	assert_empty(id);
	assert_counts(id, 0, 0);
	ck_assert_uint_eq(stat_of(id).expired, 1);
	ck_assert_uint_eq(stat_of(id).bytes, 0);
	ASSERT_RESULT(ke_ack(&ke, seq), -ENOENT);
	WAIT_UNTIL(ke_list(&ke, NULL, 0) == 0);
}
END_TEST

START_TEST(what_a_client_leaves_after_its_time_expires)
{
	int id = id_alone();
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	lease_and_outlive(&other, id, 0);
	ASSERT_OK(ke_close(&other));
	assert_empty(id);
	ck_assert_uint_eq(stat_of(id).expired, 1);
	WAIT_UNTIL(ke_list(&ke, NULL, 0) == 0);
}
END_TEST

START_TEST(what_comes_back_from_a_limited_lease_after_its_time_expires)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	lease_and_outlive(&ke, id, 2 * LONG_ENOUGH);
	receiver_start(&receiver);
	WAIT_UNTIL(stat_of(id).expired == 1);
	task_wait_blocked(receiver.tid);
	send_number(id, 2);
	receiver_expect(&receiver, 2);
}
END_TEST

START_TEST(what_is_given_back_in_time_expires_later)
{
	int id = id_alone();

	send_number_for(id, 1, LONG_ENOUGH);
	ASSERT_OK(ke_nack(&ke, lease_number(&ke, id, 1, HOUR)));
	send_number_for(id, 2, LONG_ENOUGH);
	ASSERT_OK(ke_nack(&ke, lease_number(&ke, id, 1, 0)));
	WAIT_UNTIL(ke_list(&ke, NULL, 0) == 0);
	ck_assert_uint_eq(stat_of(id).expired, 2);
	ck_assert_uint_eq(stat_of(id).returned, 2);
	assert_empty(id);
}
END_TEST

START_TEST(p1_what_expires_and_what_is_received_is_everything)
{
	const unsigned int count = 20000;
	unsigned int i, received = 0;
	int id = fresh_id();
	struct ke_stat stat;
	uint64_t number = 0, last = 0;
	int err;

	for (i = 1; i <= count; i++) {
		send_number_for(id, i, 1 + i % 3);
		err = i % 4 ? -ENOMSG : ke_get_event(&ke, id, &number, sizeof(number));
		if (err == -ENOMSG)
			continue;
		ASSERT_OK(err);
		ck_assert_uint_gt(number, last);
		last = number;
		received++;
	}
	WAIT_UNTIL(stat_of(id).pending == 0);
	stat = stat_of(id);
	ck_assert_uint_eq(stat.received, received);
	ck_assert_uint_eq(stat.expired, count - received);
	ck_assert_uint_eq(stat.sent, count);
}
END_TEST

START_TEST(p7_many_expire_and_others_go_on)
{
	const unsigned int count = event_count(100000) / 2;
	long events = slab_objects(EVENTS);
	int id = fresh_id(), other = fresh_id();
	unsigned int i, turns = 0;

	/* All long enough to be there together; the latest goes first. */
	for (i = 0; i < count; i++)
		send_number_for(id, i, 3000 - i / 50);
	while (stat_of(id).pending) {
		send_number(other, turns);
		ck_assert_uint_eq(receive_number(other), turns++);
	}
	ck_assert_uint_gt(turns, 3);
	ck_assert_uint_eq(stat_of(id).expired, count);
	slab_wait_down_to(EVENTS, events + SPARE);
}
END_TEST

static int leave_behind(void *arg)
{
	int id = *(int *)arg;
	unsigned int i;

	user_enter_own_netns();
	for (i = 0; i < 200; i++)
		send_number_for(id + i % 10, i, i % 2 ? HOUR : 1 + i);
	for (i = 1; i < 10; i += 2)
		lease_number(&ke, id + i, i, i % 4 == 1 ? HOUR : 1 + i);
	return 0;
}

START_TEST(p10_what_would_expire_goes_with_its_namespace)
{
	long events = slab_objects(EVENTS);
	int id = fresh_id(), i;

	for (i = 0; i < 5; i++)
		child_run(leave_behind, &id);
	slab_wait_down_to(EVENTS, events + SPARE);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p1_an_expired_event_is_never_handed_out,
      p3_a_watched_event_that_expires_now_is_received_or_gone,
      an_event_does_not_expire_early,
      an_event_is_received_within_its_time,
      p5_memory_comes_back_without_anybody_asking_for_the_id,
      those_that_expire_by_themselves_are_counted,
      p2_only_those_whose_time_is_over_go,
      p9_a_receiver_gets_an_event_within_its_time,
      p9_a_hand_over_in_time_counts,
      what_fails_after_its_time_expires,
      p5_a_receiver_that_waits_keeps_nothing_that_has_expired,
      p5_a_receiver_of_watched_ids_keeps_nothing_that_has_expired,
      p9_what_has_expired_hides_nothing,
      what_expires_is_no_timeout_of_a_receiver,
      a_leased_event_does_not_expire,
      what_is_given_back_after_its_time_expires,
      what_a_client_leaves_after_its_time_expires,
      what_comes_back_from_a_limited_lease_after_its_time_expires,
      what_is_given_back_in_time_expires_later,
      p1_what_expires_and_what_is_received_is_everything,
      p7_many_expire_and_others_go_on,
      p10_what_would_expire_goes_with_its_namespace)
