// SPDX-License-Identifier: GPL-2.0-only
/* P6: leases that end by the death of who has them, or by their time. */
#include <poll.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/task.h"

#define MS UINT64_C(1000000)	/* ns */
#define TIMELY (100 * MS)	/* a lease that is over by then is not late */

START_TEST(p6_closing_the_client_returns_its_leases)
{
	int id = fresh_id(), i;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	for (i = 0; i < 10; i++)
		send_number(id, i);
	for (i = 0; i < 5; i++)
		lease_number(&other, id, i, i % 2 ? 1000000 : 0);
	ASSERT_OK(ke_close(&other));
	assert_counts(id, 10, 0);
	for (i = 0; i < 10; i++) {
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
		ck_assert_uint_eq(number, i);
		ck_assert_uint_eq(ev.deliveries, i < 5 ? 2 : 1);
		ck_assert_uint_eq(ev.flags, i < 5 ? KE_REDELIVERED : 0);
	}
	ck_assert_uint_eq(stat_of(id).returned, 5);
}
END_TEST

START_TEST(p6_only_the_last_close_of_the_file_returns_leases)
{
	int id = fresh_id(), copy;
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	send_number(id, 1);
	lease_number(&other, id, 1, 0);
	copy = dup(ke_fd(&other));
	ASSERT_SYS(copy);
	ASSERT_OK(ke_close(&other));
	assert_counts(id, 0, 1);
	ASSERT_SYS(close(copy));
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

struct holder {
	int id;
	unsigned int count;
	uint32_t lease_ms;
	bool ready;
	bool leave;
};

static void announce(struct holder *holder)
{
	__atomic_store_n(&holder->ready, true, __ATOMIC_RELEASE);
}

static void wait_for(bool *flag)
{
	WAIT_UNTIL(__atomic_load_n(flag, __ATOMIC_ACQUIRE));
}

static void lease_all(struct holder *holder)
{
	unsigned int i;

	ASSERT_OK(ke_close(&ke));
	ASSERT_OK(ke_init(&ke));
	for (i = 0; i < holder->count; i++)
		lease_number(&ke, holder->id, i, holder->lease_ms);
	announce(holder);
}

static int hold(void *arg)
{
	struct holder *holder = arg;

	announce(holder);
	wait_for(&holder->leave);
	return 0;
}

START_TEST(p6_a_child_that_shares_the_client_keeps_its_leases)
{
	struct holder *holder = shared_memory(sizeof(*holder));
	kevents_ctx old = ke;
	pid_t pid;

	holder->id = fresh_id();
	send_number(holder->id, 1);
	lease_number(&ke, holder->id, 1, 0);
	pid = child_start(hold, holder);
	wait_for(&holder->ready);
	ASSERT_OK(ke_init(&ke));
	ASSERT_OK(ke_close(&old));
	assert_counts(holder->id, 0, 1);
	__atomic_store_n(&holder->leave, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(receive_number(holder->id), 1);
}
END_TEST

static int lease_and_pause(void *arg)
{
	lease_all(arg);
	while (pause() < 0)
		;
	return 0;
}

START_TEST(p6_sigkill_returns_leases_before_the_parent_knows)
{
	struct holder *holder = shared_memory(sizeof(*holder));
	unsigned int round, i;
	pid_t pid;

	holder->id = fresh_id();
	holder->count = 20;
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 30; i++)
			send_number(holder->id, i);
		holder->ready = false;
		pid = child_start(lease_and_pause, holder);
		wait_for(&holder->ready);
		assert_counts(holder->id, 10, 20);
		ASSERT_SYS(kill(pid, SIGKILL));
		ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
		for (i = 0; i < 30; i++)
			ck_assert_uint_eq(receive_number(holder->id), i);
	}
}
END_TEST

/* Threads of it block in receives. */
static int lease_and_wait(void *arg)
{
	struct holder *holder = arg;
	struct receiver receivers[4];
	size_t i;

	lease_all(holder);
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(holder->id);
		receivers[i].flags = KE_LEASE;
		receiver_block(&receivers[i]);
	}
	announce(holder);
	while (pause() < 0)
		;
	return 0;
}

