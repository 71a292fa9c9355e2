// SPDX-License-Identifier: GPL-2.0-only
/* P5, P9: senders that wait for space. */
#include <fcntl.h>
#include <linux/capability.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/user.h"

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

/* Starts it and returns when it waits for space. */
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
	limit_events(LIMIT, 0);
	return sender_block(new_sender(fresh_user(), id));
}

static void receive_one(int id)
{
	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
}

START_TEST(p9_a_receive_makes_space_for_a_sender_that_waits)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	receive_one(id);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

START_TEST(p9_an_acknowledgement_makes_space_and_a_lease_does_not)
{
	int id = fresh_id();
	struct ke_event ev = { .size = 0 };
	pid_t pid;

	pid = user_block(id);
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 0));
	ck_assert(task_is_blocked(pid));
	assert_counts(id, LIMIT - 1, 1);
	ASSERT_OK(ke_nack(&ke, ev.seq));
	ck_assert(task_is_blocked(pid));
	assert_counts(id, LIMIT, 0);
	ev = (struct ke_event){ .size = 0 };
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_LEASE, 0));
	ASSERT_OK(ke_ack(&ke, ev.seq));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

START_TEST(p9_a_purge_makes_space)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	ASSERT_RESULT(ke_purge(&ke, id), LIMIT);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p9_what_expires_makes_space)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id);

	limit_events(LIMIT, 0);
	sender->ttl_ms = 500;
	child_run(fill_and_wait, sender);
	ck_assert_uint_ge(sender->filled, LIMIT);
	WAIT_UNTIL(stat_of(id).pending == 1);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p9_space_among_the_bytes_wakes_a_sender)
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

START_TEST(p9_space_among_the_bytes_of_all_wakes_root)
{
	int id = fresh_id();
	pid_t pid;

	limits_wait_for_nothing();
	limit_set("max_bytes", 20000);
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
	raise_while_one_waits(fresh_user(), "user_max_bytes", 10000, 20000);
	limits_wait_for_nothing();
	raise_while_one_waits(0, "max_bytes", 10000, 20000);
	raise_while_one_waits(fresh_user(), "max_bytes", 10000, 20000);
}
END_TEST

START_TEST(p9_a_lower_limit_leaves_senders_waiting)
{
	int id = fresh_id();
	pid_t pid = user_block(id);

	limit_events(LIMIT - 2, 0);
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

START_TEST(p9_a_sender_waits_for_the_space_that_it_lacks_now)
{
	const unsigned long bytes = event_bytes(0);
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id);
	pid_t pid;

	limits_wait_for_nothing();
	limit_set("max_bytes", 50 * bytes);
	pid = sender_block(sender);
	ck_assert_uint_eq(sender->filled, 10);
	limit_set("user_max_bytes", bytes);
	limit_set("max_bytes", 5000 * bytes);
	task_wait_blocked(pid);
	ck_assert_uint_eq(stat_of(id).sent, 10);
	limit_set("user_max_bytes", 11 * bytes);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), 11);
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

