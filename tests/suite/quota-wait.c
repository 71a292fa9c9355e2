// SPDX-License-Identifier: GPL-2.0-only
/* P5, P9: senders that wait for room, and what the device says of it. */
#include <fcntl.h>
#include <sys/epoll.h>

#include "harness.h"
#include "held.h"
#include "limits.h"
#include "readiness.h"
#include "record.h"
#include "task.h"
#include "user.h"

#define MS UINT64_C(1000000)	/* ns */
#define LIMIT 10

static char payload[65536];

/* A child that fills what its user may hold and sends one more. */
struct sender {
	uid_t uid;		/* 0: stays root */
	int id;
	size_t size;		/* of the one more */
	int timeout_ms;
	int refusal;
	uint32_t ttl_ms;	/* of those before */
	unsigned int filled;
	bool full;
	uint64_t waited;	/* ns */
};

static int fill_and_wait(void *arg)
{
	struct sender *sender = arg;
	struct ke_event ev = { .id = sender->id, .ttl_ms = sender->ttl_ms };
	int err;

	if (sender->uid)
		user_become(sender->uid, sender->uid);
	while (!(err = ke_send(&ke, &ev, 0, 0)))
		sender->filled++;
	ASSERT_RESULT(err, sender->refusal);
	__atomic_store_n(&sender->full, true, __ATOMIC_RELEASE);
	ev = (struct ke_event){ .id = sender->id, .data = payload, .len = sender->size };
	sender->waited = now_ns();
	err = ke_send(&ke, &ev, 0, sender->timeout_ms);
	sender->waited = now_ns() - sender->waited;
	return -err;
}

static struct sender *new_sender(uid_t uid, int id)
{
	struct sender *sender = shared_memory(sizeof(*sender));

	sender->uid = uid;
	sender->id = id;
	sender->timeout_ms = -1;
	sender->refusal = uid ? -EDQUOT : -EAGAIN;
	return sender;
}

/* Starts it and returns when it waits for room. */
static pid_t sender_block(struct sender *sender)
{
	pid_t pid = child_start(fill_and_wait, sender);

	WAIT_UNTIL(__atomic_load_n(&sender->full, __ATOMIC_ACQUIRE));
	task_wait_blocked(pid);
	return pid;
}

/* A new user waits for a receive from the ID, where as many of its events are as may be. */
static pid_t user_block(int id)
{
	limit_set("user_max_events", LIMIT);
	return sender_block(new_sender(fresh_user(), id));
}

static void receive_one(int id)
{
	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
}

START_TEST(p9_a_receive_makes_room_for_a_sender_that_waits)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	receive_one(id);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

START_TEST(p9_an_acknowledgement_makes_room_and_a_lease_does_not)
{
	int id = fresh_id();
	struct ke_event ev = { .size = 0 };
	pid_t pid;

	pid = user_block(id);
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 0));
	ck_assert(task_is_blocked(pid));
	assert_held(id, LIMIT - 1, 1);
	ASSERT_OK(ke_nack(&ke, ev.seq));
	ck_assert(task_is_blocked(pid));
	assert_held(id, LIMIT, 0);
	ev = (struct ke_event){ .size = 0 };
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 0));
	ASSERT_OK(ke_ack(&ke, ev.seq));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

START_TEST(p9_a_purge_makes_room)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	ASSERT_RESULT(ke_purge(&ke, id), LIMIT);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p9_what_expires_makes_room)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id);

	limit_set("user_max_events", LIMIT);
	sender->ttl_ms = 500;
	child_run(fill_and_wait, sender);
	ck_assert_uint_ge(sender->filled, LIMIT);
	WAIT_UNTIL(stat_of(id).pending == 1);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p9_room_among_the_bytes_wakes_a_sender)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id);
	pid_t pid;

	limit_set("user_max_bytes", 20000);
	sender->size = 5000;
	pid = sender_block(sender);
	receive_one(id);
	task_wait_blocked(pid);
	drain(id);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(stat_of(id).sent, sender->filled + 1);
	drain(id);
}
END_TEST

