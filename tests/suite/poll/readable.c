// SPDX-License-Identifier: GPL-2.0-only
/* P9: poll, select and epoll agree with what a receive would return. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "lib/call.h"
#include "lib/harness.h"
#include "lib/module.h"
#include "lib/readiness.h"
#include "lib/task.h"
#include "lib/watch.h"

#define CLIENTS 20

START_TEST(p9_readable_is_what_a_receive_would_find)
{
	int id = fresh_id();

	assert_nothing_watched(&ke);
	send_number(id, 1);
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_watch(&ke, id));
	assert_watched(&ke, 1);
	send_number(id, 2);
	ck_assert_uint_eq(receive_number(id), 1);
	assert_watched(&ke, 2);
	ASSERT_OK(ke_unwatch(&ke, id));
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_watch(&ke, id));
	assert_watched(&ke, 2);
	ASSERT_RESULT(ke_purge(&ke, id), 1);
	assert_nothing_watched(&ke);
}
END_TEST

/* What is expected under each of a few IDs. */
struct model {
	int ids[3];
	bool watched[3];
	unsigned int waiting[3];
	uint64_t leases[8];
	int lease_of[8];
	unsigned int leased;
};

static void model_receive(struct model *model, int flags, int which)
{
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	int err, k;

	if (flags & KE_LEASE && model->leased == ARRAY_SIZE(model->leases))
		return;
	err = ke_receive(&ke, model->ids[which], &ev, flags, 0);
	if (err)
		return;
	for (k = 0; model->ids[k] != ev.id; k++)
		ck_assert_uint_lt(k + 1, ARRAY_SIZE(model->ids));
	model->waiting[k]--;
	if (flags & KE_LEASE) {
		model->lease_of[model->leased] = k;
		model->leases[model->leased++] = ev.seq;
	}
}

static void model_end_lease(struct model *model, bool back)
{
	uint64_t seq;

	if (!model->leased)
		return;
	seq = model->leases[--model->leased];
	if (back)
		model->waiting[model->lease_of[model->leased]]++;
	ASSERT_OK(back ? ke_nack(&ke, seq) : ke_ack(&ke, seq));
}

static void model_step(struct model *model, unsigned int action, int k)
{
	switch (action) {
	case 0:
	case 1:
		send_number(model->ids[k], action);
		model->waiting[k]++;
		break;
	case 2:
		model_receive(model, KE_WATCHED, k);
		break;
	case 3:
		model_receive(model, KE_WATCHED | KE_LEASE, k);
		break;
	case 4:
		model_receive(model, KE_LEASE, k);
		break;
	case 5:
		model_receive(model, 0, k);
		break;
	case 6:
	case 7:
		model_end_lease(model, action == 6);
		break;
	case 8:
		ASSERT_RESULT(ke_purge(&ke, model->ids[k]), (int)model->waiting[k]);
		model->waiting[k] = 0;
		break;
	default:
		if (model->watched[k])
			ASSERT_OK(ke_unwatch(&ke, model->ids[k]));
		else
			ASSERT_OK(ke_watch(&ke, model->ids[k]));
		model->watched[k] = !model->watched[k];
	}
}

/* Whatever happens, readiness and receive are right. */
START_TEST(p9_readiness_follows_everything)
{
	struct ke_event ev = { .size = 0 };
	struct model model = { .ids = { fresh_id(), fresh_id(), fresh_id() } };
	unsigned int random = 1, i;
	bool any;
	int k;

	for (i = 0; i < 4000; i++) {
		random = random * 1103515245 + 12345;
		model_step(&model, (random >> 16) % 11, (random >> 24) % 3);
		for (any = false, k = 0; k < 3; k++)
			any |= model.watched[k] && model.waiting[k];
		ck_assert_msg(is_readable(&ke) == any, "after step %u it is %sreadable", i,
			      any ? "not " : "");
		ASSERT_RESULT(ke_receive(&ke, 0, &ev, KE_WATCHED, 0), any ? -EMSGSIZE : -ENOMSG);
	}
	while (model.leased)
		model_end_lease(&model, false);
	for (k = 0; k < 3; k++)
		ck_assert_uint_eq(drain(model.ids[k]), model.waiting[k]);
}
END_TEST