START_TEST(p9_all_who_wait_get_space_in_the_end)
{
	int id = fresh_id();
	uid_t uid = fresh_user();
	pid_t pids[8];
	size_t i;

	limit_events(1, 0);
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

	limit_events(LIMIT, 0);
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

	limit_events(LIMIT, 0);
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

/* A child that sends one event. */
struct waiter {
	uid_t uid;		/* 0: stays root */
	int id;
	size_t size;
	int timeout_ms;
};

static int wait_and_send(void *arg)
{
	struct waiter *waiter = arg;
	struct ke_event ev = { .id = waiter->id, .data = payload, .len = waiter->size };

	if (waiter->uid)
		user_become(waiter->uid, waiter->uid);
	return -ke_send(&ke, &ev, 0, waiter->timeout_ms);
}

static pid_t waiter_block(struct waiter *waiter)
{
	pid_t pid = child_start(wait_and_send, waiter);

	task_wait_blocked(pid);
	return pid;
}

static struct waiter *new_waiters(unsigned int count, uid_t uid, int id)
{
	struct waiter *waiters = shared_memory(count * sizeof(*waiters));
	unsigned int i;

	for (i = 0; i < count; i++)
		waiters[i] = (struct waiter){ .uid = uid, .id = id, .timeout_ms = -1 };
	return waiters;
}

/* Sends as the user until all that it may hold is in the ID. */
static void fill_as(uid_t uid, int id)
{
	struct sender *sender = new_sender(uid, id);

	sender->timeout_ms = 0;
	sender->size = 0;
	ck_assert_int_eq(child_join(child_start(fill_and_wait, sender)), -sender->refusal);
}

#define WAITERS 20	/* more than an uncharge or a step of the worker looks at */

START_TEST(p9_blocked_senders_of_a_user_are_served_in_their_order)
{
	const uid_t uid = fresh_user();
	const int id = fresh_id(), full = fresh_id();
	struct waiter *waiters = new_waiters(WAITERS, uid, id);
	pid_t pids[WAITERS];
	int i;

	limit_events(WAITERS, 0);
	fill_as(uid, full);
	for (i = 0; i < WAITERS; i++)
		pids[i] = waiter_block(&waiters[i]);
	for (i = 0; i < WAITERS; i++) {
		receive_one(full);
		ck_assert_int_eq(child_join(pids[i]), 0);
		ck_assert_uint_eq(stat_of(id).pending, i + 1);
	}
	ck_assert_uint_eq(drain(id), WAITERS);
}
END_TEST

START_TEST(p9_nobody_overtakes_a_sender_that_waits_for_much)
{
	const uid_t uid = fresh_user();
	const int id = fresh_id(), full = fresh_id();
	struct waiter *waiters = new_waiters(2, uid, id);
	pid_t pids[2];
	int i;

	limit_set("user_max_bytes", 2 * event_bytes(10000));
	fill_as(uid, full);
	waiters[0].size = 10000;
	pids[0] = waiter_block(&waiters[0]);
	pids[1] = waiter_block(&waiters[1]);
	for (i = 0; i < 5; i++)
		receive_one(full);
	/* There is space for the second. */
	ck_assert(task_is_blocked(pids[0]));
	ck_assert(task_is_blocked(pids[1]));
	drain(full);
	ck_assert_int_eq(child_join(pids[0]), 0);
	ck_assert_int_eq(child_join(pids[1]), 0);
	ck_assert_uint_eq(drain(id), 2);
}
END_TEST

/* The first wants more than there will be; when it is gone, the others have space. */
static void let_the_first_go(int timeout_ms, int signal)
{
	const uid_t uid = fresh_user();
	const int id = fresh_id(), full = fresh_id();
	struct waiter *waiters = new_waiters(WAITERS, uid, id);
	pid_t pids[WAITERS];
	int i;

	limit_events(4 * WAITERS, 0);
	fill_as(uid, full);
	waiters[0].size = 60000;
	waiters[0].timeout_ms = timeout_ms;
	for (i = 0; i < WAITERS; i++)
		pids[i] = waiter_block(&waiters[i]);
	for (i = 0; i < WAITERS; i++)
		receive_one(full);
	if (signal) {
		task_wait_blocked(pids[1]);
		ASSERT_SYS(kill(pids[0], signal));
	}
	ck_assert_int_eq(child_join(pids[0]), signal ? 128 + signal : ETIMEDOUT);
	for (i = 1; i < WAITERS; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), WAITERS - 1);
	drain(full);
}

START_TEST(p9_those_behind_a_sender_that_is_killed_go_on)
{
	let_the_first_go(-1, SIGKILL);
}
END_TEST

START_TEST(p9_those_behind_a_sender_whose_time_is_over_go_on)
{
	let_the_first_go(1000, 0);
}
END_TEST