START_TEST(p9_room_among_the_bytes_of_all_wakes_root)
{
	int id = fresh_id();
	pid_t pid;

	limit_set("max_bytes", limits_now().bytes + 20000);
	pid = sender_block(new_sender(0, id));
	receive_one(id);
	ck_assert_int_eq(child_join(pid), 0);
	drain(id);
}
END_TEST

static void raise_while_one_waits(uid_t uid, const char *name, unsigned long low,
				  unsigned long high)
{
	int id = fresh_id();
	pid_t pid;

	limit_set(name, low);
	pid = sender_block(new_sender(uid, id));
	limit_set(name, high);
	ck_assert_int_eq(child_join(pid), 0);
	drain(id);
	limits_restore();
}

START_TEST(p9_a_higher_limit_wakes_senders)
{
	unsigned long used = limits_now().bytes;

	raise_while_one_waits(fresh_user(), "user_max_events", 5, 6);
	raise_while_one_waits(fresh_user(), "user_max_bytes", 10000, 20000);
	raise_while_one_waits(0, "max_bytes", used + 10000, used + 20000);
	raise_while_one_waits(fresh_user(), "user_max_ids", 0, 1);
}
END_TEST

START_TEST(p9_a_lower_limit_leaves_senders_waiting)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	limit_set("user_max_events", LIMIT - 2);
	task_wait_blocked(pid);
	receive_one(id);
	receive_one(id);
	task_wait_blocked(pid);
	ck_assert_uint_eq(stat_of(id).sent, LIMIT);
	receive_one(id);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), LIMIT - 2);
}
END_TEST

START_TEST(p9_a_sender_waits_for_the_room_that_it_lacks_now)
{
	unsigned long used = limits_now().bytes;
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id);
	pid_t pid;

	limit_set("max_bytes", used + 20000);
	sender->refusal = -EAGAIN;
	pid = sender_block(sender);
	limit_set("user_max_events", 1);
	task_wait_blocked(pid);
	limit_set("max_bytes", used + 10000000);
	task_wait_blocked(pid);
	ck_assert_uint_eq(stat_of(id).sent, sender->filled);
	limit_set("user_max_events", sender->filled + 1);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), sender->filled + 1);
}
END_TEST

START_TEST(a_sender_that_waited_too_long_finds_the_id_claimed)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	ASSERT_OK(ke_claim(&ke, id, 0600));
	receive_one(id);
	ck_assert_int_eq(child_join(pid), EPERM);
	ck_assert_uint_eq(drain(id), LIMIT - 1);
	ASSERT_OK(ke_unclaim(&ke, id));
}
END_TEST

START_TEST(p9_all_who_wait_get_room_in_the_end)
{
	int id = fresh_id();
	uid_t uid = fresh_user();
	pid_t pids[8];
	size_t i;

	limit_set("user_max_events", 1);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = sender_block(new_sender(uid, id));
	for (i = 0; i < ARRAY_SIZE(pids) + 1; i++) {
		WAIT_UNTIL(stat_of(id).pending == 1);
		receive_one(id);
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	assert_empty(id);
}
END_TEST

START_TEST(p3_a_sender_whose_time_is_over_has_sent_nothing)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id);

	limit_set("user_max_events", LIMIT);
	sender->timeout_ms = 30;
	ck_assert_int_eq(child_join(child_start(fill_and_wait, sender)), ETIMEDOUT);
	ck_assert_uint_ge(sender->waited, 30 * MS);
	ck_assert_uint_eq(stat_of(id).sent, LIMIT);
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

static int be_interrupted(void *arg)
{
	signal_handle(SIGUSR1, 0);
	return fill_and_wait(arg);
}

START_TEST(p3_a_signal_ends_the_wait_of_a_sender)
{
	static const int timeouts[] = { -1, 1000000 };
	size_t i;

	limit_set("user_max_events", LIMIT);
	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		int id = fresh_id();
		struct sender *sender = new_sender(fresh_user(), id);
		pid_t pid;

		sender->timeout_ms = timeouts[i];
		pid = child_start(be_interrupted, sender);
		WAIT_UNTIL(__atomic_load_n(&sender->full, __ATOMIC_ACQUIRE));
		task_wait_blocked(pid);
		ASSERT_SYS(kill(pid, SIGUSR1));
		ck_assert_int_eq(child_join(pid), EINTR);
		ck_assert_uint_eq(stat_of(id).sent, LIMIT);
		ck_assert_uint_eq(drain(id), LIMIT);
	}
}
END_TEST

