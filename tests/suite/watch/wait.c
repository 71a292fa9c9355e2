// SPDX-License-Identifier: GPL-2.0-only
/* P9: receivers that wait for watched IDs. */
#include "lib/call.h"
#include "lib/harness.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/watch.h"

#define FIRST_ID 0x50000000	/* IDs of these tests alone, from here on */

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

/* Each event that waits there wakes one. */
START_TEST(p9_a_watch_set_meanwhile_wakes_as_many_as_it_has_events)
{
	int id = fresh_id(), other = fresh_id();
	struct receiver receivers[4];
	unsigned int seen = 0;
	size_t i;

	ASSERT_OK(ke_watch(&ke, other));
	for (i = 0; i < 3; i++)
		send_number(id, i);
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = watcher(NULL);
		receiver_block(&receivers[i]);
	}
	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 3; i++) {
		receiver_join(&receivers[i]);
		ASSERT_OK(receivers[i].result);
		seen |= 1U << receivers[i].number;
	}
	ck_assert_uint_eq(seen, 7);
	task_wait_blocked(receivers[3].tid);
	send_number(other, 9);
	receiver_expect(&receivers[3], 9);
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

/* Watchers of two clients, the first of which is woken for the next event. */
struct rivals {
	kevents_ctx client;	/* of the first; the other's is ke */
	struct receiver first;
	struct receiver second;
	int id;
};

static void rivals_block(struct rivals *rivals)
{
	rivals->id = fresh_id();
	ASSERT_OK(ke_init(&rivals->client));
	ASSERT_OK(ke_watch(&rivals->client, rivals->id));
	ASSERT_OK(ke_watch(&ke, rivals->id));
	rivals->first = watcher(&rivals->client);
	rivals->second = watcher(NULL);
	receiver_block(&rivals->first);
	receiver_block(&rivals->second);
}

START_TEST(p9_a_watcher_with_little_room_lets_another_have_the_event)
{
	struct rivals rivals;
	char byte;

	rivals.id = fresh_id();
	ASSERT_OK(ke_init(&rivals.client));
	ASSERT_OK(ke_watch(&rivals.client, rivals.id));
	ASSERT_OK(ke_watch(&ke, rivals.id));
	rivals.first = watcher(&rivals.client);
	rivals.first.data = &byte;
	rivals.first.size = 1;
	rivals.second = watcher(NULL);
	receiver_block(&rivals.first);
	receiver_block(&rivals.second);
	send_number(rivals.id, 1);
	receiver_expect(&rivals.second, 1);
	receiver_join(&rivals.first);
	ASSERT_RESULT(rivals.first.result, -EMSGSIZE);
	ASSERT_OK(ke_close(&rivals.client));
}
END_TEST

START_TEST(p9_a_watcher_whose_watch_ends_as_it_is_woken_lets_another_have_the_event)
{
	struct rivals rivals;
	int other = fresh_id();

	task_pin();
	rivals_block(&rivals);
	task_rule();
	send_number(rivals.id, 1);
	ASSERT_OK(ke_unwatch(&rivals.client, rivals.id));
	task_yield_rule();
	receiver_expect(&rivals.second, 1);
	task_wait_blocked(rivals.first.tid);
	send_number(other, 2);
	ASSERT_OK(ke_watch(&rivals.client, other));
	receiver_expect(&rivals.first, 2);
	ASSERT_OK(ke_close(&rivals.client));
}
END_TEST

START_TEST(p9_a_watcher_that_is_killed_as_it_is_woken_lets_another_have_the_event)
{
	int id = fresh_id(), shared = 0, i;
	struct receiver receiver;
	pid_t pid;

	ASSERT_OK(ke_watch(&ke, id));
	task_pin();
	for (i = 0; i < 10; i++) {
		pid = child_start(watch_for_ever, i % 2 ? &id : &shared);
		task_wait_blocked(pid);
		receiver = watcher(NULL);
		receiver_block(&receiver);
		task_rule();
		send_number(id, i);
		ASSERT_SYS(kill(pid, SIGKILL));
		task_yield_rule();
		receiver_expect(&receiver, i);
		ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
	}
}
END_TEST

/* Woken for one ID, it finds the event of another first, for which a third was woken. */
START_TEST(p9_a_watcher_that_takes_from_another_id_lets_another_have_the_event)
{
	const struct sched_param soon = { .sched_priority = 40 };
	int ids[2] = { fresh_id(), fresh_id() };
	struct receiver first, second, third;
	kevents_ctx clients[2];
	size_t i;

	for (i = 0; i < 2; i++)
		ASSERT_OK(ke_init(&clients[i]));
	/* The watches are told in this order. */
	ASSERT_OK(ke_watch(&clients[1], ids[1]));
	ASSERT_OK(ke_watch(&clients[0], ids[1]));
	ASSERT_OK(ke_watch(&clients[0], ids[0]));
	ASSERT_OK(ke_watch(&ke, ids[0]));
	first = watcher(&clients[0]);
	second = watcher(NULL);
	third = watcher(&clients[1]);
	task_pin();
	receiver_block(&first);
	receiver_block(&second);
	receiver_block(&third);
	ASSERT_SYS(sched_setscheduler(first.tid, SCHED_FIFO, &soon));
	task_rule();
	send_number(ids[1], 1);
	send_number(ids[0], 2);
	task_yield_rule();
	receiver_expect(&first, 1);
	receiver_expect(&second, 2);
	task_wait_blocked(third.tid);
	send_number(ids[1], 3);
	receiver_expect(&third, 3);
	for (i = 0; i < 2; i++)
		ASSERT_OK(ke_close(&clients[i]));
}
END_TEST

