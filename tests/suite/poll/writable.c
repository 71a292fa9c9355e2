// SPDX-License-Identifier: GPL-2.0-only
/* P9: when the device says that there is space to send. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "lib/call.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/readiness.h"
#include "lib/task.h"
#include "lib/user.h"

#define LIMIT 10
#define LARGEST 65536
#define TURNS 300
#define POLLERS 20	/* more than an uncharge or a step of the worker looks at */

static char payload[LARGEST];

/* A user, and a child of the test that acts as it. */
struct heir {
	uid_t uid;
	int id;
	int step;		/* the last one done, by child and test in turn */
};

static struct heir *new_heir(void)
{
	struct heir *heir = shared_memory(sizeof(*heir));

	heir->uid = fresh_user();
	heir->id = fresh_id();
	return heir;
}

static void fill(int id, size_t size)
{
	int err;

	while (!(err = ke_send_event(&ke, id, payload, size)))
		;
	ck_assert(err == -EDQUOT || err == -EAGAIN);
}

static void say(struct heir *heir, int step)
{
	__atomic_store_n(&heir->step, step, __ATOMIC_RELEASE);
}

static void wait_for(struct heir *heir, int step)
{
	WAIT_UNTIL(__atomic_load_n(&heir->step, __ATOMIC_ACQUIRE) == step);
}

static bool becomes_writable(void)
{
	return is_writable((int)(patience() * 1000));
}

static void receive_one(int id)
{
	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
}

/* Makes ke a client of a new user, and returns the one it was. */
static kevents_ctx go_on_as_user(void)
{
	kevents_ctx roots = ke;

	user_open(&ke, fresh_user());
	return roots;
}

static void go_on_as_root(kevents_ctx roots)
{
	ASSERT_OK(ke_close(&ke));
	ke = roots;
}

START_TEST(p9_writable_while_an_event_of_max_event_size_fits)
{
	int large = fresh_id(), small = fresh_id(), i;
	kevents_ctx roots;

	limit_events(4, LARGEST);
	roots = go_on_as_user();
	for (i = 0; i < 4; i++) {
		ck_assert(is_writable(0));
		ASSERT_OK(ke_send_event(&ke, large, payload, LARGEST));
	}
	ck_assert(!is_writable(0));
	receive_one(large);
	ck_assert(is_writable(0));
	/* Less than the largest fits after this one. */
	ASSERT_OK(ke_send_event(&ke, small, NULL, 0));
	ck_assert(!is_writable(0));
	ASSERT_OK(ke_send_event(&ke, small, NULL, 0));
	ck_assert_uint_eq(drain(small), 2);
	ck_assert(is_writable(0));
	go_on_as_root(roots);
	ck_assert_uint_eq(drain(large), 3);
}
END_TEST

START_TEST(p9_writable_asks_for_half_of_a_small_limit_of_a_user)
{
	kevents_ctx roots;
	int id = fresh_id(), i;

	limit_events(LIMIT, 0);
	roots = go_on_as_user();
	for (i = 1; i <= LIMIT; i++) {
		ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
		ck_assert_int_eq(is_writable(0), i <= LIMIT / 2);
	}
	for (i = LIMIT - 1; i >= 0; i--) {
		receive_one(id);
		ck_assert_int_eq(is_writable(0), i <= LIMIT / 2);
	}
	go_on_as_root(roots);
}
END_TEST

START_TEST(p9_writable_asks_for_half_of_what_a_small_max_bytes_lets_one_hold)
{
	kevents_ctx roots = ke;
	int id = fresh_id(), i;

	limits_wait_for_nothing();
	limit_set("max_bytes", 50 * event_bytes(0));
	for (i = 1; i <= 50; i++) {
		ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
		ck_assert_int_eq(is_writable(0), i <= 25);
	}
	ck_assert_uint_eq(drain(id), 50);
	/* Of which a user may hold a fifth. */
	user_open(&ke, fresh_user());
	for (i = 1; i <= 10; i++) {
		ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
		ck_assert_int_eq(is_writable(0), i <= 5);
	}
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EDQUOT);
	go_on_as_root(roots);
	ck_assert_uint_eq(drain(id), 10);
}
END_TEST

