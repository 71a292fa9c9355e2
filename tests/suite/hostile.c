// SPDX-License-Identifier: GPL-2.0-only
/* P5, P6: users who take what they can get, and another user's traffic beside them. */
#include <poll.h>
#include <sys/resource.h>

#include "cgroup.h"
#include "harness.h"
#include "held.h"
#include "limits.h"
#include "task.h"
#include "user.h"

#define CROWD 100
#define FILES 64
#define IDS 8
#define FLOODERS 4
#define LINES 4		/* of processes, each the child of the one before */
#define GENERATIONS 40
#define KILLS 60
#define EVENTS 100
#define GROUP_BYTES (4 << 20)

static char payload[60000];

/* Shared with those who misbehave. */
struct mob {
	uid_t uid;
	int id;			/* that they use, where they share the broker */
	int ready;		/* of them, how many have got as far as they can */
	unsigned int sent;
	unsigned int refused;
};

static void say_ready(struct mob *mob)
{
	__atomic_fetch_add(&mob->ready, 1, __ATOMIC_RELEASE);
}

static void wait_ready(const struct mob *mob, int count)
{
	WAIT_UNTIL(__atomic_load_n(&mob->ready, __ATOMIC_ACQUIRE) >= count);
}

static void stay(void)
{
	for (;;)
		pause();
}

static struct mob *new_mob(void)
{
	struct mob *mob = shared_memory(sizeof(*mob));

	mob->uid = fresh_user();
	mob->id = fresh_id();
	return mob;
}

/* Sends at many IDs until it is refused, watches them and leases what it can. */
static void grab(struct mob *mob)
{
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int id = 0, err;

	do {
		err = ke_send_event(&ke, id++ % IDS, payload, 1000);
		if (!err)
			__atomic_fetch_add(&mob->sent, 1, __ATOMIC_RELAXED);
	} while (!err);
	ck_assert(err == -EDQUOT || err == -EAGAIN);
	for (id = 0; id < IDS; id++)
		ke_watch(&ke, id);
	while (!ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0))
		;
}

static int grab_in_own_namespaces(void *arg)
{
	struct mob *mob = arg;

	user_become(mob->uid, mob->uid);
	user_enter_own_namespaces();
	user_reopen();
	grab(mob);
	say_ready(mob);
	stay();
	return 0;
}

/* An ID for another user's traffic, watched so that it stays; what is in use then. */
static int quiet_id(struct ke_limits *before)
{
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	*before = limits_after_sending(id);
	return id;
}

/* What another user sends arrives, in order, and nothing else does. */
static void assert_traffic(int id)
{
	unsigned int i, count = event_count(1000) / 4;

	for (i = 0; i < count; i++)
		send_number(id, i);
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(receive_number(id), i);
	assert_empty(id);
}

static void start_all(pid_t *pids, int count, int (*work)(void *arg), struct mob *mob)
{
	for (int i = 0; i < count; i++)
		pids[i] = child_start(work, mob);
}

static void kill_and_join(pid_t pid)
{
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
}

static void kill_and_join_all(const pid_t *pids, int count)
{
	for (int i = 0; i < count; i++)
		kill_and_join(pids[i]);
}

START_TEST(p5_a_hundred_namespaces_of_one_user_take_no_more_than_its_quota)
{
	const unsigned long quota = 1 << 20;
	struct mob *mob = new_mob();
	struct ke_limits before;
	pid_t crowd[CROWD];
	int id;

	limit_set("user_max_bytes", quota);
	id = quiet_id(&before);
	start_all(crowd, CROWD, grab_in_own_namespaces, mob);
	assert_traffic(id);
	wait_ready(mob, CROWD);
	ck_assert_uint_ge(mob->sent, quota / 2000);
	ck_assert_uint_le(mob->sent, quota / 1000);
	ck_assert_uint_le(limits_now().bytes, before.bytes + quota);
	assert_traffic(id);
	kill_and_join_all(crowd, CROWD);
	limits_wait_back_to(&before);
}
END_TEST

static int open_all_files(void *arg)
{
	const struct rlimit limit = { FILES, FILES };
	struct mob *mob = arg;
	kevents_ctx ctx;
	int err;

	user_become(mob->uid, mob->uid);
	user_reopen();
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));
	while (!(err = ke_init(&ctx)))
		ke_watch(&ctx, mob->id);
	ASSERT_RESULT(err, -EMFILE);
	/* The files that there are go on working. */
	ASSERT_OK(ke_send_event(&ke, mob->id, payload, 1));
	say_ready(mob);
	stay();
	return 0;
}