/* Whether it is woken before its time is over or not, the event is not left alone. */
START_TEST(p9_a_watcher_that_times_out_as_it_is_woken_lets_another_have_the_event)
{
	const int rounds = 300;
	struct rivals rivals;
	unsigned int random = 1;
	char byte;
	int i;

	rivals.id = fresh_id();
	ASSERT_OK(ke_init(&rivals.client));
	ASSERT_OK(ke_watch(&rivals.client, rivals.id));
	ASSERT_OK(ke_watch(&ke, rivals.id));
	for (i = 0; i < rounds; i++) {
		rivals.first = watcher(&rivals.client);
		rivals.first.timeout_ms = 2;
		rivals.second = watcher(NULL);
		if (i % 2) {
			rivals.first.data = &byte;
			rivals.first.size = 1;
		}
		receiver_start(&rivals.first);
		receiver_start(&rivals.second);
		random = random * 1103515245 + 12345;
		spin_ns(1800000 + (random >> 16) % 400000);
		send_number(rivals.id, i);
		receiver_join(&rivals.first);
		if (!rivals.first.result) {
			ck_assert_uint_eq(rivals.first.number, i);
			ck_assert_int_eq(i % 2, 0);
			send_number(rivals.id, i);
		} else if (rivals.first.result != -EMSGSIZE) {
			ASSERT_RESULT(rivals.first.result, -ETIMEDOUT);
		}
		receiver_expect(&rivals.second, i);
		assert_empty(rivals.id);
	}
	ASSERT_OK(ke_close(&rivals.client));
}
END_TEST

/* Threads that receive what is watched, one by one, until they get UINT64_MAX. */
struct swarm {
	kevents_ctx *client;
	unsigned int *received;
	pthread_t thread;
};

static void *swarm(void *arg)
{
	struct swarm *one = arg;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	for (;;) {
		ASSERT_OK(ke_receive(one->client, 0, &ev, KE_WATCHED, -1));
		if (number == UINT64_MAX)
			return NULL;
		__atomic_fetch_add(one->received, 1, __ATOMIC_RELEASE);
	}
}

/* Those that have just taken an event, or are about to sleep, are woken like others. */
START_TEST(p9_no_event_stays_while_a_watcher_sleeps)
{
	const unsigned int rounds = event_count(100000) / 50;
	int ids[2] = { fresh_id(), fresh_id() };
	unsigned int received = 0, sent = 0, i, k;
	struct swarm threads[WATCHERS];
	kevents_ctx clients[2];

	for (i = 0; i < 2; i++) {
		ASSERT_OK(ke_init(&clients[i]));
		for (k = 0; k < 2; k++)
			ASSERT_OK(ke_watch(&clients[i], ids[k]));
	}
	for (i = 0; i < WATCHERS; i++) {
		threads[i] = (struct swarm){ .client = &clients[i % 2], .received = &received };
		ck_assert_int_eq(pthread_create(&threads[i].thread, NULL, swarm, &threads[i]), 0);
	}
	for (i = 0; i < rounds; i++) {
		for (k = 0; k <= i % 5; k++)
			send_number(ids[(i + k) % 2], sent++);
		/* Where this finds nothing, the watch there is to be told anew. */
		ASSERT_RESULT(ke_poll_event(&clients[0], ids[i % 2]) & ~1, 0);
		WAIT_UNTIL(__atomic_load_n(&received, __ATOMIC_ACQUIRE) == sent);
	}
	for (i = 0; i < WATCHERS; i++)
		send_number(ids[i % 2], UINT64_MAX);
	for (i = 0; i < WATCHERS; i++)
		ck_assert_int_eq(pthread_join(threads[i].thread, NULL), 0);
	for (i = 0; i < 2; i++)
		ASSERT_OK(ke_close(&clients[i]));
}
END_TEST

/* More watches than one step of the module tells. */
enum { MANY = 50 };

static struct pollfd readable(const kevents_ctx *client)
{
	return (struct pollfd){ .fd = ke_fd(client), .events = POLLIN };
}