START_TEST(p9_level_triggered_epoll_tells_as_long_as_there_is_one)
{
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLIN), i;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 2; i++)
		send_number(id, i);
	for (i = 0; i < 2; i++) {
		ck_assert_uint_eq(told(epoll), EPOLLIN);
		ck_assert_uint_eq(told(epoll), EPOLLIN);
		receive_watched(&ke);
	}
	ck_assert_uint_eq(told(epoll), 0);
}
END_TEST

static int find_by_receive(int id)
{
	struct ke_event ev = { .size = 0 };

	return ke_receive(&ke, id, &ev, 0, 0);
}

static int find_by_limited_wait(int id)
{
	struct ke_event ev = { .size = 0 };

	return ke_receive(&ke, id, &ev, 0, 1) == -ETIMEDOUT ? -ENOMSG : 0;
}

static int find_by_peek(int id)
{
	struct ke_event ev = { .size = 0 };

	return ke_receive(&ke, id, &ev, KE_PEEK, 0);
}

static int find_by_lease(int id)
{
	struct ke_event ev = { .size = 0 };

	return ke_receive(&ke, id, &ev, KE_LEASE, 0);
}

static int find_by_poll_of_the_id(int id)
{
	return ke_poll_event(&ke, id) ? 0 : -ENOMSG;
}

static int find_watched(int id)
{
	struct ke_event ev = { .size = 0 };

	(void)id;
	return ke_receive(&ke, 0, &ev, KE_WATCHED, 0);
}

static int find_watched_by_peek(int id)
{
	struct ke_event ev = { .size = 0 };

	(void)id;
	return ke_receive(&ke, 0, &ev, KE_WATCHED | KE_PEEK, 0);
}

static int find_by_batch(int id)
{
	struct ke_event ev = { .size = 0 };

	(void)id;
	return ke_receive_batch(&ke, &ev, 1, 0, 0);
}

static int find_by_read(int id)
{
	char room[64];

	(void)id;
	ASSERT_SYS(fcntl(ke_fd(&ke), F_SETFL, O_NONBLOCK));
	return read(ke_fd(&ke), room, sizeof(room)) < 0 && errno == EAGAIN ? -ENOMSG : 0;
}

static int find_by_poll(int id)
{
	(void)id;
	return is_readable(&ke) ? 0 : -ENOMSG;
}

/* A watch is told of one event, and of no other until its client has found none. */
START_TEST(p9_an_edge_comes_again_when_the_client_has_found_nothing)
{
	static int (*const find[])(int id) = {
		find_by_receive, find_by_limited_wait, find_by_peek, find_by_lease,
		find_by_poll_of_the_id, find_watched, find_watched_by_peek, find_by_batch,
		find_by_read, find_by_poll,
	};
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLIN | EPOLLET);
	kevents_ctx other;
	size_t i;

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_watch(&ke, id));
	ck_assert_uint_eq(told(epoll), 0);
	for (i = 0; i < ARRAY_SIZE(find); i++) {
		ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
		ck_assert_uint_eq(told(epoll), EPOLLIN);
		ASSERT_OK(ke_get_event(&other, id, NULL, 0));
		ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
		ck_assert_uint_eq(told(epoll), 0);
		ASSERT_OK(ke_get_event(&other, id, NULL, 0));
		ASSERT_RESULT(find[i](id), -ENOMSG);
	}
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ck_assert_uint_eq(told(epoll), EPOLLIN);
	ASSERT_OK(ke_get_event(&other, id, NULL, 0));
	ASSERT_OK(ke_close(&other));
}
END_TEST

/* Who takes the last one need not look again to know. */
START_TEST(p9_an_edge_comes_after_the_last_watched_event_was_taken)
{
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLIN | EPOLLET), i;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 3; i++) {
		send_number(id, 1);
		ck_assert_uint_eq(told(epoll), EPOLLIN);
		send_number(id, 2);
		ck_assert_uint_eq(told(epoll), 0);
		ck_assert_uint_eq(receive_watched(&ke), 1);
		send_number(id, 3);
		ck_assert_uint_eq(told(epoll), 0);
		ck_assert_uint_eq(receive_watched(&ke), 2);
		ck_assert_uint_eq(receive_watched(&ke), 3);
	}
	ck_assert_uint_eq(told(epoll), 0);
}
END_TEST

