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
#define EVENT_SIZE 1000
#define GROUP_BYTES (4 << 20)

static char payload[60000];

/* Watches many IDs, sends there until it is refused, and leases what it can. */
static void grab(struct workers *workers)
{
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int id, err;

	for (id = 0; id < IDS; id++)
		ke_watch(&ke, id);
	do {
		err = ke_send_event(&ke, id++ % IDS, payload, EVENT_SIZE);
		if (!err)
			workers_count(&workers->sent);
	} while (!err);
	ck_assert(err == -EDQUOT || err == -EAGAIN);
	while (!ke_receive(&ke, 0, &ev, KE_WATCHED | KE_LEASE, 0))
		workers_count(&workers->leased);
}

static int grab_in_own_namespaces(void *arg)
{
	struct workers *workers = arg;

	user_become(workers->uid, workers->uid);
	user_enter_own_namespaces();
	grab(workers);
	workers_say_ready(workers);
	stay();
}

/* Looks, as one of them, at what all of them have, until the last one is refused. */
static int look_at_quota(void *arg)
{
	struct workers *workers = arg;
	struct ke_limits now;

	workers_enter(workers);
	do {
		now = limits_now();
		ck_assert_uint_le(now.user_bytes, now.user_max_bytes);
		workers_count(&workers->looks);
	} while (workers_counted(&workers->ready) < CROWD);
	return 0;
}

/* While nothing of ours is on its way. */
static void assert_counts_at_most(uint64_t bytes)
{
	for (int i = 0; i < SAMPLES; i++)
		ck_assert_uint_le(limits_now().bytes, bytes);
}

START_TEST(p5_a_hundred_namespaces_of_one_user_take_no_more_than_its_quota)
{
	const unsigned long quota = 1 << 20;
	struct workers *workers = workers_new();
	struct ke_limits before;
	pid_t crowd[CROWD], looker;
	int id, i;

	limit_set("user_max_bytes", quota);
	id = quiet_id(&before);
	looker = child_start(look_at_quota, workers);
	WAIT_UNTIL(workers_counted(&workers->looks));
	for (i = 0; i < CROWD; i++) {
		crowd[i] = child_start(grab_in_own_namespaces, workers);
		assert_counts_at_most(before.bytes + quota);
	}
	do {
		assert_traffic(id);
		assert_counts_at_most(before.bytes + quota);
	} while (workers_counted(&workers->ready) < CROWD);
	ck_assert_int_eq(child_join(looker), 0);
	ck_assert_uint_gt(workers->looks, CROWD);
	/* All but what watches take of it. */
	ck_assert_uint_ge(workers->sent, quota / 10 * 9 / event_bytes(EVENT_SIZE));
	ck_assert_uint_le(workers->sent, quota / 1000);
	ck_assert_uint_gt(workers->leased, 0);
	ck_assert_int_ge(slab_bytes(CACHES), workers->sent * 1000L);
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
	struct workers *workers = arg;
	kevents_ctx ctx;
	int err;

	workers_enter(workers);
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));
	while (!(err = ke_init(&ctx)))
		ASSERT_OK(ke_watch(&ctx, workers->id));
	ASSERT_RESULT(err, -EMFILE);
	/* The files that there are go on working. */
	ASSERT_OK(ke_send_event(&ke, workers->id, payload, 1));
	workers_say_ready(workers);
	stay();
}

START_TEST(p6_a_user_without_file_descriptors_leaves_nothing_behind)
{
	struct workers *workers = workers_new();
	struct ke_limits before;
	int id = quiet_id(&before);
	pid_t pid = child_start(open_all_files, workers);

	workers_wait_ready(workers, 1);
	assert_traffic(id);
	kill_and_join(pid);
	ck_assert_uint_eq(drain(workers->id), 1);
	limits_wait_back_to(&before);
}
END_TEST

/*
 * Until the memory cgroup has no more; the kernel may end the process for it, and shows a
 * trace through the module then.
 */
static int exhaust_group(void *arg)
{
	struct workers *workers = arg;
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int err;

	cgroup_enter();
	workers_enter(workers);
	do {
		err = ke_send_event(&ke, workers->id, payload, sizeof(payload));
		if (!err)
			workers_count(&workers->sent);
		if (!err && workers->sent % 2)
			err = ke_receive(&ke, workers->id, &ev, KE_LEASE, 0);
	} while (!err);
	ASSERT_RESULT(err, -ENOMEM);
	return 0;
}

START_TEST(p5_a_memory_cgroup_at_its_limit_stops_its_own_sender_alone)
{
	struct workers *workers = workers_new();
	struct ke_limits before;
	unsigned int left;
	int id, i, status;
	pid_t pid;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	log_allow_complaints();
	id = quiet_id(&before);
	for (i = 0; i < 3; i++) {
		workers->sent = 0;
		pid = child_start(exhaust_group, workers);
		assert_traffic(id);
		status = child_join(pid);
		ck_assert_msg(!status || status == 128 + SIGKILL, "it ended with %d", status);
		ck_assert_uint_gt(workers->sent, 10);
		ck_assert_uint_lt(workers->sent, GROUP_BYTES / sizeof(payload) + 1);
		left = drain(workers->id);
		/* It may have been ended right after it had sent one more. */
		ck_assert(left == workers->sent || (status && left == workers->sent + 1));
	}
	assert_traffic(id);
	limits_wait_back_to(&before);
	cgroup_remove();
}
END_TEST

/* Each leases an event, and leaves the client, with all leases, to its child. */
static int lease_and_fork(void *arg)
{
	struct workers *workers = arg;
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	int i;

	user_become(workers->uid, workers->uid);
	for (i = 0; i < GENERATIONS; i++) {
		if (i % 8 == 0)
			user_reopen();
		ASSERT_OK(ke_receive(&ke, workers->id, &ev, KE_LEASE, 0));
		workers_count(&workers->leased);
		if (fork())
			raise(SIGKILL);
	}
	workers_say_ready(workers);
	return 0;
}

START_TEST(p6_processes_that_fork_while_leasing_give_all_back)
{
	/* Who is killed may take a while to go, so there is one for each. */
	const unsigned int events = LINES * GENERATIONS;
	struct workers *workers = workers_new();
	struct ke_limits before;
	pid_t lines[LINES];
	int id = quiet_id(&before), j;
	unsigned int i;

	for (i = 0; i < events; i++)
		send_number(workers->id, i);
	start_all(lines, LINES, lease_and_fork, workers);
	assert_traffic(id);
	for (j = 0; j < LINES; j++)
		ck_assert_int_eq(child_join(lines[j]), 128 + SIGKILL);
	workers_wait_ready(workers, LINES);
	ck_assert_uint_eq(workers->leased, events);
	WAIT_UNTIL(!stat_of(workers->id).leased);
	ck_assert_uint_eq(stat_of(workers->id).returned, events);
	for (i = 0; i < events; i++)
		ck_assert_uint_eq(receive_number(workers->id), i);
	limits_wait_back_to(&before);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p5_a_hundred_namespaces_of_one_user_take_no_more_than_its_quota,
      p6_a_user_without_file_descriptors_leaves_nothing_behind,
      p5_a_memory_cgroup_at_its_limit_stops_its_own_sender_alone,
      p6_processes_that_fork_while_leasing_give_all_back)