START_TEST(p6_a_sender_that_dies_in_the_middle_of_the_line_leaves_it)
{
	const uid_t uid = fresh_user();
	const int id = fresh_id(), full = fresh_id();
	struct waiter *waiters = new_waiters(3, uid, id);
	pid_t pids[3];
	int i;

	limit_events(3, 0);
	fill_as(uid, full);
	for (i = 0; i < 3; i++)
		pids[i] = waiter_block(&waiters[i]);
	ASSERT_SYS(kill(pids[1], SIGKILL));
	ck_assert_int_eq(child_join(pids[1]), 128 + SIGKILL);
	receive_one(full);
	receive_one(full);
	ck_assert_int_eq(child_join(pids[0]), 0);
	ck_assert_int_eq(child_join(pids[2]), 0);
	ck_assert_uint_eq(drain(full), 1);
	ck_assert_uint_eq(drain(id), 2);
}
END_TEST

START_TEST(p9_a_sender_that_waits_for_much_does_not_hold_up_other_users)
{
	const uid_t uid = fresh_user(), other = fresh_user();
	const int id = fresh_id(), full = fresh_id(), others = fresh_id();
	struct waiter *waiters = new_waiters(2, uid, id);
	pid_t pids[2];

	limit_set("user_max_bytes", 20000);
	fill_as(uid, full);
	fill_as(other, others);
	waiters[0].size = 10000;
	waiters[1].uid = other;
	pids[0] = waiter_block(&waiters[0]);
	pids[1] = waiter_block(&waiters[1]);
	receive_one(others);
	ck_assert_int_eq(child_join(pids[1]), 0);
	ck_assert(task_is_blocked(pids[0]));
	drain(full);
	ck_assert_int_eq(child_join(pids[0]), 0);
	ck_assert_uint_eq(drain(id), 2);
	drain(others);
}
END_TEST

static int send_without_capability(void *arg)
{
	user_drop(CAP_SYS_RESOURCE);
	user_reopen();
	return wait_and_send(arg);
}

START_TEST(p9_cap_sys_resource_does_not_stand_behind_those_without_it)
{
	const int id = fresh_id();
	struct waiter *waiters = new_waiters(2, 0, id);
	pid_t pid;

	limit_set("user_max_bytes", 0);
	pid = child_start(send_without_capability, &waiters[0]);
	task_wait_blocked(pid);
	child_run(wait_and_send, &waiters[1]);
	ck_assert(task_is_blocked(pid));
	limits_restore();
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(id), 2);
}
END_TEST

START_TEST(p9_a_higher_limit_wakes_all_senders_of_a_user)
{
	const uid_t uid = fresh_user();
	const int id = fresh_id();
	struct waiter *waiters = new_waiters(WAITERS, uid, id);
	pid_t pids[WAITERS];
	int i;

	limit_set("user_max_bytes", 0);
	for (i = 0; i < WAITERS; i++)
		pids[i] = waiter_block(&waiters[i]);
	limits_restore();
	for (i = 0; i < WAITERS; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), WAITERS);
}
END_TEST

/* Of as many users as wait. */
static void raise_for_many_users(const char *name)
{
	const int id = fresh_id();
	struct waiter *waiters = new_waiters(WAITERS, 0, id);
	pid_t pids[WAITERS];
	int i;

	limit_set(name, 0);
	for (i = 0; i < WAITERS; i++) {
		waiters[i].uid = fresh_user();
		pids[i] = waiter_block(&waiters[i]);
	}
	limits_restore();
	for (i = 0; i < WAITERS; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), WAITERS);
}

START_TEST(p9_a_higher_user_max_bytes_wakes_the_senders_of_all_users)
{
	raise_for_many_users("user_max_bytes");
}
END_TEST

START_TEST(p9_a_higher_max_bytes_wakes_the_senders_of_all_users)
{
	raise_for_many_users("max_bytes");
}
END_TEST