/* The edge of one watch says nothing of another, and that nothing is found there neither. */
START_TEST(p9_each_watch_has_an_edge_of_its_own)
{
	int ids[2] = { fresh_id(), fresh_id() }, epoll = epoll_of(&ke, EPOLLIN | EPOLLET);
	size_t i;

	for (i = 0; i < 2; i++)
		ASSERT_OK(ke_watch(&ke, ids[i]));
	for (i = 0; i < 2; i++) {
		send_number(ids[i], i);
		ck_assert_uint_eq(told(epoll), EPOLLIN);
	}
	ck_assert_uint_eq(receive_number(ids[1]), 1);
	ASSERT_RESULT(ke_poll_event(&ke, ids[1]), 0);
	send_number(ids[0], 2);
	ck_assert_uint_eq(told(epoll), 0);
	send_number(ids[1], 3);
	ck_assert_uint_eq(told(epoll), EPOLLIN);
	ck_assert_uint_eq(drain(ids[0]), 2);
	ck_assert_uint_eq(drain(ids[1]), 1);
}
END_TEST

START_TEST(p9_an_event_that_a_receiver_leaves_behind_is_an_edge)
{
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLIN | EPOLLET);
	struct receiver small = RECEIVER(id);
	char byte;

	ASSERT_OK(ke_watch(&ke, id));
	send_number(id, 1);
	ck_assert_uint_eq(told(epoll), EPOLLIN);
	ck_assert_uint_eq(receive_number(id), 1);
	/* The receiver finds nothing before it waits. */
	small.data = &byte;
	small.size = 1;
	receiver_block(&small);
	send_number(id, 2);
	receiver_join(&small);
	ASSERT_RESULT(small.result, -EMSGSIZE);
	ck_assert_uint_eq(told(epoll), EPOLLIN);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

/* Only a send wakes pollers itself; a worker does so after other calls. */
START_TEST(p9_a_returned_lease_and_a_new_watch_are_edges)
{
	int ids[2] = { fresh_id(), fresh_id() }, epoll = epoll_of(&ke, EPOLLIN | EPOLLET);
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	kevents_ctx other;

	ASSERT_OK(ke_watch(&ke, ids[0]));
	send_number(ids[0], 1);
	ck_assert_uint_eq(told(epoll), EPOLLIN);
	ASSERT_OK(ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0));
	ck_assert_uint_eq(told(epoll), 0);
	ASSERT_OK(ke_nack(&ke, ev.seq));
	WAIT_UNTIL(told(epoll) == EPOLLIN);

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_receive(&other, ids[0], &ev, KE_LEASE, 0));
	assert_nothing_watched(&ke);
	ck_assert_uint_eq(told(epoll), 0);
	ASSERT_OK(ke_close(&other));
	WAIT_UNTIL(told(epoll) == EPOLLIN);

	ev.lease_ms = 1;
	ASSERT_OK(ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0));
	WAIT_UNTIL(told(epoll) == EPOLLIN);
	ck_assert_uint_eq(receive_watched(&ke), 1);

	send_number(ids[1], 2);
	ck_assert_uint_eq(told(epoll), 0);
	ASSERT_OK(ke_watch(&ke, ids[1]));
	WAIT_UNTIL(told(epoll) == EPOLLIN);
	ck_assert_uint_eq(receive_watched(&ke), 2);
}
END_TEST

START_TEST(p9_epolloneshot_tells_once_until_armed_again)
{
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLIN | EPOLLONESHOT), i;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 3; i++) {
		send_number(id, i);
		ck_assert_uint_eq(told(epoll), EPOLLIN);
		send_number(id, i);
		ck_assert_uint_eq(told(epoll), 0);
		epoll_change(epoll, &ke, EPOLLIN | EPOLLONESHOT);
		ck_assert_uint_eq(told(epoll), EPOLLIN);
		ck_assert_uint_eq(drain(id), 2);
		epoll_change(epoll, &ke, EPOLLIN | EPOLLONESHOT);
	}
}
END_TEST

enum { SLEEPERS = 4 };

/* Blocks as many epoll_wait() on epolls of their own. */
static void sleepers_block(struct call *sleepers, uint32_t events)
{
	size_t i;

	for (i = 0; i < SLEEPERS; i++) {
		sleepers[i] = call_epoll(epoll_of(&ke, events));
		call_block(&sleepers[i]);
	}
}

static unsigned int sleepers_done(const struct call *sleepers)
{
	unsigned int done = 0;
	size_t i;

	for (i = 0; i < SLEEPERS; i++)
		done += call_is_done(&sleepers[i]);
	return done;
}