START_TEST(p6_a_sender_that_waits_can_be_killed)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

START_TEST(the_size_of_an_event_is_checked_before_it_waits)
{
	struct ke_event ev = { .id = fresh_id(), .data = payload, .len = 65537 };

	limit_set("max_bytes", 0);
	ASSERT_RESULT(ke_send(&ke, &ev, 0, -1), -EMSGSIZE);
}
END_TEST

/* What a child and its parent, which receives, tell each other. */
struct talk {
	uid_t uid;
	int id;
	size_t size;		/* of the event that is refused */
	int refusal;
	bool full;
};

static int poll_for_room(void *arg)
{
	struct talk *talk = arg;
	int err;

	if (talk->uid)
		user_become(talk->uid, talk->uid);
	ck_assert(is_writable(0));
	while (!(err = ke_send_event(&ke, talk->id, payload, talk->size)))
		;
	ASSERT_RESULT(err, talk->refusal);
	ck_assert(!is_writable(0));
	ck_assert(!is_writable(20));
	__atomic_store_n(&talk->full, true, __ATOMIC_RELEASE);
	ck_assert(is_writable((int)(patience() * 1000)));
	ASSERT_OK(ke_send_event(&ke, talk->id, payload, talk->size));
	return 0;
}

static void poll_until_there_is_room(uid_t uid, size_t size, unsigned int taken)
{
	struct talk *talk = shared_memory(sizeof(*talk));
	pid_t pid;

	talk->uid = uid;
	talk->id = fresh_id();
	talk->size = size;
	talk->refusal = uid ? -EDQUOT : -EAGAIN;
	pid = child_start(poll_for_room, talk);
	WAIT_UNTIL(__atomic_load_n(&talk->full, __ATOMIC_ACQUIRE));
	while (taken--)
		receive_one(talk->id);
	ck_assert_int_eq(child_join(pid), 0);
	drain(talk->id);
}

START_TEST(p9_writable_says_whether_a_user_has_room_for_events)
{
	limit_set("user_max_events", LIMIT);
	poll_until_there_is_room(fresh_user(), 0, 1);
}
END_TEST

/* There is room for a small one, but that is not what was refused. */
START_TEST(p9_writable_says_no_after_a_large_event_was_refused)
{
	limit_set("user_max_bytes", 200000);
	poll_until_there_is_room(fresh_user(), 60000, 1);
}
END_TEST

START_TEST(p9_writable_says_whether_all_have_room)
{
	/* Three events; what else goes and comes is less than the rest. */
	limit_set("max_bytes", limits_now().bytes + 58000);
	poll_until_there_is_room(0, 16384, 1);
	limit_set("max_bytes", limits_now().bytes + 200000);
	poll_until_there_is_room(0, 60000, 1);
}
END_TEST

START_TEST(p9_writable_again_after_a_batch_went)
{
	struct ke_event ev = { .id = fresh_id(), .data = payload, .len = 60000 };
	struct epoll_event out = { .events = EPOLLOUT };
	int epoll;

	limit_set("max_bytes", limits_now().bytes + 120000);
	ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), -EAGAIN);
	ck_assert(!is_writable(0));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_SYS(epoll);
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, ke_fd(&ke), &out));
	ck_assert_int_eq(epoll_wait(epoll, &out, 1, 0), 0);
	ev.len = 8;
	ASSERT_RESULT(ke_send_batch(&ke, &ev, 1, 0), 1);
	ck_assert(is_writable(0));
	ck_assert_int_eq(epoll_wait(epoll, &out, 1, 0), 1);
	ck_assert_uint_eq(drain(ev.id), 2);
}
END_TEST

START_TEST(p9_writable_after_a_limit_was_raised)
{
	struct talk *talk = shared_memory(sizeof(*talk));
	pid_t pid;

	talk->uid = fresh_user();
	talk->id = fresh_id();
	talk->refusal = -EDQUOT;
	limit_set("user_max_events", LIMIT);
	pid = child_start(poll_for_room, talk);
	WAIT_UNTIL(__atomic_load_n(&talk->full, __ATOMIC_ACQUIRE));
	limit_set("user_max_events", LIMIT + 1);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(talk->id), LIMIT + 1);
}
END_TEST