START_TEST(p9_root_is_writable_over_the_limits_of_users)
{
	int id = fresh_id();

	limit_set("user_max_bytes", 0);
	ck_assert(is_writable(0));
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	limits_restore();
	ck_assert_uint_eq(drain(id), 1);
	limit_set("max_bytes", 0);
	limits_wait_for_nothing();
	ck_assert(!is_writable(0));
}
END_TEST

/* Root asks for more than half of what users may hold, and for what there really is. */
START_TEST(p9_root_is_not_writable_where_its_event_does_not_fit)
{
	int id = fresh_id();

	limits_wait_for_nothing();
	limit_set("max_bytes", 3 * event_bytes(LARGEST) - 1);
	limit_set("user_max_bytes", 1000);
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	ck_assert(is_writable(0));
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	ck_assert(!is_writable(0));
	ck_assert_uint_eq(drain(id), 2);
}
END_TEST

START_TEST(p9_a_user_without_any_space_is_not_writable)
{
	kevents_ctx roots;

	limit_set("user_max_bytes", 0);
	roots = go_on_as_user();
	ck_assert(!is_writable(0));
	ASSERT_RESULT(ke_send_event(&ke, fresh_id(), NULL, 0), -EDQUOT);
	go_on_as_root(roots);
}
END_TEST

static bool select_says_writable(void)
{
	struct timeval now = { 0 };
	fd_set fds;
	int ready;

	FD_ZERO(&fds);
	FD_SET(ke_fd(&ke), &fds);
	ready = select(ke_fd(&ke) + 1, NULL, &fds, NULL, &now);
	ASSERT_SYS(ready);
	return ready;
}

static void assert_all_say(int epoll, bool is)
{
	ck_assert_int_eq(is_writable(0), is);
	ck_assert_int_eq(select_says_writable(), is);
	/* A worker wakes the epoll when there is space again. */
	if (is)
		WAIT_UNTIL(told(epoll) == EPOLLOUT);
	else
		ck_assert_uint_eq(told(epoll), 0);
}

START_TEST(p9_select_poll_and_epoll_agree_on_space)
{
	int id = fresh_id(), epoll;
	kevents_ctx roots;

	limit_events(LIMIT, 0);
	roots = go_on_as_user();
	epoll = epoll_of(&ke, EPOLLOUT);
	assert_all_say(epoll, true);
	fill(id, 0);
	assert_all_say(epoll, false);
	receive_one(id);
	assert_all_say(epoll, false);
	ck_assert_uint_eq(drain(id), LIMIT - 1);
	assert_all_say(epoll, true);
	ASSERT_SYS(close(epoll));
	go_on_as_root(roots);
}
END_TEST

/* Each time that it is told of space, there is space for one more. */
static void send_when_told(struct heir *heir, uint32_t trigger)
{
	int epoll = epoll_of(&ke, EPOLLOUT | trigger), i = 0, err;
	struct epoll_event event;

	while (i < TURNS) {
		ck_assert_int_eq(epoll_wait(epoll, &event, 1, (int)(patience() * 1000)), 1);
		ck_assert_uint_eq(event.events, EPOLLOUT);
		ASSERT_OK(ke_send_event(&ke, heir->id, payload, LARGEST));
		i++;
		/* An edge is told again when a send has been refused. */
		while (trigger & EPOLLET && i < TURNS) {
			err = ke_send_event(&ke, heir->id, payload, LARGEST);
			if (err) {
				ASSERT_RESULT(err, -EDQUOT);
				break;
			}
			i++;
		}
	}
	ASSERT_SYS(close(epoll));
}

static int send_at_levels(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	send_when_told(heir, 0);
	return 0;
}

static int send_at_edges(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	send_when_told(heir, EPOLLET);
	return 0;
}

static void receive_all_of(int (*child)(void *arg), unsigned int space)
{
	struct heir *heir = new_heir();
	struct ke_event ev = { .data = payload };
	pid_t pid;
	int i;

	limit_events(space, LARGEST);
	pid = child_start(child, heir);
	for (i = 0; i < TURNS; i++) {
		ev.size = sizeof(payload);
		ASSERT_OK(ke_receive(&ke, heir->id, &ev, 0, (int)(patience() * 1000)));
	}
	ck_assert_int_eq(child_join(pid), 0);
	limits_restore();
}

START_TEST(p9_no_send_is_refused_after_it_was_told_of_space)
{
	receive_all_of(send_at_levels, 2);
	receive_all_of(send_at_levels, 5);
	receive_all_of(send_at_edges, 2);
	receive_all_of(send_at_edges, 5);
}
END_TEST