/* So many events, sent at once, wake one sleeper after the other, and no two. */
static void assert_one_sleeper_wakes(unsigned int events)
{
	struct ke_event evs[SLEEPERS - 1] = { 0 };
	struct call sleepers[SLEEPERS];
	int id = fresh_id();
	unsigned int woken;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(evs); i++)
		evs[i].id = id;
	ASSERT_OK(ke_watch(&ke, id));
	sleepers_block(sleepers, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
	for (woken = 1; woken <= SLEEPERS; woken++) {
		ASSERT_RESULT(ke_send_batch(&ke, evs, events, 0), (int)events);
		WAIT_UNTIL(sleepers_done(sleepers) == woken);
		for (i = 0; i < SLEEPERS; i++)
			ck_assert(call_is_done(&sleepers[i]) || call_is_asleep(&sleepers[i]));
		ck_assert_uint_eq(sleepers_done(sleepers), woken);
		ck_assert_uint_eq(drain(id), events);
	}
	for (i = 0; i < SLEEPERS; i++)
		ck_assert_int_eq(call_join(&sleepers[i]), 1);
}

START_TEST(p9_epollexclusive_wakes_one)
{
	assert_one_sleeper_wakes(1);
}
END_TEST

START_TEST(p9_a_batch_is_one_edge)
{
	assert_one_sleeper_wakes(SLEEPERS - 1);
}
END_TEST

START_TEST(p9_without_it_all_are_woken)
{
	struct call sleepers[SLEEPERS];
	int id = fresh_id();
	size_t i;

	ASSERT_OK(ke_watch(&ke, id));
	sleepers_block(sleepers, EPOLLIN);
	send_number(id, 1);
	for (i = 0; i < SLEEPERS; i++) {
		ck_assert_int_eq(call_join(&sleepers[i]), 1);
		ck_assert_uint_eq(sleepers[i].event.events, EPOLLIN);
	}
	drain(id);
}
END_TEST

START_TEST(p9_a_blocked_poll_is_woken)
{
	struct call poller = call_poll(ke_fd(&ke));
	int id = fresh_id(), other = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	call_block(&poller);
	send_number(other, 1);
	ck_assert_uint_eq(receive_number(other), 1);
	ck_assert(call_is_asleep(&poller));
	send_number(id, 1);
	ck_assert_int_eq(call_join(&poller), 1);
	assert_watched(&ke, 1);
	drain(id);
}
END_TEST

/* A send wakes the first few pollers itself and leaves the others to a worker. */
START_TEST(p9_an_event_is_an_edge_for_all_clients_of_the_sender)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int id = fresh_id(), epolls[CLIENTS], wait_ms = (int)(patience() * 1e3), round, i;
	kevents_ctx clients[CLIENTS];

	for (i = 0; i < CLIENTS; i++) {
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_watch(&clients[i], id));
		epolls[i] = epoll_create1(EPOLL_CLOEXEC);
		ASSERT_SYS(epolls[i]);
		ASSERT_SYS(epoll_ctl(epolls[i], EPOLL_CTL_ADD, ke_fd(&clients[i]), &event));
	}
	for (round = 0; round < 3; round++) {
		send_number(id, round);
		for (i = 0; i < CLIENTS; i++)
			ck_assert_int_eq(epoll_wait(epolls[i], &event, 1, wait_ms), 1);
		ck_assert_uint_eq(receive_watched(&clients[round]), round);
		for (i = 0; i < CLIENTS; i++)
			assert_nothing_watched(&clients[i]);
	}
	for (i = 0; i < CLIENTS; i++) {
		close(epolls[i]);
		ASSERT_OK(ke_close(&clients[i]));
	}
}
END_TEST

START_TEST(p9_readiness_goes_when_another_takes_the_event)
{
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLIN);
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_watch(&other, id));
	send_number(id, 1);
	ck_assert(is_readable(&ke));
	ck_assert(is_readable(&other));
	ck_assert_uint_eq(receive_watched(&other), 1);
	ck_assert_uint_eq(told(epoll), 0);
	assert_nothing_watched(&ke);
	assert_nothing_watched(&other);
	send_number(id, 2);
	ck_assert_uint_eq(receive_number(id), 2);
	assert_nothing_watched(&ke);
	assert_nothing_watched(&other);
	ASSERT_OK(ke_close(&other));
}
END_TEST