/* The others wait first, and go on waiting: their users hold all they may. */
START_TEST(p9_what_a_user_gives_back_serves_its_sender_behind_those_of_many_users)
{
	const int id = fresh_id(), others = fresh_id(), own = fresh_id();
	struct waiter *waiters = new_waiters(WAITERS, 0, id);
	pid_t pids[WAITERS];
	int i;

	limit_events(1, 0);
	for (i = 0; i < WAITERS; i++) {
		waiters[i].uid = fresh_user();
		fill_as(waiters[i].uid, i < WAITERS - 1 ? others : own);
		pids[i] = waiter_block(&waiters[i]);
	}
	receive_one(own);
	ck_assert_int_eq(child_join(pids[WAITERS - 1]), 0);
	ck_assert_uint_eq(stat_of(id).pending, 1);
	ck_assert_uint_eq(drain(others), WAITERS - 1);
	for (i = 0; i < WAITERS - 1; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), WAITERS);
}
END_TEST

/* One uncharge makes space for all of them, and none follows. */
START_TEST(p9_space_that_comes_at_once_serves_the_senders_of_many_users)
{
	const int id = fresh_id(), full = fresh_id();
	struct waiter *waiters = new_waiters(WAITERS, 0, id);
	pid_t pids[WAITERS];
	int i;

	limits_wait_for_nothing();
	limit_set("max_bytes", event_bytes(65536));
	ASSERT_OK(ke_send_event(&ke, full, payload, sizeof(payload)));
	for (i = 0; i < WAITERS; i++) {
		waiters[i].uid = fresh_user();
		pids[i] = waiter_block(&waiters[i]);
	}
	receive_one(full);
	for (i = 0; i < WAITERS; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), WAITERS);
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

	limit_events(LIMIT, 0);
	ck_assert_int_eq(child_join(child_start(write_without_waiting, sender)), EAGAIN);
	ck_assert_uint_eq(sender->filled, LIMIT);
	ck_assert_uint_eq(drain(sender->id), LIMIT);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_a_receive_makes_space_for_a_sender_that_waits,
      p9_an_acknowledgement_makes_space_and_a_lease_does_not,
      p9_a_purge_makes_space,
      p9_what_expires_makes_space,
      p9_space_among_the_bytes_wakes_a_sender,
      p9_space_among_the_bytes_of_all_wakes_root,
      p9_a_higher_limit_wakes_senders,
      p9_a_lower_limit_leaves_senders_waiting,
      p9_all_who_wait_get_space_in_the_end,
      p9_blocked_senders_of_a_user_are_served_in_their_order,
      p9_nobody_overtakes_a_sender_that_waits_for_much,
      p9_those_behind_a_sender_that_is_killed_go_on,
      p9_those_behind_a_sender_whose_time_is_over_go_on,
      p6_a_sender_that_dies_in_the_middle_of_the_line_leaves_it,
      p9_a_sender_that_waits_for_much_does_not_hold_up_other_users,
      p9_cap_sys_resource_does_not_stand_behind_those_without_it,
      p9_a_higher_limit_wakes_all_senders_of_a_user,
      p9_a_higher_user_max_bytes_wakes_the_senders_of_all_users,
      p9_a_higher_max_bytes_wakes_the_senders_of_all_users,
      p9_what_a_user_gives_back_serves_its_sender_behind_those_of_many_users,
      p9_space_that_comes_at_once_serves_the_senders_of_many_users,
      p3_a_sender_whose_time_is_over_has_sent_nothing,
      p3_a_signal_ends_the_wait_of_a_sender,
      p6_a_sender_that_waits_can_be_killed,
      the_size_of_an_event_is_checked_before_it_waits,
      p9_a_sender_waits_for_the_space_that_it_lacks_now,
      a_write_that_must_not_wait_is_eagain_over_a_limit_of_the_user,
      a_sender_that_waited_too_long_finds_the_id_claimed)
