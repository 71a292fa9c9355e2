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

/* A user, and a child of the test that acts as it. */
struct heir {
	uid_t uid;
	int id, awaited;
	int step;		/* the last one done, by child and test in turn */
	unsigned long bytes;	/* user_max_bytes for the step that follows */
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

static void say(struct heir *heir, int step)
{
	__atomic_store_n(&heir->step, step, __ATOMIC_RELEASE);
}

static void wait_for(struct heir *heir, int step)
{
	WAIT_UNTIL(__atomic_load_n(&heir->step, __ATOMIC_ACQUIRE) == step);
}

START_TEST(p9_writable_is_for_who_opened_not_for_who_sends)
{
	struct heir *heir = new_heir();
	kevents_ctx roots = ke;

	limit_set("user_max_events", LIMIT);
	user_open(&ke, heir->uid);
	ck_assert(is_writable(0));
	fill(heir);
	ck_assert(!is_writable(0));
	ck_assert(!is_writable(20));
	ASSERT_OK(ke_get_event(&roots, heir->id, NULL, 0));
	ck_assert(is_writable((int)(patience() * 1000)));
	ASSERT_OK(ke_send_event(&ke, heir->id, NULL, 0));
	ASSERT_OK(ke_close(&ke));
	ke = roots;
	ck_assert_uint_eq(drain(heir->id), LIMIT);
}
END_TEST

static int change_user_under_epoll(void *arg)
{
	struct heir *heir = arg;
	struct epoll_event event;
	int epoll;

	ASSERT_OK(ke_close(&ke));
	user_open(&ke, heir->uid);
	epoll = epoll_of(&ke, EPOLLOUT | EPOLLET);
	ck_assert_uint_eq(told(epoll), EPOLLOUT);
	user_change(heir->uid + 1, heir->uid + 1);
	fill(heir);
	ck_assert_uint_eq(told(epoll), 0);
	say(heir, 1);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, (int)(patience() * 1000)), 1);
	ck_assert_uint_eq(event.events, EPOLLOUT);
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_an_epoll_tells_of_room_after_a_change_of_user)
{
	struct heir *heir = new_heir();
	pid_t pid;

	fresh_user();
	limit_set("user_max_events", LIMIT);
	pid = child_start(change_user_under_epoll, heir);
	wait_for(heir, 1);
	ck_assert(is_writable(0));
	ASSERT_OK(ke_get_event(&ke, heir->id, NULL, 0));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(heir->id), LIMIT);
}
END_TEST

static int find_room_in_roots_file(void *arg)
{
	struct heir *heir = arg;
	kevents_ctx roots;

	ASSERT_OK(ke_init(&roots));
	user_become(heir->uid, heir->uid);
	fill(heir);
	ASSERT_OK(ke_close(&ke));
	ke = roots;
	ck_assert(is_writable(0));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_writable_though_who_sends_is_at_a_limit)
{
	struct heir *heir = new_heir();

	limit_set("user_max_events", LIMIT);
	child_run(find_room_in_roots_file, heir);
	ck_assert_uint_eq(drain(heir->id), LIMIT + 1);
}
END_TEST

static int poll_after_too_large(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 8192), -EDQUOT);
	ck_assert(is_writable(0));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

static int poll_after_large(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 8192));
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 8192), -EDQUOT);
	ck_assert(!is_writable(20));
	return 0;
}

/* What tests before left in namespaces of theirs takes room until it goes. */
static void wait_for_others(void)
{
	WAIT_UNTIL(limits_now().bytes < 8192);
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
	wait_for_others();
	limit_set("max_bytes", sizeof(payload) - 1);
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, sizeof(payload)), -EAGAIN);
	ck_assert(is_writable(0));
}
END_TEST

static int poll_while_limit_falls(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 4096));
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 4096));
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 30000), -EDQUOT);
	ck_assert(!is_writable(20));
	say(heir, 1);
	ck_assert(is_writable((int)(patience() * 1000)));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_writable_when_a_lower_limit_lets_a_refused_event_never_go)
{
	struct heir *heir = new_heir();
	pid_t pid;

	limit_set("user_max_bytes", 40000);
	pid = child_start(poll_while_limit_falls, heir);
	wait_for(heir, 1);
	limit_set("user_max_bytes", 20000);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(heir->id), 3);
}
END_TEST

static int send_where_another_waits(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	send_number(heir->id, 1);
	ASSERT_RESULT(ke_send_event(&ke, heir->awaited, NULL, 0), -EDQUOT);
	ck_assert(!is_writable(20));
	say(heir, 1);
	ck_assert(is_writable((int)(patience() * 1000)));
	send_number(heir->awaited, 2);
	return 0;
}

