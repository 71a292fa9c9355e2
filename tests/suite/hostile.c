// SPDX-License-Identifier: GPL-2.0-only
/* P5, P6: users who take what they can get, and another user's traffic beside them. */
#include <sys/resource.h>

#include "lib/cgroup.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/workers.h"

#define CROWD 100
#define SAMPLES 50
#define FILES 64
#define IDS 8
#define LINES 4		/* of processes, each the child of the one before */
#define GENERATIONS 40
#define GROUP_BYTES (4 << 20)

static char payload[60000];

/* Watches many IDs, sends there until it is refused, and leases what it can. */
static void grab(struct mob *mob)
{
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int id, err;

	for (id = 0; id < IDS; id++)
		ke_watch(&ke, id);
	do {
		err = ke_send_event(&ke, id++ % IDS, payload, 1000);
		if (!err)
			mob_count(&mob->sent);
	} while (!err);
	ck_assert(err == -EDQUOT || err == -EAGAIN);
	while (!ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0))
		mob_count(&mob->leased);
}

static int grab_in_own_namespaces(void *arg)
{
	struct mob *mob = arg;

	user_become(mob->uid, mob->uid);
	user_enter_own_namespaces();
	grab(mob);
	mob_say_ready(mob);
	stay();
}

/* Looks, as one of them, at what all of them have, until the last one is refused. */
static int look_at_quota(void *arg)
{
	struct mob *mob = arg;
	struct ke_limits now;

	mob_enter(mob);
	do {
		now = limits_now();
		ck_assert_uint_le(now.user_bytes, now.user_max_bytes);
		mob_count(&mob->looks);
	} while (mob_counted(&mob->ready) < CROWD);
	return 0;
}

/* While nothing of ours is on its way. */
static void assert_held_at_most(uint64_t bytes)
{
	for (int i = 0; i < SAMPLES; i++)
		ck_assert_uint_le(limits_now().bytes, bytes);
}

START_TEST(p5_a_hundred_namespaces_of_one_user_take_no_more_than_its_quota)
{
	const unsigned long quota = 1 << 20;
	struct mob *mob = mob_new();
	struct ke_limits before;
	pid_t crowd[CROWD], looker;
	int id, i;

	limit_set("user_max_bytes", quota);
	id = quiet_id(&before);
	looker = child_start(look_at_quota, mob);
	WAIT_UNTIL(mob_counted(&mob->looks));
	for (i = 0; i < CROWD; i++) {
		crowd[i] = child_start(grab_in_own_namespaces, mob);
		assert_held_at_most(before.bytes + quota);
	}
	do {
		assert_traffic(id);
		assert_held_at_most(before.bytes + quota);
	} while (mob_counted(&mob->ready) < CROWD);
	ck_assert_int_eq(child_join(looker), 0);
	ck_assert_uint_gt(mob->looks, CROWD);
	ck_assert_uint_ge(mob->sent, quota / 2700);
	ck_assert_uint_le(mob->sent, quota / 1000);
	ck_assert_uint_gt(mob->leased, 0);
	ck_assert_int_ge(slab_bytes(CACHES), mob->sent * 1000L);
	/* What has ended is freed after a grace period; idle queues and spare events stay. */
	WAIT_UNTIL(slab_bytes(CACHES) <= (long)limits_now().bytes +
		   IDLE_QUEUES * slab_object_size(QUEUES) + 4096);
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

	mob_enter(mob);
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));
	while (!(err = ke_init(&ctx)))
		ASSERT_OK(ke_watch(&ctx, mob->id));
	ASSERT_RESULT(err, -EMFILE);
	/* The files that there are go on working. */
	ASSERT_OK(ke_send_event(&ke, mob->id, payload, 1));
	mob_say_ready(mob);
	stay();
}

START_TEST(p6_a_user_without_file_descriptors_leaves_nothing_behind)
{
	struct mob *mob = mob_new();
	struct ke_limits before;
	int id = quiet_id(&before);
	pid_t pid = child_start(open_all_files, mob);

	mob_wait_ready(mob, 1);
	assert_traffic(id);
	kill_and_join(pid);
	ck_assert_uint_eq(drain(mob->id), 1);
	limits_wait_back_to(&before);
}
END_TEST

/*
 * Until the memory cgroup has no more; the kernel may end the process for it, and shows a
 * trace through the module then.
 */
static int exhaust_group(void *arg)
{
	struct mob *mob = arg;
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int err;

	cgroup_enter();
	mob_enter(mob);
	do {
		err = ke_send_event(&ke, mob->id, payload, sizeof(payload));
		if (!err)
			mob_count(&mob->sent);
		if (!err && mob->sent % 2)
			err = ke_receive(&ke, mob->id, &ev, KE_LEASE, 0);
	} while (!err);
	ASSERT_RESULT(err, -ENOMEM);
	return 0;
}

START_TEST(p5_a_memory_cgroup_at_its_limit_stops_its_own_sender_alone)
{
	struct mob *mob = mob_new();
	struct ke_limits before;
	unsigned int left;
	int id, i, status;
	pid_t pid;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	log_allow_complaints();
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
		ASSERT_OK(ke_receive(&ke, mob->id, &ev, KE_LEASE, 0));
		mob_count(&mob->leased);
		if (fork())
			raise(SIGKILL);
	}
	mob_say_ready(mob);
	return 0;
}

START_TEST(p6_processes_that_fork_while_leasing_give_all_back)
{
	/* Who is killed may take a while to go, so there is one for each. */
	const unsigned int events = LINES * GENERATIONS;
	struct mob *mob = mob_new();
	struct ke_limits before;
	pid_t lines[LINES];
	int id = quiet_id(&before), j;
	unsigned int i;

	for (i = 0; i < events; i++)
		send_number(mob->id, i);
	start_all(lines, LINES, lease_and_fork, mob);
	assert_traffic(id);
	for (j = 0; j < LINES; j++)
		ck_assert_int_eq(child_join(lines[j]), 128 + SIGKILL);
	mob_wait_ready(mob, LINES);
	ck_assert_uint_eq(mob->leased, events);
	WAIT_UNTIL(!stat_of(mob->id).leased);
	ck_assert_uint_eq(stat_of(mob->id).returned, events);
	for (i = 0; i < events; i++)
		ck_assert_uint_eq(receive_number(mob->id), i);
	limits_wait_back_to(&before);
}
END_TEST

TESTS(hostile, 120, WITH_CLIENT,
      p5_a_hundred_namespaces_of_one_user_take_no_more_than_its_quota,
      p6_a_user_without_file_descriptors_leaves_nothing_behind,
      p5_a_memory_cgroup_at_its_limit_stops_its_own_sender_alone,
      p6_processes_that_fork_while_leasing_give_all_back)
