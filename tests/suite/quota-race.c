// SPDX-License-Identifier: GPL-2.0-only
/* P5: limits that many senders meet at the same time, over and over. */
#include <stdio.h>

#include "harness.h"
#include "held.h"
#include "limits.h"
#include "task.h"
#include "user.h"

#define ENOUGH 100	/* how often somebody has to get in, however slow all is */
#define SENDERS 16
#define ROOM 2		/* events that have room at a time */
#define SIZE 16384	/* of an event, where bytes count; half is much to bookkeeping */
#define LARGE 60000	/* that leaves room for IDs, but not for another one */

static char payload[LARGE];

/* An accepted event is a pass, of which there are no more than ROOM. */
struct gate {
	int ids[SENDERS];
	size_t size;		/* of an event */
	uid_t uid;		/* 0: stays root */
	int refusal;
	unsigned int ready;
	unsigned int inside;
	unsigned int passed;
	uint64_t end;		/* now_ns() */
};

static struct gate *new_gate(uid_t uid, int refusal, size_t size)
{
	struct gate *gate = shared_memory(sizeof(*gate));
	size_t i;

	gate->size = size;

	gate->uid = uid;
	gate->refusal = refusal;
	for (i = 0; i < SENDERS; i++) {
		gate->ids[i] = fresh_id();
		/* Keeps the ID itself, and its charge. */
		ASSERT_OK(ke_watch(&ke, gate->ids[i]));
	}
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
		err = ke_send_event(&ke, id, payload, gate->size);
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

/* Room for the events and for what is kept of the processes, not for one more. */
static unsigned long room_bytes(int id)
{
	unsigned long bytes;

	ASSERT_OK(ke_send_event(&ke, id, payload, SIZE));
	bytes = stat_of(id).bytes;
	ASSERT_RESULT(ke_purge(&ke, id), 1);
	return bytes * (2 * ROOM + 1) / 2;
}

START_TEST(p5_user_max_events_holds_at_every_moment)
{
	struct gate *gate = new_gate(fresh_user(), -EDQUOT, 0);

	limit_set("user_max_events", ROOM);
	pass_all(gate);
}
END_TEST

START_TEST(p5_user_max_bytes_holds_at_every_moment)
{
	struct gate *gate = new_gate(fresh_user(), -EDQUOT, SIZE);

	limit_set("user_max_bytes", room_bytes(gate->ids[0]));
	pass_all(gate);
}
END_TEST

START_TEST(p5_max_bytes_holds_at_every_moment)
{
	struct gate *gate = new_gate(0, -EAGAIN, SIZE);
	unsigned long bytes = room_bytes(gate->ids[0]);

	limit_set("max_bytes", limits_now().bytes + bytes);
	pass_all(gate);
}
END_TEST

/* A user that has no room for one more event and waits for some at an ID. */
struct rival {
	uid_t uid;
	int own_id;
	int common_id;
	bool full;
};

static int fill_and_wait(void *arg)
{
	struct rival *rival = arg;
	struct ke_event ev = { .id = rival->common_id, .data = payload, .len = SIZE };
	char taken[1000];
	int err;

	user_become(rival->uid, rival->uid);
	while (!(err = ke_send_event(&ke, rival->own_id, payload, 800)))
		;
	ASSERT_RESULT(err, -EDQUOT);
	/* There is room for the ID, at any size of what the kernel keeps for it. */
	ASSERT_OK(ke_get_event(&ke, rival->own_id, taken, sizeof(taken)));
	__atomic_store_n(&rival->full, true, __ATOMIC_RELEASE);
	return -ke_send(&ke, &ev, 0, -1);
}

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

/* Whether neither runs while another ID is used, which costs the common one nothing. */
static bool both_sleep_on(const pid_t *pids, int other)
{
	const long before[] = { switches_of(pids[0]), switches_of(pids[1]) };
	int i;

	for (i = 0; i < 1000; i++) {
		send_number(other, i);
		ck_assert_uint_eq(receive_number(other), i);
		sched_yield();
	}
	return task_is_blocked(pids[0]) && task_is_blocked(pids[1]) &&
	       switches_of(pids[0]) == before[0] && switches_of(pids[1]) == before[1];
}

/*
 * Neither takes the charge for the ID from the other, over and over. A worker may still
 * wake the first of them because the second has come.
 */
START_TEST(p9_two_users_that_wait_for_room_at_one_id_sleep)
{
	struct rival *rivals = shared_memory(2 * sizeof(*rivals));
	int common = fresh_id(), other = fresh_id(), i;
	pid_t pids[2];

	limit_set("user_max_bytes", 100000);
	for (i = 0; i < 2; i++) {
		rivals[i] = (struct rival){
			.uid = fresh_user(), .own_id = fresh_id(), .common_id = common,
		};
		pids[i] = child_start(fill_and_wait, &rivals[i]);
		WAIT_UNTIL(__atomic_load_n(&rivals[i].full, __ATOMIC_ACQUIRE));
		task_wait_blocked(pids[i]);
	}
	WAIT_UNTIL(both_sleep_on(pids, other));
	for (i = 0; i < 2; i++) {
		ck_assert_uint_gt(drain(rivals[i].own_id), 50);
		ck_assert_int_eq(child_join(pids[i]), 0);
	}
	ck_assert_uint_eq(drain(common), 2);
}
END_TEST

/* A user that may have no ID, and in turn with another process asks for one. */
struct beggar {
	uid_t uid;
	int id;
	unsigned int asked, answered;
};

#define TIMES 50U

static int ask_in_turn(void *arg)
{
	struct beggar *beggar = arg;

	user_become(beggar->uid, beggar->uid);
	while (beggar->asked < TIMES) {
		ASSERT_RESULT(ke_send_event(&ke, beggar->id, NULL, 0), -EDQUOT);
		__atomic_add_fetch(&beggar->asked, 1, __ATOMIC_RELEASE);
		WAIT_UNTIL(__atomic_load_n(&beggar->answered, __ATOMIC_ACQUIRE) ==
			   beggar->asked);
	}
	return 0;
}

START_TEST(p9_who_waits_for_room_sleeps_while_others_want_ids)
{
	struct beggar *beggar = shared_memory(sizeof(*beggar));
	struct rival *rival = shared_memory(sizeof(*rival));
	pid_t waits, asks;
	unsigned int i;
	long before;

	*rival = (struct rival){
		.uid = fresh_user(), .own_id = fresh_id(), .common_id = fresh_id(),
	};
	*beggar = (struct beggar){ .uid = fresh_user(), .id = fresh_id() };
	limit_set("user_max_bytes", 100000);
	waits = child_start(fill_and_wait, rival);
	WAIT_UNTIL(__atomic_load_n(&rival->full, __ATOMIC_ACQUIRE));
	task_wait_blocked(waits);
	limit_set("user_max_ids", 0);
	task_wait_blocked(waits);
	before = switches_of(waits);
	asks = child_start(ask_in_turn, beggar);
	for (i = 1; i <= TIMES; i++) {
		WAIT_UNTIL(__atomic_load_n(&beggar->asked, __ATOMIC_ACQUIRE) == i);
		send_number(beggar->id, i);
		ck_assert_uint_eq(receive_number(beggar->id), i);
		__atomic_store_n(&beggar->answered, i, __ATOMIC_RELEASE);
	}
	ck_assert_int_eq(child_join(asks), 0);
	ck_assert(task_is_blocked(waits));
	ck_assert_int_eq(switches_of(waits), before);
	ck_assert_uint_gt(drain(rival->own_id), 50);
	ck_assert_int_eq(child_join(waits), 0);
	ck_assert_uint_eq(drain(rival->common_id), 1);
}
END_TEST

static int receive_as_user(void *arg)
{
	const struct rival *rival = arg;
	struct ke_event ev = { .size = 0 };

	user_become(rival->uid, rival->uid);
	return -ke_receive(&ke, rival->own_id, &ev, 0, -1);
}

/* There is room for the ID, but not for the event. */
static int ask_for_too_much(void *arg)
{
	struct beggar *beggar = arg;
	int own_id = beggar->id + 1;

	user_become(beggar->uid, beggar->uid);
	ASSERT_OK(ke_send_event(&ke, own_id, payload, LARGE));
	for (; beggar->asked < TIMES; beggar->asked++)
		ASSERT_RESULT(ke_send_event(&ke, beggar->id, payload, LARGE), -EDQUOT);
	return 0;
}

/* Nobody takes the charge for the ID and gives it back, which would be room for the other. */
START_TEST(p9_who_waits_for_room_sleeps_while_others_are_refused_where_it_receives)
{
	struct beggar *beggar = shared_memory(sizeof(*beggar));
	struct rival *rival = shared_memory(2 * sizeof(*rival)), *receiver = rival + 1;
	pid_t waits, receives;
	long before;

	*beggar = (struct beggar){ .uid = fresh_user(), .id = fresh_id() };
	fresh_id();
	*receiver = (struct rival){ .uid = fresh_user(), .own_id = beggar->id };
	*rival = (struct rival){
		.uid = receiver->uid, .own_id = fresh_id(), .common_id = fresh_id(),
	};
	limit_set("user_max_bytes", 100000);
	receives = child_start(receive_as_user, receiver);
	task_wait_blocked(receives);
	waits = child_start(fill_and_wait, rival);
	WAIT_UNTIL(__atomic_load_n(&rival->full, __ATOMIC_ACQUIRE));
	task_wait_blocked(waits);
	before = switches_of(waits);
	child_run(ask_for_too_much, beggar);
	ck_assert(task_is_blocked(waits));
	/* It may be told of what it took itself not before now. */
	ck_assert_int_le(switches_of(waits), before + 1);
	ck_assert_uint_gt(drain(rival->own_id), 50);
	ck_assert_int_eq(child_join(waits), 0);
	ck_assert_uint_eq(drain(rival->common_id), 1);
	ck_assert_uint_eq(drain(beggar->id + 1), 1);
	send_number(beggar->id, 1);
	ck_assert_int_eq(child_join(receives), EMSGSIZE);
	ck_assert_uint_eq(drain(beggar->id), 1);
}
END_TEST

#define CROWD 40	/* more than the module remembers of who sends through a client */

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

/* What is kept of one must not be charged at the cost of another, over and over. */
START_TEST(p9_many_that_share_a_client_and_wait_for_room_sleep)
{
	int id = fresh_id(), other = fresh_id(), i;
	pid_t pids[CROWD];
	long before;

	user_open(&shared, fresh_user());
	limit_set("user_max_events", 0);
	for (i = 0; i < CROWD; i++) {
		pids[i] = child_start(send_through_shared, &id);
		task_wait_blocked(pids[i]);
	}
	before = switches_of_all(pids);
	for (i = 0; i < 1000; i++) {
		send_number(other, i);
		ck_assert_uint_eq(receive_number(other), i);
		sched_yield();
	}
	ck_assert_int_eq(switches_of_all(pids), before);
	limit_set("user_max_events", CROWD);
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(drain(id), CROWD);
}
END_TEST

TESTS(quota_race, 60, WITH_CLIENT,
      p9_two_users_that_wait_for_room_at_one_id_sleep,
      p9_who_waits_for_room_sleeps_while_others_want_ids,
      p9_who_waits_for_room_sleeps_while_others_are_refused_where_it_receives,
      p9_many_that_share_a_client_and_wait_for_room_sleep,
      p5_user_max_events_holds_at_every_moment,
      p5_user_max_bytes_holds_at_every_moment,
      p5_max_bytes_holds_at_every_moment)