START_TEST(p6_its_own_waiting_threads_do_not_get_what_a_killed_process_had)
{
	struct holder *holder = shared_memory(sizeof(*holder));
	unsigned int round, i;
	pid_t pid;

	holder->id = fresh_id();
	holder->count = 20;
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 20; i++)
			send_number(holder->id, i);
		holder->ready = false;
		pid = child_start(lease_and_wait, holder);
		wait_for(&holder->ready);
		WAIT_UNTIL(stat_of(holder->id).waiters == 4);
		ASSERT_SYS(kill(pid, SIGKILL));
		ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
		assert_counts(holder->id, 20, 0);
		for (i = 0; i < 20; i++)
			ck_assert_uint_eq(receive_number(holder->id), i);
	}
}
END_TEST

START_TEST(p9_blocked_receivers_get_what_a_killed_process_had_in_order)
{
	struct holder *holder = shared_memory(sizeof(*holder));
	struct receiver receivers[8];
	pid_t pid;
	size_t i;

	holder->id = fresh_id();
	holder->count = 8;
	for (i = 0; i < 8; i++)
		send_number(holder->id, i);
	pid = child_start(lease_and_pause, holder);
	wait_for(&holder->ready);
	for (i = 0; i < 8; i++) {
		receivers[i] = RECEIVER(holder->id);
		receiver_block(&receivers[i]);
	}
	ASSERT_SYS(kill(pid, SIGKILL));
	for (i = 0; i < 8; i++)
		receiver_expect(&receivers[i], i);
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
}
END_TEST

/* Others see the return half done, and use this ID and another meanwhile. */
START_TEST(p6_a_hundred_thousand_leases_return_without_holding_up_others)
{
	struct holder *holder = shared_memory(sizeof(*holder));
	unsigned int between = 0, i;
	int other = fresh_id();
	struct ke_stat stat;
	uint64_t killed;
	pid_t pid;

	holder->id = fresh_id();
	holder->count = event_count(100000);
	for (i = 0; i < holder->count; i++)
		send_number(holder->id, i);
	pid = child_start(lease_and_pause, holder);
	wait_for(&holder->ready);
	ASSERT_SYS(kill(pid, SIGKILL));
	killed = now_ns();
	do {
		stat = stat_of(holder->id);
		ck_assert_uint_eq(stat.pending + stat.leased, holder->count);
		between += stat.pending && stat.leased;
		send_number(other, between);
		ck_assert_uint_eq(receive_number(other), between);
		ck_assert_uint_lt(now_ns() - killed, (uint64_t)(patience() * 1e9));
	} while (stat.leased);
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
	if (holder->count >= 100000)
		ck_assert_uint_gt(between, 3);
	for (i = 0; i < holder->count; i++)
		if (receive_number(holder->id) != i)
			ck_abort_msg("event %u is another one", i);
}
END_TEST

START_TEST(a_lease_ends_with_its_time_without_anybody_calling)
{
	static const uint32_t times[] = { 1, 2, 10, 50, 200 };
	int id = fresh_id();
	uint64_t before, took, seq;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(times); i++) {
		struct receiver receiver = RECEIVER(id);

		send_number(id, i);
		before = now_ns();
		seq = lease_number(&ke, id, i, times[i]);
		receiver_start(&receiver);
		receiver_expect(&receiver, i);
		took = now_ns() - before;
		ck_assert_uint_ge(took, times[i] * MS);
		ck_assert_uint_lt(took, (uint64_t)(patience() * 1e9));
		ck_assert_uint_eq(receiver.ev.deliveries, 2);
		ck_assert_uint_eq(receiver.ev.flags, KE_REDELIVERED);
		ASSERT_RESULT(ke_ack(&ke, seq), -ENOENT);
		ASSERT_RESULT(ke_nack(&ke, seq), -ENOENT);
		ck_assert_uint_eq(stat_of(id).returned, i + 1);
	}
}
END_TEST

/*
 * How late a timer of the kernel is depends on when it is due: that far off, always
 * the same at the same phase of a time that is a power of two in ticks.
 */
#define PHASES 8
#define PHASE_MS 64
#define LONG_MS (9 * PHASES * PHASE_MS)

/* A client whose namespace, and so whose clock, nobody else has. */
struct alone {
	kevents_ctx client;
	uint64_t due;		/* the end of its lease */
	bool timely;		/* it was seen to end in time once */
};

static void open_alone(struct alone *alone, int id)
{
	ASSERT_SYS(unshare(CLONE_NEWNET));
	ASSERT_OK(ke_init(&alone->client));
	ASSERT_OK(ke_watch(&alone->client, id));
	ASSERT_OK(ke_send_event(&alone->client, id, &(uint64_t){ 1 }, sizeof(uint64_t)));
}

