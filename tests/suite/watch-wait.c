// SPDX-License-Identifier: GPL-2.0-only
/* P9: receivers that wait for watched IDs. */
#include "call.h"
#include "harness.h"
#include "task.h"
#include "watched.h"

/* Of the client of the test, or of another one. */
static struct receiver watcher(kevents_ctx *client)
{
	return (struct receiver){ .client = client, .flags = KE_WATCHED, .timeout_ms = -1 };
}

START_TEST(p9_a_blocked_watcher_gets_the_event)
{
	int ids[2] = { fresh_id(), fresh_id() };
	size_t i;

	for (i = 0; i < 2; i++)
		ASSERT_OK(ke_watch(&ke, ids[i]));
	for (i = 0; i < 4; i++) {
		struct receiver receiver = watcher(NULL);

		receiver_block(&receiver);
		send_number(ids[i % 2], i);
		receiver_expect(&receiver, i);
		ck_assert_int_eq(receiver.ev.id, ids[i % 2]);
	}
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(p9_a_watch_set_meanwhile_counts)
{
	struct receiver receiver = watcher(NULL);
	int id = fresh_id(), old = fresh_id();

	send_number(old, 1);
	receiver_block(&receiver);
	ASSERT_OK(ke_watch(&ke, id));
	ck_assert(task_is_blocked(receiver.tid));
	ASSERT_OK(ke_watch(&ke, old));
	receiver_expect(&receiver, 1);
}
END_TEST

START_TEST(p9_a_watch_ended_meanwhile_does_not_count)
{
	struct receiver receiver = watcher(NULL);
	int id = fresh_id(), other = fresh_id();
	long sleeps;

	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_watch(&ke, other));
	receiver_block(&receiver);
	ASSERT_OK(ke_unwatch(&ke, id));
	sleeps = task_sleeps(receiver.tid);
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	ck_assert(task_is_blocked(receiver.tid));
	ck_assert_int_eq(task_sleeps(receiver.tid), sleeps);
	send_number(other, 2);
	receiver_expect(&receiver, 2);
}
END_TEST

START_TEST(p9_watchers_of_one_client_are_served_in_order_of_arrival)
{
	int ids[3] = { fresh_id(), fresh_id(), fresh_id() };
	struct receiver receivers[6];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ASSERT_OK(ke_watch(&ke, ids[i]));
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = watcher(NULL);
		receiver_block(&receivers[i]);
	}
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		send_number(ids[i % ARRAY_SIZE(ids)], i);
		receiver_expect(&receivers[i], i);
	}
}
END_TEST

enum { CLIENTS = 4, WATCHERS = 8 };

static void open_clients(kevents_ctx *clients, int id)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++) {
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_watch(&clients[i], id));
	}
}

static void close_clients(kevents_ctx *clients)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		ASSERT_OK(ke_close(&clients[i]));
}

static struct receiver *find_done(struct receiver *receivers, size_t count, bool *joined)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!joined[i] && receiver_is_done(&receivers[i])) {
			joined[i] = true;
			return &receivers[i];
		}
	return NULL;
}

/* Nobody but who takes the event has woken, not even to find that it is gone. */
static void assert_one_wakes(struct receiver *receivers, size_t count, int id)
{
	bool joined[WATCHERS] = { false };
	struct receiver *woken;
	long sleeps[WATCHERS];
	size_t i, sent;

	for (i = 0; i < count; i++)
		receiver_block(&receivers[i]);
	for (sent = 0; sent < count; sent++) {
		for (i = 0; i < count; i++)
			sleeps[i] = joined[i] ? 0 : task_sleeps(receivers[i].tid);
		send_number(id, sent);
		WAIT_UNTIL((woken = find_done(receivers, count, joined)));
		receiver_expect(woken, sent);
		for (i = 0; i < count; i++) {
			if (joined[i])
				continue;
			WAIT_UNTIL(task_is_blocked(receivers[i].tid));
			ck_assert_int_eq(task_sleeps(receivers[i].tid), sleeps[i]);
		}
	}
}

START_TEST(p9_one_event_wakes_one_of_all_clients_that_watch)
{
	struct receiver receivers[CLIENTS];
	kevents_ctx clients[CLIENTS];
	int id = fresh_id();
	size_t i;

	open_clients(clients, id);
	for (i = 0; i < CLIENTS; i++)
		receivers[i] = watcher(&clients[i]);
	assert_one_wakes(receivers, CLIENTS, id);
	close_clients(clients);
}
END_TEST

START_TEST(p9_one_event_wakes_one_watcher_of_a_client)
{
	struct receiver receivers[WATCHERS];
	int id = fresh_id();
	size_t i;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < WATCHERS; i++)
		receivers[i] = watcher(NULL);
	assert_one_wakes(receivers, WATCHERS, id);
}
END_TEST

