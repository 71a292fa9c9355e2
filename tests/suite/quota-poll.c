// SPDX-License-Identifier: GPL-2.0-only
/* P9: whose room the device tells of, and of which events that were refused. */
#include <sys/epoll.h>

#include "harness.h"
#include "limits.h"
#include "readiness.h"
#include "task.h"
#include "user.h"

#define LIMIT 10

static char payload[60000];

/* A child that uses a file which root has opened. */
struct heir {
	uid_t uid;
	int id;
	bool full;
};

static struct heir *new_heir(void)
{
	struct heir *heir = shared_memory(sizeof(*heir));

	heir->uid = fresh_user();
	heir->id = fresh_id();
	return heir;
}

static void fill(struct heir *heir)
{
	int err;

	while (!(err = ke_send_event(&ke, heir->id, NULL, 0)))
		;
	ASSERT_RESULT(err, -EDQUOT);
}

static void say_full(struct heir *heir)
{
	__atomic_store_n(&heir->full, true, __ATOMIC_RELEASE);
}

static int be_refused_and_poll(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	ck_assert(is_writable(0));
	fill(heir);
	ck_assert(!is_writable(0));
	ck_assert(!is_writable(20));
	say_full(heir);
	ck_assert(is_writable((int)(patience() * 1000)));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

static int change_user_under_epoll(void *arg)
{
	struct heir *heir = arg;
	int epoll = epoll_of(&ke, EPOLLOUT | EPOLLET);
	struct epoll_event event;

	ck_assert_uint_eq(told(epoll), EPOLLOUT);
	user_become(heir->uid, heir->uid);
	fill(heir);
	ck_assert_uint_eq(told(epoll), 0);
	say_full(heir);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, (int)(patience() * 1000)), 1);
	ck_assert_uint_eq(event.events, EPOLLOUT);
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

static void assert_told_of_room(int (*child)(void *))
{
	struct heir *heir = new_heir();
	pid_t pid;

	limit_set("user_max_events", LIMIT);
	pid = child_start(child, heir);
	WAIT_UNTIL(__atomic_load_n(&heir->full, __ATOMIC_ACQUIRE));
	ck_assert(is_writable(0));
	ASSERT_OK(ke_get_event(&ke, heir->id, NULL, 0));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(heir->id), LIMIT);
}

START_TEST(p9_writable_is_for_who_sends_not_for_who_opened)
{
	assert_told_of_room(be_refused_and_poll);
}
END_TEST

START_TEST(p9_an_epoll_tells_of_room_after_a_change_of_user)
{
	assert_told_of_room(change_user_under_epoll);
}
END_TEST

static int find_room(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	ck_assert(is_writable(0));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_writable_though_who_opened_is_over_a_limit)
{
	struct heir *heir = new_heir();
	int i;

	limit_set("user_max_events", LIMIT);
	for (i = 0; i < LIMIT + 1; i++)
		send_number(heir->id, i);
	child_run(find_room, heir);
	ck_assert_uint_eq(drain(heir->id), LIMIT + 2);
}
END_TEST

static int poll_after_too_large(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	user_reopen();
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 8192), -EDQUOT);
	ck_assert(is_writable(0));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

static int poll_after_large(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	user_reopen();
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 8192));
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 8192), -EDQUOT);
	ck_assert(!is_writable(20));
	return 0;
}

START_TEST(p9_writable_though_an_event_was_refused_that_can_never_go)
{
	struct heir *heir = new_heir();

	limit_set("user_max_bytes", 6000);
	child_run(poll_after_too_large, heir);
	/* With more it could. */
	limit_set("user_max_bytes", 15000);
	child_run(poll_after_large, heir);
	ck_assert_uint_eq(drain(heir->id), 2);
	limit_set("max_bytes", sizeof(payload) - 1);
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, sizeof(payload)), -EAGAIN);
	ck_assert(is_writable(0));
}
END_TEST

static int poll_while_limit_falls(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	user_reopen();
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 4096));
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 4096));
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 30000), -EDQUOT);
	ck_assert(!is_writable(20));
	say_full(heir);
	ck_assert(is_writable((int)(patience() * 1000)));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_writable_when_a_lower_limit_lets_a_refused_event_never_go)
{
	struct heir *heir = new_heir();
	pid_t pid;

	limit_set("user_max_bytes", 40000);
	pid = child_start(poll_while_limit_falls, heir);
	WAIT_UNTIL(__atomic_load_n(&heir->full, __ATOMIC_ACQUIRE));
	limit_set("user_max_bytes", 20000);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(heir->id), 3);
}
END_TEST

TESTS(quota_poll, 60, WITH_CLIENT,
      p9_writable_is_for_who_sends_not_for_who_opened,
      p9_an_epoll_tells_of_room_after_a_change_of_user,
      p9_writable_though_who_opened_is_over_a_limit,
      p9_writable_though_an_event_was_refused_that_can_never_go,
      p9_writable_when_a_lower_limit_lets_a_refused_event_never_go)