static void lease_until(struct alone *alone, int id, unsigned int phase)
{
	uint64_t now = now_ns() / MS;
	uint32_t ms = LONG_MS + (phase * PHASE_MS - now) % (PHASES * PHASE_MS);

	lease_number(&alone->client, id, 1, ms);
	alone->due = (now + ms) * MS;
}

/* Has each that was not timely before lease its event; returns how many of them are late. */
static unsigned int lease_all_phases(struct alone *all, int id)
{
	struct pollfd polled[PHASES];
	unsigned int i, waiting = 0, late = 0;

	for (i = 0; i < PHASES; i++) {
		polled[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (all[i].timely)
			continue;
		lease_until(&all[i], id, i);
		polled[i].fd = ke_fd(&all[i].client);
		waiting++;
	}
	while (waiting) {
		ck_assert_int_gt(poll(polled, PHASES, (int)(patience() * 1e3)), 0);
		for (i = 0; i < PHASES; i++) {
			if (polled[i].fd < 0 || !polled[i].revents)
				continue;
			ck_assert_uint_ge(now_ns(), all[i].due);
			all[i].timely = now_ns() - all[i].due < TIMELY;
			late += !all[i].timely;
			polled[i].fd = -1;
			waiting--;
		}
	}
	return late;
}

/* A machine that is busy may make one late, but hardly the same one each time. */
START_TEST(a_long_lease_ends_as_timely_as_a_short_one)
{
	struct alone all[PHASES] = { };
	unsigned int i, rounds = 4;
	int id = fresh_id();

	for (i = 0; i < PHASES; i++)
		open_alone(&all[i], id);
	while (lease_all_phases(all, id))
		ck_assert_uint_gt(--rounds, 0);
	for (i = 0; i < PHASES; i++)
		ASSERT_OK(ke_close(&all[i].client));
}
END_TEST

/* Returns when leases that were begun before and are to end by then have ended. */
static void pass_time(uint32_t ms)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	send_number(id, 1);
	lease_number(&ke, id, 1, ms);
	receiver_start(&receiver);
	receiver_expect(&receiver, 1);
}

/* The event of id is leased and its time over, but the worker has hardly been there. */
static void outlive_lease(int id)
{
	lease_number(&ke, id, 1, 1);
	spin_ns(MS);
}

START_TEST(p9_poll_and_receive_agree_on_a_lease_that_is_over)
{
	int id = fresh_id(), i;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	send_number(id, 1);
	for (i = 0; i < 20; i++) {
		outlive_lease(id);
		ASSERT_RESULT(ke_poll_event(&ke, id), 1);
		outlive_lease(id);
		ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
		outlive_lease(id);
		ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 0));
		ASSERT_OK(ke_nack(&ke, ev.seq));
		outlive_lease(id);
		ASSERT_OK(ke_get_event(&ke, id, &number, sizeof(number)));
		send_number(id, 1);
	}
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(p9_a_receiver_in_line_finds_a_lease_over_before_it_gives_up)
{
	int id = fresh_id(), i;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	send_number(id, 1);
	for (i = 0; i < 20; i++) {
		lease_number(&ke, id, 1, 1);
		ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 2));
		ASSERT_OK(ke_nack(&ke, ev.seq));
	}
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(what_was_acknowledged_in_time_does_not_come_back)
{
	int id = fresh_id();

	send_number(id, 1);
	ASSERT_OK(ke_ack(&ke, lease_number(&ke, id, 1, 30)));
	pass_time(60);
	assert_empty(id);
	assert_counts(id, 0, 0);
}
END_TEST

START_TEST(the_time_of_a_lease_does_not_end_the_next_one)
{
	int id = fresh_id(), other = fresh_id();
	uint64_t seq, seq_other;

	send_number(id, 1);
	send_number(other, 1);
	ASSERT_OK(ke_nack(&ke, lease_number(&ke, id, 1, 30)));
	ASSERT_OK(ke_nack(&ke, lease_number(&ke, other, 1, 30)));
	seq = lease_number(&ke, id, 1, 0);
	seq_other = lease_number(&ke, other, 1, 1000000);
	pass_time(60);
	assert_counts(id, 0, 1);
	assert_counts(other, 0, 1);
	ASSERT_OK(ke_ack(&ke, seq));
	ASSERT_OK(ke_ack(&ke, seq_other));
}
END_TEST