START_TEST(p9_an_expired_event_is_not_ready)
{
	int id = fresh_id();
	struct ke_event ev = { .id = id, .ttl_ms = 30 };

	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	spin_ns(31 * 1000000);
	assert_nothing_watched(&ke);
	ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	send_number(id, 2);
	spin_ns(31 * 1000000);
	assert_watched(&ke, 2);
	ck_assert_uint_eq(receive_watched(&ke), 2);
}
END_TEST

START_TEST(p6_closing_an_epoll_or_what_it_watches_is_clean)
{
	struct call sleeper;
	int id = fresh_id(), i, epoll;
	kevents_ctx client;

	for (i = 0; i < 100; i++) {
		ASSERT_OK(ke_init(&client));
		ASSERT_OK(ke_watch(&client, id));
		epoll = epoll_of(&client, EPOLLIN | (i % 3 ? EPOLLET : 0));
		if (i % 2)
			send_number(id, i);
		if (i % 4 < 2) {
			ASSERT_SYS(close(epoll));
			send_number(id, i);
			ASSERT_OK(ke_close(&client));
		} else {
			ASSERT_OK(ke_close(&client));
			send_number(id, i);
			ck_assert_uint_eq(told(epoll), 0);
			ASSERT_SYS(close(epoll));
		}
	}
	drain(id);

	/* The epoll goes while somebody sleeps there; who sleeps keeps it. */
	ASSERT_OK(ke_watch(&ke, id));
	epoll = epoll_of(&ke, EPOLLIN);
	sleeper = call_epoll(epoll);
	call_block(&sleeper);
	ASSERT_SYS(close(epoll));
	send_number(id, 7);
	ck_assert_int_eq(call_join(&sleeper), 1);
	drain(id);
}
END_TEST

static uint32_t mode_says(int flags)
{
	int fd = open("/dev/kevents", flags | O_CLOEXEC);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLOUT };

	ASSERT_SYS(fd);
	ASSERT_SYS(poll(&poll_fd, 1, 0));
	close(fd);
	return poll_fd.revents;
}

START_TEST(p9_who_may_send_can_write_as_long_as_there_is_room)
{
	int id = fresh_id(), epoll = epoll_of(&ke, EPOLLOUT | EPOLLET);
	char *usual = NULL;

	ck_assert_uint_eq(mode_says(O_RDONLY), 0);
	ck_assert_uint_eq(mode_says(O_WRONLY), POLLOUT);
	ck_assert_uint_eq(mode_says(O_RDWR), POLLOUT);
	ck_assert_uint_eq(told(epoll), EPOLLOUT);
	ck_assert_int_ge(asprintf(&usual, "%ld", parameter_get("max_bytes")), 0);
	send_number(id, 1);
	ASSERT_OK(parameter_set("max_bytes", "1"));
	ck_assert_uint_eq(mode_says(O_WRONLY), 0);
	ck_assert_uint_eq(told(epoll), 0);
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EAGAIN);
	ASSERT_OK(parameter_set("max_bytes", usual));
	ck_assert_uint_eq(mode_says(O_WRONLY), POLLOUT);
	WAIT_UNTIL(told(epoll) == EPOLLOUT);
	drain(id);
	free(usual);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_readable_is_what_a_receive_would_find,
      p9_readiness_follows_everything,
      p9_level_triggered_epoll_tells_as_long_as_there_is_one,
      p9_an_edge_comes_again_when_the_client_has_found_nothing,
      p9_an_edge_comes_after_the_last_watched_event_was_taken,
      p9_each_watch_has_an_edge_of_its_own,
      p9_an_event_that_a_receiver_leaves_behind_is_an_edge,
      p9_a_returned_lease_and_a_new_watch_are_edges,
      p9_epolloneshot_tells_once_until_armed_again,
      p9_epollexclusive_wakes_one,
      p9_a_batch_is_one_edge,
      p9_without_it_all_are_woken,
      p9_a_blocked_poll_is_woken,
      p9_an_event_is_an_edge_for_all_clients_of_the_sender,
      p9_readiness_goes_when_another_takes_the_event,
      p9_an_expired_event_is_not_ready,
      p6_closing_an_epoll_or_what_it_watches_is_clean,
      p9_who_may_send_can_write_as_long_as_there_is_room)
