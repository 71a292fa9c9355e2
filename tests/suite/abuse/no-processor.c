// SPDX-License-Identifier: GPL-2.0-only
/* P7: another user's process that is first in line and gets no processor. */
#include <sched.h>

#include "lib/harness.h"
#include "lib/task.h"
#include "lib/user.h"

#define GIVE_UP_NS UINT64_C(5000000000)

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_SYS(sched_setaffinity(0, sizeof(set), &set));
}

static void idle_on(int cpu)
{
	struct sched_param param = { 0 };

	stay_on(cpu);
	ASSERT_SYS(sched_setscheduler(0, SCHED_IDLE, &param));
}

/* Processes of two users that wait for one event each, hers first. */
struct taker {
	uid_t uid;
	int id;
	int cpu;
	unsigned int flags;
	uint64_t number;
	bool done;
};

static int take(void *arg)
{
	struct taker *taker = arg;
	struct ke_event ev = { .data = &taker->number, .size = sizeof(taker->number) };

	user_become(taker->uid, taker->uid);
	if (taker->cpu)
		stay_on(taker->cpu);
	else
		idle_on(0);
	if (taker->flags & KE_WATCHED)
		ASSERT_OK(ke_watch(&ke, taker->id));
	ASSERT_OK(ke_receive(&ke, taker->id, &ev, taker->flags, -1));
	__atomic_store_n(&taker->done, true, __ATOMIC_RELEASE);
	return 0;
}

static bool is_done(const struct taker *taker)
{
	return __atomic_load_n(&taker->done, __ATOMIC_ACQUIRE);
}

static pid_t take_in_process(struct taker *taker)
{
	pid_t pid = child_start(take, taker);

	task_wait_blocked(pid);
	return pid;
}

/* Two events, both of which his process could have; the first of them may be hers. */
static void pass_over_one_without_processor(unsigned int flags, uint64_t his_number)
{
	struct taker *takers = shared_memory(2 * sizeof(*takers)), *hers = takers;
	struct taker *his = takers + 1;
	pid_t pids[2];
	int id = fresh_id();
	uint64_t end;
	bool in_time;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("this takes two processors");
	*hers = (struct taker){ .uid = fresh_user(), .id = id, .flags = flags };
	*his = (struct taker){ .uid = fresh_user(), .id = id, .cpu = 1, .flags = flags };
	pids[0] = take_in_process(hers);
	pids[1] = take_in_process(his);

	/* On her processor, which she does not get until his process is done. */
	task_pin();
	task_rule();
	send_number(id, 1);
	send_number(id, 2);
	end = now_ns() + GIVE_UP_NS;
	while (!is_done(his) && !is_done(hers) && now_ns() < end)
		;
	in_time = is_done(his) && !is_done(hers);
	task_yield_rule();

	ck_assert_msg(in_time, "his process waits for hers, which has no processor");
	ck_assert_int_eq(child_join(pids[0]), 0);
	ck_assert_int_eq(child_join(pids[1]), 0);
	ck_assert_uint_eq(his->number, his_number);
	ck_assert_uint_eq(hers->number, 3 - his_number);
	/* Leases end with their clients. */
	ck_assert_uint_eq(drain(id), flags & KE_LEASE ? 2 : 0);
}

START_TEST(p7_a_receiver_without_processor_holds_up_none_behind_it)
{
	pass_over_one_without_processor(0, 2);
}
END_TEST

START_TEST(p7_a_receiver_without_processor_that_leases_holds_up_none_behind_it)
{
	pass_over_one_without_processor(KE_LEASE, 2);
}
END_TEST

/* A receiver for watched IDs takes the oldest event that is there when its turn comes. */
START_TEST(p7_a_receiver_for_watched_ids_without_processor_holds_up_none_behind_it)
{
	pass_over_one_without_processor(KE_WATCHED, 1);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p7_a_receiver_without_processor_holds_up_none_behind_it,
      p7_a_receiver_without_processor_that_leases_holds_up_none_behind_it,
      p7_a_receiver_for_watched_ids_without_processor_holds_up_none_behind_it)