/* As many events as watchers, whoever gets which: no wake-up is lost. */
static void burst(kevents_ctx *clients, int id, bool ruling)
{
	struct receiver receivers[WATCHERS];
	unsigned int seen = 0;
	size_t i;

	for (i = 0; i < WATCHERS; i++) {
		receivers[i] = watcher(&clients[i % CLIENTS]);
		if (i % 3 == 2)
			receivers[i].timeout_ms = 1000000;
		receiver_block(&receivers[i]);
	}
	if (ruling)
		task_rule();
	for (i = 0; i < WATCHERS; i++)
		send_number(id, i);
	if (ruling)
		task_yield_rule();
	for (i = 0; i < WATCHERS; i++) {
		receiver_join(&receivers[i]);
		ASSERT_OK(receivers[i].result);
		seen |= 1U << receivers[i].number;
	}
	ck_assert_uint_eq(seen, (1U << WATCHERS) - 1);
	assert_empty(id);
}

START_TEST(p9_a_burst_reaches_the_watchers_of_all_clients)
{
	kevents_ctx clients[CLIENTS];
	int id = fresh_id(), i;

	open_clients(clients, id);
	for (i = 0; i < 20; i++)
		burst(clients, id, false);
	close_clients(clients);
}
END_TEST

START_TEST(p9_a_burst_before_anyone_can_run_reaches_all_watchers)
{
	kevents_ctx clients[CLIENTS];
	int id = fresh_id(), i;

	task_pin();
	open_clients(clients, id);
	for (i = 0; i < 20; i++)
		burst(clients, id, true);
	close_clients(clients);
}
END_TEST

START_TEST(p9_who_waits_for_the_id_is_served_before_watchers)
{
	int id = fresh_id();
	struct receiver watching = watcher(NULL), direct = RECEIVER(id);

	ASSERT_OK(ke_watch(&ke, id));
	receiver_block(&watching);
	receiver_block(&direct);
	send_number(id, 1);
	receiver_expect(&direct, 1);
	ck_assert(task_is_blocked(watching.tid));
	send_number(id, 2);
	receiver_expect(&watching, 2);
}
END_TEST

/* Who waits has been woken, but cannot run yet: the event is on its way. */
START_TEST(p9_what_is_on_its_way_to_a_waiter_is_not_ready)
{
	int id = fresh_id();
	struct receiver direct = RECEIVER(id);

	ASSERT_OK(ke_watch(&ke, id));
	task_pin();
	receiver_block(&direct);
	task_rule();
	send_number(id, 1);
	assert_nothing_watched(&ke);
	send_number(id, 2);
	ck_assert(is_readable(&ke));
	receive_watched(&ke);
	assert_nothing_watched(&ke);
	task_yield_rule();
	receiver_join(&direct);
	ASSERT_OK(direct.result);
}
END_TEST

/* What a waiter that gives up would have taken is for the watchers. */
START_TEST(p9_a_waiter_that_leaves_lets_a_watcher_have_the_event)
{
	int id = fresh_id();
	struct receiver direct = RECEIVER(id), watching = watcher(NULL);

	ASSERT_OK(ke_watch(&ke, id));
	direct.data = (void *)1;
	direct.size = sizeof(uint64_t);
	receiver_block(&watching);
	receiver_block(&direct);
	send_number(id, 1);
	receiver_join(&direct);
	ASSERT_RESULT(direct.result, -EFAULT);
	receiver_expect(&watching, 1);
}
END_TEST

/* The same among watchers, of one client and of two. */
START_TEST(p9_a_watcher_that_fails_lets_another_have_the_event)
{
	int id = fresh_id(), turn;
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_watch(&ke, id));
	for (turn = 0; turn < 2; turn++) {
		struct receiver first = watcher(NULL), second = watcher(turn ? &other : NULL);

		first.data = (void *)1;
		first.size = sizeof(uint64_t);
		if (turn)
			ASSERT_OK(ke_watch(&other, id));
		receiver_block(&first);
		receiver_block(&second);
		send_number(id, 5);
		receiver_expect(&second, 5);
		if (!receiver_is_done(&first))
			send_number(id, 6);
		receiver_join(&first);
		ASSERT_RESULT(first.result, -EFAULT);
		drain(id);
	}
	ASSERT_OK(ke_close(&other));
}
END_TEST

START_TEST(p9_the_timeout_of_a_watcher_is_never_early)
{
	static const int timeouts[] = { 1, 5, 50 };
	struct ke_event ev = { .size = 0 };
	uint64_t start;
	size_t i;

	ASSERT_OK(ke_watch(&ke, fresh_id()));
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		start = now_ns();
		ASSERT_RESULT(ke_receive(&ke, 0, &ev, KE_WATCHED, timeouts[i]), -ETIMEDOUT);
		ck_assert_uint_ge(now_ns() - start, timeouts[i] * UINT64_C(1000000));
	}
}
END_TEST