static int poll_with_new_client(void *arg)
{
	struct talk *talk = arg;

	user_become(talk->uid, talk->uid);
	while (!ke_send_event(&ke, talk->id, NULL, 0))
		;
	user_reopen();
	ck_assert(!is_writable(0));
	__atomic_store_n(&talk->full, true, __ATOMIC_RELEASE);
	ck_assert(is_writable((int)(patience() * 1000)));
	return 0;
}

START_TEST(p9_writable_heeds_what_another_client_of_the_user_has_sent)
{
	static const struct {
		const char *name;
		unsigned long value, enough;
	} limits[] = {
		{ "user_max_events", LIMIT, 65536 },
		{ "user_max_bytes", 20000, 1 << 24 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		struct talk *talk = shared_memory(sizeof(*talk));
		pid_t pid;

		talk->uid = fresh_user();
		talk->id = fresh_id();
		limit_set(limits[i].name, limits[i].value);
		pid = child_start(poll_with_new_client, talk);
		WAIT_UNTIL(__atomic_load_n(&talk->full, __ATOMIC_ACQUIRE));
		receive_one(talk->id);
		ck_assert_int_eq(child_join(pid), 0);
		drain(talk->id);
		limit_set(limits[i].name, limits[i].enough);
	}
}
END_TEST

START_TEST(p9_root_is_writable_over_the_limits_of_users)
{
	limit_set("user_max_events", 0);
	limit_set("user_max_bytes", 0);
	ck_assert(is_writable(0));
	limit_set("max_bytes", 0);
	ck_assert(!is_writable(0));
}
END_TEST

static int write_without_waiting(void *arg)
{
	struct sender *sender = arg;
	const struct kevents_record record = { .id = sender->id };
	ssize_t size;

	user_become(sender->uid, sender->uid);
	ASSERT_SYS(fcntl(ke_fd(&ke), F_SETFL, O_NONBLOCK));
	while ((size = write(ke_fd(&ke), &record, sizeof(record))) == sizeof(record))
		sender->filled++;
	ck_assert_int_eq(size, -1);
	return errno;
}

START_TEST(a_write_that_must_not_wait_is_eagain_over_a_limit_of_the_user)
{
	struct sender *sender = new_sender(fresh_user(), fresh_id());

	limit_set("user_max_events", LIMIT);
	ck_assert_int_eq(child_join(child_start(write_without_waiting, sender)), EAGAIN);
	ck_assert_uint_eq(sender->filled, LIMIT);
	ck_assert_uint_eq(drain(sender->id), LIMIT);
}
END_TEST

TESTS(quota_wait, 60, WITH_CLIENT,
      p9_a_receive_makes_room_for_a_sender_that_waits,
      p9_an_acknowledgement_makes_room_and_a_lease_does_not,
      p9_a_purge_makes_room,
      p9_what_expires_makes_room,
      p9_room_among_the_bytes_wakes_a_sender,
      p9_room_among_the_bytes_of_all_wakes_root,
      p9_a_higher_limit_wakes_senders,
      p9_a_lower_limit_leaves_senders_waiting,
      p9_all_who_wait_get_room_in_the_end,
      p3_a_sender_whose_time_is_over_has_sent_nothing,
      p3_a_signal_ends_the_wait_of_a_sender,
      p6_a_sender_that_waits_can_be_killed,
      the_size_of_an_event_is_checked_before_it_waits,
      p9_writable_says_whether_a_user_has_room_for_events,
      p9_writable_says_no_after_a_large_event_was_refused,
      p9_writable_says_whether_all_have_room,
      p9_writable_again_after_a_batch_went,
      p9_writable_after_a_limit_was_raised,
      p9_a_sender_waits_for_the_room_that_it_lacks_now,
      p9_writable_heeds_what_another_client_of_the_user_has_sent,
      p9_root_is_writable_over_the_limits_of_users,
      a_write_that_must_not_wait_is_eagain_over_a_limit_of_the_user,
      a_sender_that_waited_too_long_finds_the_id_claimed)