/* The file belongs to the user, the process to root. */
START_TEST(p9_writable_is_for_who_opened_not_for_who_sends)
{
	kevents_ctx roots;
	int id = fresh_id();

	limit_events(LIMIT, 0);
	roots = go_on_as_user();
	ck_assert(is_writable(0));
	fill(id, 0);
	ck_assert(!is_writable(0));
	ck_assert(!is_writable(20));
	go_on_as_root(roots);
	ck_assert(is_writable(0));
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

static int find_space_in_roots_file(void *arg)
{
	struct heir *heir = arg;
	kevents_ctx roots;

	ASSERT_OK(ke_init(&roots));
	user_become(heir->uid, heir->uid);
	fill(heir->id, 0);
	ASSERT_OK(ke_close(&ke));
	ke = roots;
	ck_assert(is_writable(0));
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_writable_though_who_sends_is_at_a_limit)
{
	struct heir *heir = new_heir();

	limit_events(LIMIT, 0);
	child_run(find_space_in_roots_file, heir);
	ck_assert_uint_eq(drain(heir->id), LIMIT + 1);
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
	fill(heir->id, 0);
	ck_assert_uint_eq(told(epoll), 0);
	say(heir, 1);
	ck_assert_int_eq(epoll_wait(epoll, &event, 1, (int)(patience() * 1000)), 1);
	ck_assert_uint_eq(event.events, EPOLLOUT);
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

START_TEST(p9_an_epoll_tells_of_space_after_a_change_of_user)
{
	struct heir *heir = new_heir();
	pid_t pid;

	fresh_user();
	limit_events(LIMIT, 0);
	pid = child_start(change_user_under_epoll, heir);
	wait_for(heir, 1);
	ck_assert_uint_ge(drain(heir->id), LIMIT);
	ck_assert_int_eq(child_join(pid), 0);
	drain(heir->id);
}
END_TEST

/* Fills what its user may hold, and polls for space through a new client. */
static int poll_with_new_client(void *arg)
{
	struct heir *heir = arg;

	user_become(heir->uid, heir->uid);
	fill(heir->id, 0);
	user_reopen();
	ck_assert(!is_writable(0));
	say(heir, 1);
	ck_assert(becomes_writable());
	return -ke_send_event(&ke, heir->id, NULL, 0);
}

static pid_t start_polling(struct heir *heir)
{
	pid_t pid = child_start(poll_with_new_client, heir);

	wait_for(heir, 1);
	return pid;
}

static void drain_it(struct heir *heir)
{
	ck_assert_uint_gt(drain(heir->id), 0);
}

static void purge_it(struct heir *heir)
{
	ck_assert_int_gt(ke_purge(&ke, heir->id), 0);
}

static void acknowledge_all(struct heir *heir)
{
	struct ke_event ev = { .size = 0 };

	while (!ke_receive(&ke, heir->id, &ev, KE_LEASE, 0))
		ASSERT_OK(ke_ack(&ke, ev.seq));
}

static void raise_user_max_bytes(struct heir *heir)
{
	(void)heir;
	limits_restore();
}

START_TEST(p9_writable_when_space_comes_whatever_makes_it)
{
	static void (*const makers[])(struct heir *heir) = {
		drain_it, purge_it, acknowledge_all, raise_user_max_bytes,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		struct heir *heir = new_heir();
		pid_t pid;

		limit_events(LIMIT, 0);
		pid = start_polling(heir);
		makers[i](heir);
		ck_assert_int_eq(child_join(pid), 0);
		drain(heir->id);
	}
}
END_TEST

/* Holds a watch and a claim, which take all that the user may hold, and gives them back. */
static int give_back_watch_and_claim(void *arg)
{
	struct heir *heir = arg;
	struct call poller;

	user_become(heir->uid, heir->uid);
	ASSERT_OK(ke_watch(&ke, heir->id));
	ASSERT_OK(ke_claim(&ke, heir->id, 0600));
	poller = call_epoll(epoll_of(&ke, EPOLLOUT));
	call_block(&poller);
	ASSERT_OK(ke_unwatch(&ke, heir->id));
	ASSERT_OK(ke_unclaim(&ke, heir->id));
	ck_assert_int_eq(call_join(&poller), 1);
	return 0;
}

START_TEST(p9_writable_when_a_watch_and_a_claim_end)
{
	limit_set("user_max_bytes", watch_bytes() + claim_bytes());
	child_run(give_back_watch_and_claim, new_heir());
}
END_TEST

START_TEST(p9_writable_when_a_smaller_max_event_size_fits)
{
	int id = fresh_id();
	struct call poller;
	kevents_ctx roots;

	limit_events(4, LARGEST);
	roots = go_on_as_user();
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	poller = call_epoll(epoll_of(&ke, EPOLLOUT));
	call_block(&poller);
	limit_set("max_event_size", 100);
	ck_assert_int_eq(call_join(&poller), 1);
	go_on_as_root(roots);
	limits_restore();
	ck_assert_uint_eq(drain(id), 4);
}
END_TEST

static void poll_as_many(const char *name, bool is_one_user)
{
	struct call pollers[POLLERS];
	kevents_ctx clients[POLLERS];
	uid_t uid = fresh_user();
	int i;

	limit_set(name, 0);
	for (i = 0; i < POLLERS; i++)
		user_open(&clients[i], is_one_user || !i ? uid : fresh_user());
	for (i = 0; i < POLLERS; i++) {
		pollers[i] = call_epoll(epoll_of(&clients[i], EPOLLOUT));
		call_block(&pollers[i]);
	}
	limits_restore();
	for (i = 0; i < POLLERS; i++) {
		ck_assert_int_eq(call_join(&pollers[i]), 1);
		ASSERT_OK(ke_close(&clients[i]));
	}
}

START_TEST(p9_a_higher_limit_is_told_to_all_clients_of_a_user)
{
	poll_as_many("user_max_bytes", true);
}
END_TEST

START_TEST(p9_a_higher_limit_is_told_to_all_users)
{
	poll_as_many("user_max_bytes", false);
}
END_TEST

START_TEST(p9_a_higher_max_bytes_is_told_to_all_users)
{
	limits_wait_for_nothing();
	poll_as_many("max_bytes", false);
}
END_TEST

static bool is_told_later(int epoll)
{
	struct epoll_event event = { .events = 0 };

	ASSERT_SYS(epoll_wait(epoll, &event, 1, (int)(patience() * 1000)));
	return event.events == EPOLLOUT;
}

/* An event is refused for which half of the limit would not do. */
START_TEST(p9_an_edge_comes_after_a_refusal_of_more_than_was_asked_for)
{
	int id = fresh_id(), epoll;
	kevents_ctx roots;

	limit_set("user_max_bytes", event_bytes(LARGEST) + event_bytes(0) - 1);
	roots = go_on_as_user();
	epoll = epoll_of(&ke, EPOLLOUT | EPOLLET);
	ck_assert_uint_eq(told(epoll), EPOLLOUT);
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ASSERT_RESULT(ke_send_event(&ke, id, payload, LARGEST), -EDQUOT);
	/* There is space, as before; no edge, or it would be refused over and over. */
	ck_assert_uint_eq(told(epoll), 0);
	receive_one(id);
	ck_assert(is_told_later(epoll));
	ASSERT_OK(ke_send_event(&ke, id, payload, LARGEST));
	ASSERT_SYS(close(epoll));
	go_on_as_root(roots);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_writable_while_an_event_of_max_event_size_fits,
      p9_writable_asks_for_half_of_a_small_limit_of_a_user,
      p9_writable_asks_for_half_of_what_a_small_max_bytes_lets_one_hold,
      p9_root_is_writable_over_the_limits_of_users,
      p9_root_is_not_writable_where_its_event_does_not_fit,
      p9_a_user_without_any_space_is_not_writable,
      p9_select_poll_and_epoll_agree_on_space,
      p9_no_send_is_refused_after_it_was_told_of_space,
      p9_writable_is_for_who_opened_not_for_who_sends,
      p9_writable_though_who_sends_is_at_a_limit,
      p9_an_epoll_tells_of_space_after_a_change_of_user,
      p9_writable_when_space_comes_whatever_makes_it,
      p9_writable_when_a_watch_and_a_claim_end,
      p9_writable_when_a_smaller_max_event_size_fits,
      p9_a_higher_limit_is_told_to_all_clients_of_a_user,
      p9_a_higher_limit_is_told_to_all_users,
      p9_a_higher_max_bytes_is_told_to_all_users,
      p9_an_edge_comes_after_a_refusal_of_more_than_was_asked_for)