START_TEST(p3_a_signal_ends_a_limited_wait_of_a_watcher)
{
	int id = fresh_id();
	struct receiver receiver = watcher(NULL);

	signal_handle(SIGUSR1, 0);
	ASSERT_OK(ke_watch(&ke, id));
	receiver.timeout_ms = 1000000;
	receiver_block(&receiver);
	signal_thread(receiver.tid, SIGUSR1);
	receiver_join(&receiver);
	ASSERT_RESULT(receiver.result, -EINTR);
	send_number(id, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

static void restart_watcher(int timeout_ms)
{
	int id = fresh_id();
	struct receiver receiver = watcher(NULL);
	long sleeps;

	signal_handle(SIGUSR1, SA_RESTART);
	ASSERT_OK(ke_watch(&ke, id));
	receiver.timeout_ms = timeout_ms;
	receiver_block(&receiver);
	sleeps = task_sleeps(receiver.tid);
	signal_thread(receiver.tid, SIGUSR1);
	WAIT_UNTIL(signal_count == 1 && task_is_blocked(receiver.tid) &&
		   task_sleeps(receiver.tid) > sleeps);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
}

START_TEST(p3_a_wait_of_a_watcher_is_restarted)
{
	restart_watcher(-1);
	restart_watcher(1000000);
}
END_TEST

/* Without SA_RESTART it is not. */
START_TEST(p3_a_signal_ends_an_unlimited_wait_of_a_watcher)
{
	struct receiver receiver = watcher(NULL);

	signal_handle(SIGUSR1, 0);
	receiver_block(&receiver);
	signal_thread(receiver.tid, SIGUSR1);
	receiver_join(&receiver);
	ASSERT_RESULT(receiver.result, -EINTR);
}
END_TEST

/* With a client of its own where arg is an ID. */
static int watch_for_ever(void *arg)
{
	const int *id = arg;
	struct ke_event ev = { .size = 8 };

	if (*id) {
		ASSERT_OK(ke_init(&ke));
		ASSERT_OK(ke_watch(&ke, *id));
	}
	return ke_receive(&ke, 0, &ev, KE_WATCHED, -1);
}

START_TEST(p6_a_watcher_that_is_killed_takes_nothing_along)
{
	int id = fresh_id(), shared = 0, i;
	pid_t pids[2];

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 10; i++) {
		struct receiver receiver = watcher(NULL);

		pids[0] = child_start(watch_for_ever, &shared);
		pids[1] = child_start(watch_for_ever, &id);
		task_wait_blocked(pids[0]);
		task_wait_blocked(pids[1]);
		receiver_block(&receiver);
		ASSERT_SYS(kill(pids[0], SIGKILL));
		ASSERT_SYS(kill(pids[1], SIGKILL));
		if (i % 2 == 0) {
			ck_assert_int_eq(child_join(pids[0]), 128 + SIGKILL);
			ck_assert_int_eq(child_join(pids[1]), 128 + SIGKILL);
		}
		send_number(id, i);
		receiver_expect(&receiver, i);
		if (i % 2 == 1) {
			ck_assert_int_eq(child_join(pids[0]), 128 + SIGKILL);
			ck_assert_int_eq(child_join(pids[1]), 128 + SIGKILL);
		}
	}
}
END_TEST

/* A batch and a read wait in the same row. */
START_TEST(p9_receive_batch_and_read_wait_in_one_row)
{
	int id = fresh_id();
	struct receiver first = watcher(NULL), third = watcher(NULL);
	struct call second;
	char room[64];

	ASSERT_OK(ke_watch(&ke, id));
	receiver_block(&first);
	second = call_read(ke_fd(&ke), room, sizeof(room));
	call_block(&second);
	receiver_block(&third);
	send_number(id, 1);
	receiver_expect(&first, 1);
	send_number(id, 2);
	ck_assert_int_eq(call_join(&second), 24);
	send_number(id, 3);
	receiver_expect(&third, 3);
}
END_TEST

TESTS(watch_wait, 60, WITH_CLIENT,
      p9_a_blocked_watcher_gets_the_event,
      p9_a_watch_set_meanwhile_counts,
      p9_a_watch_ended_meanwhile_does_not_count,
      p9_watchers_of_one_client_are_served_in_order_of_arrival,
      p9_one_event_wakes_one_of_all_clients_that_watch,
      p9_one_event_wakes_one_watcher_of_a_client,
      p9_a_burst_reaches_the_watchers_of_all_clients,
      p9_a_burst_before_anyone_can_run_reaches_all_watchers,
      p9_who_waits_for_the_id_is_served_before_watchers,
      p9_what_is_on_its_way_to_a_waiter_is_not_ready,
      p9_a_waiter_that_leaves_lets_a_watcher_have_the_event,
      p9_a_watcher_that_fails_lets_another_have_the_event,
      p9_the_timeout_of_a_watcher_is_never_early,
      p3_a_signal_ends_a_limited_wait_of_a_watcher,
      p3_a_wait_of_a_watcher_is_restarted,
      p3_a_signal_ends_an_unlimited_wait_of_a_watcher,
      p6_a_watcher_that_is_killed_takes_nothing_along,
      p9_receive_batch_and_read_wait_in_one_row)