START_TEST(p9_one_event_tells_all_clients_that_watch)
{
	kevents_ctx clients[MANY];
	struct pollfd polled;
	int id = fresh_id(), round;
	size_t i;

	for (i = 0; i < MANY; i++) {
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_watch(&clients[i], id));
	}
	for (round = 0; round < 3; round++) {
		send_number(id, round);
		for (i = 0; i < MANY; i++) {
			polled = readable(&clients[i]);
			ck_assert_int_eq(poll(&polled, 1, (int)(patience() * 1e3)), 1);
		}
		ck_assert_uint_eq(receive_watched(&clients[round]), round);
		for (i = 0; i < MANY; i++)
			assert_nothing_watched(&clients[i]);
	}
	for (i = 0; i < MANY; i++)
		ASSERT_OK(ke_close(&clients[i]));
}
END_TEST

/* One receiver is woken for each event, of clients beyond the first step, too. */
START_TEST(p9_the_watcher_of_a_client_told_late_is_woken)
{
	kevents_ctx clients[MANY];
	struct receiver receiver;
	int id = fresh_id();
	size_t i;

	for (i = 0; i < MANY; i++) {
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_watch(&clients[i], id));
	}
	receiver = watcher(&clients[MANY - 1]);
	receiver_block(&receiver);
	send_number(id, 7);
	receiver_expect(&receiver, 7);
	for (i = 0; i < MANY; i++)
		ASSERT_OK(ke_close(&clients[i]));
}
END_TEST

/* The first watcher is woken and finds nothing, the second sleeps on; later events wake both. */
START_TEST(p9_an_id_stays_while_watchers_sleep_though_its_event_was_taken)
{
	struct receiver receivers[2] = { watcher(NULL), watcher(NULL) };
	int id = fresh_id(), i;
	uint64_t sum = 0;

	task_pin();
	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 2; i++)
		receiver_block(&receivers[i]);
	task_rule();
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	for (i = 0; i <= IDLE_QUEUES; i++) {
		send_number(FIRST_ID + i, i);
		ck_assert_uint_eq(receive_number(FIRST_ID + i), i);
	}
	task_yield_rule();
	send_number(id, 2);
	send_number(id, 3);
	for (i = 0; i < 2; i++) {
		receiver_join(&receivers[i]);
		ASSERT_OK(receivers[i].result);
		sum += receivers[i].number;
	}
	ck_assert_uint_eq(sum, 2 + 3);
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

START_TEST(p9_a_wait_of_a_watcher_is_restarted)
{
	static const int timeouts[] = { -1, 1000000 };
	int id = fresh_id();
	size_t i;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct receiver receiver = watcher(NULL);
		long sleeps;

		signal_handle(SIGUSR1, SA_RESTART);
		receiver.timeout_ms = timeouts[i];
		receiver_block(&receiver);
		sleeps = task_sleeps(receiver.tid);
		signal_thread(receiver.tid, SIGUSR1);
		WAIT_UNTIL(signal_count == 1 && task_is_blocked(receiver.tid) &&
			   task_sleeps(receiver.tid) > sleeps);
		send_number(id, i);
		receiver_expect(&receiver, i);
	}
}
END_TEST

/* Without SA_RESTART it is not. */
START_TEST(p3_a_signal_ends_the_wait_of_a_watcher)
{
	static const int timeouts[] = { -1, 1000000 };
	int id = fresh_id();
	size_t i;

	signal_handle(SIGUSR1, 0);
	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct receiver receiver = watcher(NULL);

		receiver.timeout_ms = timeouts[i];
		receiver_block(&receiver);
		signal_thread(receiver.tid, SIGUSR1);
		receiver_join(&receiver);
		ASSERT_RESULT(receiver.result, -EINTR);
	}
	send_number(id, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

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

TESTS(60, WITH_CLIENT,
      p9_a_blocked_watcher_gets_the_event,
      p9_a_watch_set_meanwhile_counts,
      p9_a_watch_set_meanwhile_wakes_as_many_as_it_has_events,
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
      p9_a_watcher_with_little_room_lets_another_have_the_event,
      p9_a_watcher_whose_watch_ends_as_it_is_woken_lets_another_have_the_event,
      p9_a_watcher_that_is_killed_as_it_is_woken_lets_another_have_the_event,
      p9_a_watcher_that_takes_from_another_id_lets_another_have_the_event,
      p9_a_watcher_that_times_out_as_it_is_woken_lets_another_have_the_event,
      p9_no_event_stays_while_a_watcher_sleeps,
      p9_one_event_tells_all_clients_that_watch,
      p9_the_watcher_of_a_client_told_late_is_woken,
      p9_an_id_stays_while_watchers_sleep_though_its_event_was_taken,
      p9_the_timeout_of_a_watcher_is_never_early,
      p9_a_wait_of_a_watcher_is_restarted,
      p3_a_signal_ends_the_wait_of_a_watcher,
      p6_a_watcher_that_is_killed_takes_nothing_along,
      p9_receive_batch_and_read_wait_in_one_row)