START_TEST(a_later_lease_may_be_limited_where_the_first_was_not)
{
	int id = fresh_id();

	send_number(id, 1);
	ASSERT_OK(ke_nack(&ke, lease_number(&ke, id, 1, 0)));
	lease_number(&ke, id, 1, 1);
	pass_time(10);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(the_longest_lease_does_not_end)
{
	int id = fresh_id();
	uint64_t seq;

	send_number(id, 1);
	seq = lease_number(&ke, id, 1, UINT32_MAX);
	pass_time(20);
	assert_counts(id, 0, 1);
	ASSERT_OK(ke_ack(&ke, seq));
}
END_TEST

START_TEST(p2_leases_that_end_by_time_go_to_their_places)
{
	const unsigned int count = 200;
	int id = fresh_id();
	unsigned int i;

	for (i = 0; i < count; i++)
		send_number(id, i);
	for (i = 0; i < count; i++) {
		uint64_t number;
		struct ke_event ev = { .data = &number, .size = sizeof(number) };

		/* The first may be back already. */
		ev.lease_ms = 1 + (i * 37) % 40;
		ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 0));
	}
	WAIT_UNTIL(stat_of(id).returned == count);
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(receive_number(id), i);
}
END_TEST

/* What consumers say of each number; one may be killed before it can say so. */
struct battle {
	int id;
	unsigned int count;
	unsigned char acked[];
};

static int lease_and_acknowledge(void *arg)
{
	struct battle *battle = arg;
	uint64_t number;

	ASSERT_OK(ke_close(&ke));
	ASSERT_OK(ke_init(&ke));
	for (;;) {
		struct ke_event ev = { .data = &number, .size = sizeof(number) };

		ASSERT_OK(ke_receive(&ke, battle->id, &ev, KE_LEASE, -1));
		ASSERT_OK(ke_ack(&ke, ev.seq));
		__atomic_fetch_add(&battle->acked[number], 1, __ATOMIC_RELAXED);
	}
}

START_TEST(p1_killed_consumers_lose_nothing_and_repeat_nothing)
{
	const unsigned int rounds = 30, burst = 100;
	struct battle *battle = shared_memory(sizeof(*battle) + rounds * burst);
	unsigned int i, round, unsaid = 0;
	pid_t consumers[3];
	struct ke_stat stat;

	battle->id = fresh_id();
	for (i = 0; i < ARRAY_SIZE(consumers); i++)
		consumers[i] = child_start(lease_and_acknowledge, battle);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < burst; i++)
			send_number(battle->id, round * burst + i);
		i = round % ARRAY_SIZE(consumers);
		ASSERT_SYS(kill(consumers[i], SIGKILL));
		ck_assert_int_eq(child_join(consumers[i]), 128 + SIGKILL);
		consumers[i] = child_start(lease_and_acknowledge, battle);
	}
	WAIT_UNTIL(stat_of(battle->id).received == rounds * burst);
	for (i = 0; i < ARRAY_SIZE(consumers); i++) {
		ASSERT_SYS(kill(consumers[i], SIGKILL));
		ck_assert_int_eq(child_join(consumers[i]), 128 + SIGKILL);
	}
	stat = stat_of(battle->id);
	ck_assert_uint_eq(stat.sent, rounds * burst);
	ck_assert_uint_eq(stat.received, rounds * burst);
	assert_counts(battle->id, 0, 0);
	for (i = 0; i < rounds * burst; i++) {
		ck_assert_uint_le(battle->acked[i], 1);
		unsaid += !battle->acked[i];
	}
	ck_assert_uint_le(unsaid, rounds + ARRAY_SIZE(consumers));
}
END_TEST

TESTS(90, WITH_CLIENT,
      p6_closing_the_client_returns_its_leases,
      p6_only_the_last_close_of_the_file_returns_leases,
      p6_a_child_that_shares_the_client_keeps_its_leases,
      p6_sigkill_returns_leases_before_the_parent_knows,
      p6_its_own_waiting_threads_do_not_get_what_a_killed_process_had,
      p9_blocked_receivers_get_what_a_killed_process_had_in_order,
      p6_a_hundred_thousand_leases_return_without_holding_up_others,
      a_lease_ends_with_its_time_without_anybody_calling,
      a_long_lease_ends_as_timely_as_a_short_one,
      p9_poll_and_receive_agree_on_a_lease_that_is_over,
      p9_a_receiver_in_line_finds_a_lease_over_before_it_gives_up,
      what_was_acknowledged_in_time_does_not_come_back,
      the_time_of_a_lease_does_not_end_the_next_one,
      a_later_lease_may_be_limited_where_the_first_was_not,
      the_longest_lease_does_not_end,
      p2_leases_that_end_by_time_go_to_their_places,
      p1_killed_consumers_lose_nothing_and_repeat_nothing)
