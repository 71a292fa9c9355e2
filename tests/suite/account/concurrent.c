// SPDX-License-Identifier: GPL-2.0-only
/* P5: limits that many senders meet at the same time, over and over. */
#include <stdio.h>

#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/user.h"

#define ENOUGH 100	/* how often somebody has to get in, however slow all is */
#define SENDERS 16
#define ROOM 2		/* events that have room at a time */
#define SIZE 16384	/* of an event */

static char payload[SIZE];

/* An accepted event is a pass, of which there are no more than ROOM. */
struct gate {
	int ids[SENDERS];
	uid_t uid;		/* 0: stays root */
	int refusal;
	unsigned int ready;
	unsigned int inside;
	unsigned int passed;
	uint64_t end;		/* now_ns() */
};

static struct gate *new_gate(uid_t uid, int refusal)
{
	struct gate *gate = shared_memory(sizeof(*gate));
	size_t i;

	gate->uid = uid;
	gate->refusal = refusal;
	for (i = 0; i < SENDERS; i++)
		gate->ids[i] = fresh_id();
	return gate;
}

static int pass(void *arg)
{
	struct gate *gate = arg;
	unsigned int index = __atomic_fetch_add(&gate->ready, 1, __ATOMIC_ACQ_REL), inside;
	int id = gate->ids[index], err;
	char received[SIZE];

	if (gate->uid)
		user_become(gate->uid, gate->uid);
	WAIT_UNTIL(__atomic_load_n(&gate->ready, __ATOMIC_ACQUIRE) == SENDERS);
	while (now_ns() < gate->end || __atomic_load_n(&gate->passed, __ATOMIC_RELAXED) <= ENOUGH) {
		err = ke_send_event(&ke, id, payload, SIZE);
		if (err) {
			ASSERT_RESULT(err, gate->refusal);
			continue;
		}
		inside = __atomic_fetch_add(&gate->inside, 1, __ATOMIC_ACQ_REL);
		ck_assert_uint_lt(inside, ROOM);
		__atomic_fetch_add(&gate->passed, 1, __ATOMIC_RELAXED);
		spin_ns(20000);		/* for one too many to be seen */
		__atomic_fetch_sub(&gate->inside, 1, __ATOMIC_ACQ_REL);
		ASSERT_OK(ke_get_event(&ke, id, received, sizeof(received)));
	}
	return 0;
}

static void pass_all(struct gate *gate)
{
	pid_t pids[SENDERS];
	size_t i;

	gate->end = now_ns() + UINT64_C(3000000000);
	for (i = 0; i < SENDERS; i++)
		pids[i] = child_start(pass, gate);
	for (i = 0; i < SENDERS; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_gt(gate->passed, ENOUGH);
}

START_TEST(p5_user_max_bytes_holds_at_every_moment)
{
	struct gate *gate = new_gate(fresh_user(), -EDQUOT);

	limit_events(ROOM, SIZE);
	pass_all(gate);
}
END_TEST

START_TEST(p5_max_bytes_holds_at_every_moment)
{
	struct gate *gate = new_gate(0, -EAGAIN);

	limits_wait_for_nothing();
	limit_set("max_bytes", ROOM * event_bytes(SIZE));
	pass_all(gate);
}
END_TEST

static long switches_of(pid_t pid)
{
	char path[64], line[128];
	long count, sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &count) == 1)
			sum += count;
	fclose(file);
	return sum;
}

#define CROWD 40	/* processes that wait for space through one client */

static kevents_ctx shared;

static int send_through_shared(void *arg)
{
	struct ke_event ev = { .id = *(int *)arg };

	return -ke_send(&shared, &ev, 0, -1);
}

static long switches_of_all(const pid_t pids[CROWD])
{
	long sum = 0;
	int i;

	for (i = 0; i < CROWD; i++)
		sum += switches_of(pids[i]);
	return sum;
}

/* None of them runs while others send, receive, and are refused as they were. */
static void assert_all_sleep(const pid_t pids[CROWD], int other)
{
	const long before = switches_of_all(pids);
	int i;

	for (i = 0; i < 1000; i++) {
		send_number(other, i);
		ck_assert_uint_eq(receive_number(other), i);
		ASSERT_RESULT(ke_send_event(&shared, other, NULL, 0), -EDQUOT);
		sched_yield();
	}
	ck_assert_int_eq(switches_of_all(pids), before);
}

START_TEST(p9_blocked_senders_sleep_until_there_is_space)
{
	int id = fresh_id(), other = fresh_id(), i;
	pid_t pids[CROWD];

	user_open(&shared, fresh_user());
	limit_set("user_max_bytes", 0);
	for (i = 0; i < CROWD; i++) {
		pids[i] = child_start(send_through_shared, &id);
		task_wait_blocked(pids[i]);
	}
	assert_all_sleep(pids, other);
	limits_restore();
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), CROWD);
}
END_TEST

/* Space for one wakes the one whose turn it is; M senders need no more than M wake-ups. */
START_TEST(p9_space_for_one_wakes_one_sender)
{
	int id = fresh_id(), i, j;
	long before[CROWD];
	pid_t pids[CROWD];

	user_open(&shared, fresh_user());
	limit_events(1, 0);
	ASSERT_OK(ke_send_event(&shared, id, NULL, 0));
	for (i = 0; i < CROWD; i++) {
		pids[i] = child_start(send_through_shared, &id);
		task_wait_blocked(pids[i]);
	}
	for (i = 0; i < CROWD; i++)
		before[i] = switches_of(pids[i]);
	for (i = 0; i < CROWD; i++) {
		ASSERT_OK(ke_get_event(&ke, id, NULL, 0));
		ck_assert_int_eq(child_join(pids[i]), 0);
		for (j = i + 1; j < CROWD; j++)
			ck_assert_int_eq(switches_of(pids[j]), before[j]);
	}
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_blocked_senders_sleep_until_there_is_space,
      p9_space_for_one_wakes_one_sender,
      p5_user_max_bytes_holds_at_every_moment,
      p5_max_bytes_holds_at_every_moment)
