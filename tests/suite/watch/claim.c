// SPDX-License-Identifier: GPL-2.0-only
/* Watches of IDs that somebody has claimed. */
#include <sys/epoll.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/watch.h"

#define OWNER 2001
#define OTHER 2002

#define FIRST_ID 0x50000000	/* IDs of these tests alone, from here on */

/* A client of OWNER or OTHER, in the hands of root. */
static kevents_ctx watcher;

static void claim_as_owner(int id, mode_t mode)
{
	kevents_ctx owner;

	user_open(&owner, OWNER);
	ASSERT_OK(ke_claim(&owner, id, mode));
	ASSERT_OK(ke_close(&owner));
}

static void watch_as(uid_t user, int id)
{
	user_open(&watcher, user);
	ASSERT_OK(ke_watch(&watcher, id));
}

static void end_watch(void)
{
	ASSERT_OK(ke_close(&watcher));
}

static void unclaim(int id)
{
	ASSERT_OK(ke_unclaim(&ke, id));
}

START_TEST(a_watch_without_rights_is_never_ready)
{
	int id = fresh_id();

	claim_as_owner(id, 0600);
	send_number(id, 1);
	watch_as(OTHER, id);
	assert_nothing_watched(&watcher);
	send_number(id, 2);
	assert_nothing_watched(&watcher);
	ASSERT_OK(ke_unwatch(&watcher, id));
	ck_assert_uint_eq(drain(id), 2);
	unclaim(id);
	end_watch();
}
END_TEST

static int watch_as_other_and_receive(void *arg)
{
	user_change(OTHER, OTHER);
	ASSERT_OK(ke_watch(&watcher, *(int *)arg));
	assert_watched(&watcher, 1);
	ck_assert_uint_eq(receive_watched(&watcher), 1);
	return 0;
}

START_TEST(the_rights_of_a_watch_are_those_of_who_opened_the_file)
{
	int id = fresh_id();

	claim_as_owner(id, 0600);
	send_number(id, 1);
	send_number(id, 2);
	user_open(&watcher, OWNER);
	child_run(watch_as_other_and_receive, &id);
	ck_assert_uint_eq(receive_watched(&watcher), 2);
	unclaim(id);
	end_watch();
}
END_TEST

START_TEST(only_the_right_to_receive_counts)
{
	int id = fresh_id();

	claim_as_owner(id, 0622);
	watch_as(OTHER, id);
	send_number(id, 1);
	assert_nothing_watched(&watcher);
	claim_as_owner(id, 0604);
	assert_watched(&watcher, 1);
	claim_as_owner(id, 0400);
	assert_nothing_watched(&watcher);
	unclaim(id);
	assert_watched(&watcher, 1);
	claim_as_owner(id, 0600);
	assert_nothing_watched(&watcher);
	drain(id);
	unclaim(id);
	end_watch();
}
END_TEST

START_TEST(an_id_that_may_be_read_is_served_beside_one_that_may_not)
{
	int secret = fresh_id(), open = fresh_id(), i;

	claim_as_owner(secret, 0600);
	watch_as(OTHER, secret);
	ASSERT_OK(ke_watch(&watcher, open));
	for (i = 0; i < 3; i++) {
		send_number(secret, 99);
		send_number(open, i);
	}
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(receive_watched(&watcher), i);
	assert_nothing_watched(&watcher);
	ck_assert_uint_eq(drain(secret), 3);
	unclaim(secret);
	end_watch();
}
END_TEST

START_TEST(an_event_that_may_not_be_read_wakes_nobody)
{
	struct receiver receiver = {
		.client = &watcher, .flags = KE_WATCHED, .timeout_ms = -1,
	};
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int id = fresh_id(), epoll = epoll_create1(EPOLL_CLOEXEC);
	long sleeps;

	ASSERT_SYS(epoll);
	claim_as_owner(id, 0600);
	watch_as(OTHER, id);
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, ke_fd(&watcher), &event));
	receiver_block(&receiver);
	sleeps = task_sleeps(receiver.tid);
	send_number(id, 1);
	ck_assert(task_is_blocked(receiver.tid));
	ck_assert_int_eq(task_sleeps(receiver.tid), sleeps);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);

	claim_as_owner(id, 0644);
	receiver_expect(&receiver, 1);
	close(epoll);
	unclaim(id);
	end_watch();
}
END_TEST

START_TEST(p9_a_change_of_mode_is_an_edge)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int id = fresh_id(), epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_SYS(epoll);
	claim_as_owner(id, 0600);
	watch_as(OTHER, id);
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, ke_fd(&watcher), &event));
	send_number(id, 1);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
	claim_as_owner(id, 0644);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, -1), 1);
	assert_watched(&watcher, 1);
	claim_as_owner(id, 0600);
	assert_nothing_watched(&watcher);
	unclaim(id);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, -1), 1);
	assert_watched(&watcher, 1);
	drain(id);
	close(epoll);
	end_watch();
}
END_TEST

/* Only strict denies a watch of an unclaimed ID. A claim would keep the ID by itself. */
START_TEST(p9_an_id_stays_while_a_denied_watch_is_all_it_has)
{
	const struct ke_limits before = limits_now();
	int id = fresh_id(), i;

	ASSERT_OK(ke_watch(&ke, id));
	send_number_for(id, 1, 200);
	limit_set("strict", 1);
	assert_nothing_watched(&ke);
	WAIT_UNTIL(limits_now().broker_events == before.broker_events);
	for (i = 0; i < 2 * IDLE_QUEUES; i++) {
		ASSERT_OK(ke_claim(&ke, FIRST_ID + i, 0600));
		ASSERT_OK(ke_unclaim(&ke, FIRST_ID + i));
	}
	limits_restore();
	send_number(id, 2);
	ck_assert_uint_eq(receive_watched(&ke), 2);
}
END_TEST

/* Who may not read does not stand in the way of who may. */
START_TEST(p9_an_event_wakes_a_watcher_that_may_have_it)
{
	struct receiver receiver = { .flags = KE_WATCHED, .timeout_ms = -1 };
	struct receiver denied = { .flags = KE_WATCHED, .timeout_ms = -1 };
	int id = fresh_id(), other = fresh_id();

	claim_as_owner(id, 0600);
	watch_as(OTHER, id);
	ASSERT_OK(ke_watch(&watcher, other));
	ASSERT_OK(ke_watch(&ke, id));
	denied.client = &watcher;
	receiver_block(&denied);
	receiver_block(&receiver);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
	ck_assert(task_is_blocked(denied.tid));
	send_number(other, 2);
	receiver_expect(&denied, 2);
	unclaim(id);
	end_watch();
}
END_TEST

TESTS(60, WITH_CLIENT,
      a_watch_without_rights_is_never_ready,
      the_rights_of_a_watch_are_those_of_who_opened_the_file,
      only_the_right_to_receive_counts,
      an_id_that_may_be_read_is_served_beside_one_that_may_not,
      an_event_that_may_not_be_read_wakes_nobody,
      p9_a_change_of_mode_is_an_edge,
      p9_an_id_stays_while_a_denied_watch_is_all_it_has,
      p9_an_event_wakes_a_watcher_that_may_have_it)