START_TEST(p9_not_writable_after_a_refusal_of_an_id_where_another_waits)
{
	struct heir *heir = new_heir();
	struct receiver receiver;
	pid_t pid;

	heir->awaited = fresh_id();
	limit_set("user_max_ids", 1);
	receiver = RECEIVER(heir->awaited);
	receiver_block(&receiver);
	pid = child_start(send_where_another_waits, heir);
	wait_for(heir, 1);
	ck_assert_uint_eq(receive_number(heir->id), 1);
	ck_assert_int_eq(child_join(pid), 0);
	receiver_expect(&receiver, 2);
}
END_TEST

/* The limit of all has no room, either, until the large event has gone. */
static int be_refused_by_two_limits(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	ASSERT_OK(ke_send_event(&ke, heir->id, payload, 15000));
	user_reopen();
	say(heir, 1);
	wait_for(heir, 2);
	ASSERT_RESULT(ke_send_event(&ke, heir->id, payload, 15000), -EDQUOT);
	ck_assert(!is_writable(20));
	say(heir, 3);
	wait_for(heir, 4);
	ck_assert(!is_writable(20));
	say(heir, 5);
	ck_assert(is_writable((int)(patience() * 1000)));
	return -ke_send_event(&ke, heir->id, payload, 15000);
}

/* Starts the child, of a user with this limit, up to its first step. */
static pid_t start_beside_large(int (*child)(void *), struct heir *heir, int large,
				unsigned long user_max_bytes)
{
	pid_t pid;

	wait_for_others();
	ASSERT_OK(ke_send_event(&ke, large, payload, sizeof(payload)));
	limit_set("user_max_bytes", user_max_bytes);
	pid = child_start(child, heir);
	wait_for(heir, 1);
	return pid;
}

/* The child's next step is made with no room, even if a little comes; then there is some. */
static void step_without_room(struct heir *heir, int large)
{
	limit_set("max_bytes", limits_now().bytes - 8192);
	say(heir, 2);
	wait_for(heir, 3);
	ck_assert_uint_eq(drain(large), 1);
}

START_TEST(p9_writable_only_when_both_limits_that_refused_have_room)
{
	struct heir *heir = new_heir();
	int large = fresh_id();
	pid_t pid = start_beside_large(be_refused_by_two_limits, heir, large, 25000);

	step_without_room(heir, large);
	say(heir, 4);
	wait_for(heir, 5);
	/* One: the child may have sent the next before a look for more. */
	ASSERT_OK(ke_get_event(&ke, heir->id, payload, sizeof(payload)));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(heir->id), 1);
}
END_TEST

static int be_refused_an_id(void *arg)
{
	struct heir *heir = arg;
	unsigned long before;

	user_become(heir->uid, heir->uid);
	send_number(heir->id, 1);
	before = limits_now().user_bytes;
	send_number(heir->awaited, 2);
	heir->bytes = limits_now().user_bytes + 50;
	ck_assert_uint_eq(receive_number(heir->awaited), 2);
	WAIT_UNTIL(limits_now().user_bytes == before);
	say(heir, 1);
	wait_for(heir, 2);
	ASSERT_RESULT(ke_send_event(&ke, heir->awaited, NULL, 0), -EAGAIN);
	ck_assert(!is_writable(20));
	say(heir, 3);
	ck_assert(is_writable((int)(patience() * 1000)));
	return -ke_send_event(&ke, heir->awaited, NULL, 0);
}

START_TEST(p9_writable_when_an_id_that_was_refused_just_fits)
{
	struct heir *heir = new_heir();
	int large = fresh_id();
	pid_t pid;

	heir->awaited = fresh_id();
	pid = start_beside_large(be_refused_an_id, heir, large, 1000000);
	limit_set("user_max_bytes", heir->bytes);
	step_without_room(heir, large);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(heir->awaited), 1);
	ck_assert_uint_eq(receive_number(heir->id), 1);
}
END_TEST

TESTS(quota_poll, 60, WITH_CLIENT,
      p9_writable_is_for_who_opened_not_for_who_sends,
      p9_an_epoll_tells_of_room_after_a_change_of_user,
      p9_writable_though_who_sends_is_at_a_limit,
      p9_writable_though_an_event_was_refused_that_can_never_go,
      p9_writable_when_a_lower_limit_lets_a_refused_event_never_go,
      p9_not_writable_after_a_refusal_of_an_id_where_another_waits,
      p9_writable_only_when_both_limits_that_refused_have_room,
      p9_writable_when_an_id_that_was_refused_just_fits)