START_TEST(p6_a_user_without_file_descriptors_leaves_nothing_behind)
{
	struct mob *mob = new_mob();
	struct ke_limits before;
	int id = quiet_id(&before);
	pid_t pid = child_start(open_all_files, mob);

	wait_ready(mob, 1);
	assert_traffic(id);
	kill_and_join(pid);
	ck_assert_uint_eq(drain(mob->id), 1);
	limits_wait_back_to(&before);
}
END_TEST

/* Until the memory cgroup has no more; the kernel may end the process for it. */
static int exhaust_group(void *arg)
{
	struct mob *mob = arg;
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int err;

	cgroup_enter();
	user_become(mob->uid, mob->uid);
	user_reopen();
	do {
		err = ke_send_event(&ke, mob->id, payload, sizeof(payload));
		if (!err)
			__atomic_fetch_add(&mob->sent, 1, __ATOMIC_RELAXED);
		if (!err && mob->sent % 2)
			err = ke_receive(&ke, mob->id, &ev, KE_LEASE, 0);
	} while (!err);
	ASSERT_RESULT(err, -ENOMEM);
	return 0;
}

START_TEST(p5_a_memory_cgroup_at_its_limit_stops_its_own_sender_alone)
{
	struct mob *mob = new_mob();
	struct ke_limits before;
	unsigned int left;
	int id, i, status;
	pid_t pid;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	id = quiet_id(&before);
	for (i = 0; i < 3; i++) {
		mob->sent = 0;
		pid = child_start(exhaust_group, mob);
		assert_traffic(id);
		status = child_join(pid);
		ck_assert_msg(!status || status == 128 + SIGKILL, "it ended with %d", status);
		ck_assert_uint_gt(mob->sent, 10);
		ck_assert_uint_lt(mob->sent, GROUP_BYTES / sizeof(payload) + 1);
		left = drain(mob->id);
		/* It may have been ended right after it had sent one more. */
		ck_assert(left == mob->sent || (status && left == mob->sent + 1));
	}
	assert_traffic(id);
	limits_wait_back_to(&before);
	cgroup_remove();
}
END_TEST

/* Has leases, and a thread that waits, when the kernel ends it. */
static int hold_and_eat(void *arg)
{
	struct mob *mob = arg;
	struct receiver receiver = RECEIVER(mob->id + 1);
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	char *food;
	size_t i;

	cgroup_enter();
	user_become(mob->uid, mob->uid);
	user_reopen();
	while (!ke_receive(&ke, mob->id, &ev, KE_LEASE, 0))
		;
	receiver_block(&receiver);
	say_ready(mob);
	food = shared_memory(GROUP_BYTES * 2);
	for (i = 0; i < GROUP_BYTES * 2; i += 4096)
		food[i] = 1;
	return 0;
}

START_TEST(p6_who_is_killed_for_want_of_memory_gives_back_what_it_held)
{
	struct mob *mob = new_mob();
	struct ke_limits before;
	int id, i;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	id = quiet_id(&before);
	for (i = 0; i < EVENTS; i++)
		send_number(mob->id, i);
	ck_assert_int_eq(child_join(child_start(hold_and_eat, mob)), 128 + SIGKILL);
	ck_assert_int_eq(mob->ready, 1);
	for (i = 0; i < EVENTS; i++)
		ck_assert_uint_eq(receive_number(mob->id), i);
	ck_assert_uint_eq(stat_of(mob->id + 1).waiters, 0);
	assert_traffic(id);
	limits_wait_back_to(&before);
	cgroup_remove();
}
END_TEST

static void send_all_the_time(struct mob *mob)
{
	for (;;) {
		if (!ke_send_event(&ke, mob->id, payload, 100))
			__atomic_fetch_add(&mob->sent, 1, __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&mob->refused, 1, __ATOMIC_RELAXED);
	}
}

static int flood(void *arg)
{
	struct mob *mob = arg;

	user_become(mob->uid, mob->uid);
	user_reopen();
	send_all_the_time(mob);
	return 0;
}

START_TEST(p5_a_flood_of_one_user_stays_within_its_quota)
{
	struct mob *mob = new_mob();
	struct ke_limits before;
	pid_t flooders[FLOODERS];
	int id, i;

	limit_set("user_max_events", 500);
	id = quiet_id(&before);
	start_all(flooders, FLOODERS, flood, mob);
	for (i = 0; i < 5; i++) {
		mob->refused = 0;
		WAIT_UNTIL(__atomic_load_n(&mob->refused, __ATOMIC_RELAXED) > 100);
		ck_assert_uint_le(stat_of(mob->id).pending, 500);
		assert_traffic(id);
		drain(mob->id);
	}
	kill_and_join_all(flooders, FLOODERS);
	drain(mob->id);
	limits_wait_back_to(&before);
}
END_TEST

/* Each leases an event, and leaves the client, with all leases, to its child. */
static int lease_and_fork(void *arg)
{
	struct mob *mob = arg;
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int i;

	user_become(mob->uid, mob->uid);
	for (i = 0; i < GENERATIONS; i++) {
		if (i % 8 == 0)
			user_reopen();
		ke_receive(&ke, mob->id, &ev, KE_LEASE, 0);
		if (fork())
			raise(SIGKILL);
	}
	say_ready(mob);
	return 0;
}

START_TEST(p6_processes_that_fork_while_leasing_give_all_back)
{
	struct mob *mob = new_mob();
	struct ke_limits before;
	pid_t lines[LINES];
	int id = quiet_id(&before), i;

	for (i = 0; i < EVENTS; i++)
		send_number(mob->id, i);
	start_all(lines, LINES, lease_and_fork, mob);
	assert_traffic(id);
	for (i = 0; i < LINES; i++)
		ck_assert_int_eq(child_join(lines[i]), 128 + SIGKILL);
	wait_ready(mob, LINES);
	WAIT_UNTIL(!stat_of(mob->id).leased);
	for (i = 0; i < EVENTS; i++)
		ck_assert_uint_eq(receive_number(mob->id), i);
	limits_wait_back_to(&before);
}
END_TEST

static void use(struct mob *mob)
{
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	struct pollfd pollfd = { .events = POLLIN | POLLOUT };
	unsigned int i;

	for (i = 0;; i++) {
		if (i % 16 == 0)
			user_reopen();
		pollfd.fd = ke_fd(&ke);
		ke_watch(&ke, mob->id);
		ke_send_event(&ke, mob->id, payload, i % 5 * 1000);
		ke_receive(&ke, mob->id, &ev, i % 2 ? KE_LEASE : 0, 1);
		if (i % 8 == 3)
			ke_nack(&ke, ev.seq);
		if (poll(&pollfd, 1, 0) == 1 && pollfd.revents & POLLIN && i % 4 == 1)
			ck_assert_int_ne(read(pollfd.fd, payload, sizeof(payload)), 0);
		ke_receive(&ke, 0, &ev, KE_WATCHED, 1);
		ke_unwatch(&ke, mob->id);
		say_ready(mob);
	}
}

static int use_until_killed(void *arg)
{
	struct mob *mob = arg;

	user_become(mob->uid, mob->uid);
	use(mob);
	return 0;
}

START_TEST(p6_who_is_killed_at_any_moment_leaves_nothing_behind)
{
	struct mob *mob = new_mob();
	struct ke_limits before;
	int id = quiet_id(&before), i;
	pid_t pid[2];

	for (i = 0; i < KILLS; i++) {
		mob->ready = 0;
		start_all(pid, 2, use_until_killed, mob);
		wait_ready(mob, 1);
		spin_ns(i * 50000);
		kill_and_join(pid[i % 2]);
		kill_and_join(pid[!(i % 2)]);
		ck_assert_uint_eq(stat_of(mob->id).leased, 0);
		ck_assert_uint_eq(stat_of(mob->id).waiters, 0);
	}
	drain(mob->id);
	assert_traffic(id);
	limits_wait_back_to(&before);
}
END_TEST

TESTS(hostile, 120, WITH_CLIENT,
      p5_a_hundred_namespaces_of_one_user_take_no_more_than_its_quota,
      p6_a_user_without_file_descriptors_leaves_nothing_behind,
      p5_a_memory_cgroup_at_its_limit_stops_its_own_sender_alone,
      p6_who_is_killed_for_want_of_memory_gives_back_what_it_held,
      p5_a_flood_of_one_user_stays_within_its_quota,
      p6_processes_that_fork_while_leasing_give_all_back,
      p6_who_is_killed_at_any_moment_leaves_nothing_behind)
