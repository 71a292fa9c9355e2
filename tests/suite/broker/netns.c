// SPDX-License-Identifier: GPL-2.0-only
/* P10: network namespaces share nothing. */
#include <fcntl.h>
#include <stdio.h>

#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"

/* What a child in another namespace needs to know, and tells. */
struct visit {
	int id;
	bool ready;
	bool leave;
	kevents_ctx client;
};

static void announce(struct visit *visit)
{
	__atomic_store_n(&visit->ready, true, __ATOMIC_RELEASE);
}

static void wait_for_child(struct visit *visit)
{
	WAIT_UNTIL(__atomic_load_n(&visit->ready, __ATOMIC_ACQUIRE));
}

static void enter_new_namespace(void)
{
	ASSERT_SYS(unshare(CLONE_NEWNET));
}

static int find_nothing_and_send(void *arg)
{
	struct visit *visit = arg;

	user_enter_own_netns();
	assert_empty(visit->id);
	send_number(visit->id, 2);
	send_number(visit->id, 3);
	ck_assert_uint_eq(receive_number(visit->id), 2);
	ck_assert_uint_eq(receive_number(visit->id), 3);
	assert_empty(visit->id);
	send_number(visit->id, 4);
	return 0;
}

START_TEST(p10_an_id_is_another_one_in_another_namespace)
{
	struct visit visit = { .id = fresh_id() };

	send_number(visit.id, 1);
	child_run(find_nothing_and_send, &visit);
	ck_assert_uint_eq(receive_number(visit.id), 1);
	assert_empty(visit.id);
}
END_TEST

static int use_old_client(void *arg)
{
	struct visit *visit = arg;

	enter_new_namespace();
	ck_assert_uint_eq(receive_number(visit->id), 1);
	send_number(visit->id, 2);
	return 0;
}

START_TEST(p10_a_client_stays_in_the_namespace_where_it_was_opened)
{
	struct visit visit = { .id = fresh_id() };

	send_number(visit.id, 1);
	child_run(use_old_client, &visit);
	ck_assert_uint_eq(receive_number(visit.id), 2);
}
END_TEST

static int wait_elsewhere(void *arg)
{
	struct visit *visit = arg;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	user_enter_own_netns();
	announce(visit);
	ASSERT_OK(ke_receive(&ke, visit->id, &ev, 0, -1));
	return (int)number;
}

START_TEST(p10_an_event_wakes_nobody_in_another_namespace)
{
	struct visit *visit = shared_memory(sizeof(*visit));
	long sleeps;
	pid_t pid;

	visit->id = fresh_id();
	pid = child_start(wait_elsewhere, visit);
	wait_for_child(visit);
	task_wait_blocked(pid);
	sleeps = task_sleeps(pid);
	send_number(visit->id, 1);
	ck_assert_uint_eq(receive_number(visit->id), 1);
	ck_assert(task_is_blocked(pid));
	ck_assert_int_eq(task_sleeps(pid), sleeps);
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
}
END_TEST

static int stay_elsewhere(void *arg)
{
	struct visit *visit = arg;

	user_enter_own_netns();
	send_number(visit->id, 1);
	announce(visit);
	WAIT_UNTIL(__atomic_load_n(&visit->leave, __ATOMIC_ACQUIRE));
	ck_assert_uint_eq(receive_number(visit->id), 2);
	return 0;
}

/* Joins the namespace of a process, leaving ke in its own. */
static void join_namespace(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	ASSERT_SYS(setns(fd, CLONE_NEWNET));
	close(fd);
}

START_TEST(p10_who_joins_a_namespace_shares_its_ids)
{
	struct visit *visit = shared_memory(sizeof(*visit));
	uint64_t number = 2;
	kevents_ctx there;
	pid_t pid;

	visit->id = fresh_id();
	pid = child_start(stay_elsewhere, visit);
	wait_for_child(visit);
	join_namespace(pid);
	ASSERT_OK(ke_init(&there));
	ASSERT_RESULT(ke_poll_event(&there, visit->id), 1);
	assert_empty(visit->id);
	ASSERT_OK(ke_get_event(&there, visit->id, &number, sizeof(number)));
	ck_assert_uint_eq(number, 1);
	number = 2;
	ASSERT_OK(ke_send_event(&there, visit->id, &number, sizeof(number)));
	ASSERT_OK(ke_close(&there));
	__atomic_store_n(&visit->leave, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(pid), 0);
}
END_TEST

START_TEST(p10_a_client_keeps_the_namespace_that_all_have_left)
{
	int id = fresh_id();
	kevents_ctx here = ke;

	enter_new_namespace();
	ASSERT_OK(ke_init(&ke));
	enter_new_namespace();
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	send_number(id, 2);
	ASSERT_OK(ke_close(&ke));
	ke = here;
	assert_empty(id);
}
END_TEST

static int leave_events_behind(void *arg)
{
	struct visit *visit = arg;
	static char large[10000];
	int i;

	user_enter_own_netns();
	for (i = 0; i < 200; i++) {
		send_number(visit->id + i % 50, i);
		ASSERT_OK(ke_send_event(&ke, visit->id, large, sizeof(large)));
		ASSERT_OK(ke_claim(&ke, visit->id + i % 60, 0600));
		/* Idle, and kept for reuse. */
		send_number(visit->id + 100 + i, i);
		ck_assert_uint_eq(receive_number(visit->id + 100 + i), i);
	}
	return 0;
}

START_TEST(p10_what_waits_in_a_namespace_goes_with_it)
{
	long events = slab_objects(EVENTS), queues = slab_objects(QUEUES);
	const struct ke_limits before = limits_now();
	struct visit visit = { .id = fresh_id() };
	int i;

	for (i = 0; i < 5; i++)
		child_run(leave_events_behind, &visit);
	slab_wait_down_to(EVENTS, events + SPARE);
	slab_wait_down_to(QUEUES, queues);
	limits_wait_back_to(&before);
}
END_TEST

static int die_waiting(void *arg)
{
	struct visit *visit = arg;
	struct ke_event ev = { .size = 0 };

	user_enter_own_netns();
	send_number(visit->id + 1, 1);
	announce(visit);
	return ke_receive(&ke, visit->id, &ev, 0, -1);
}

START_TEST(p10_a_namespace_goes_with_its_last_receiver)
{
	struct visit *visit = shared_memory(sizeof(*visit));
	long events = slab_objects(EVENTS);
	pid_t pid;

	visit->id = fresh_id();
	pid = child_start(die_waiting, visit);
	wait_for_child(visit);
	task_wait_blocked(pid);
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
	slab_wait_down_to(EVENTS, events + SPARE);
}
END_TEST

static int tell_first_seq(void *arg)
{
	uint64_t *seq = arg;
	int id = fresh_id();

	user_enter_own_netns();
	*seq = send_number(id, 1);
	return 0;
}

START_TEST(p8_seq_tells_nothing_of_other_namespaces)
{
	uint64_t *seqs = shared_memory(2 * sizeof(*seqs));
	int id = fresh_id(), i;

	child_run(tell_first_seq, &seqs[0]);
	for (i = 0; i < 10; i++)
		send_number(id, i);
	child_run(tell_first_seq, &seqs[1]);
	ck_assert_uint_eq(seqs[0], seqs[1]);
	ck_assert_uint_eq(drain(id), 10);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p10_an_id_is_another_one_in_another_namespace,
      p10_a_client_stays_in_the_namespace_where_it_was_opened,
      p10_an_event_wakes_nobody_in_another_namespace,
      p10_who_joins_a_namespace_shares_its_ids,
      p10_a_client_keeps_the_namespace_that_all_have_left,
      p10_what_waits_in_a_namespace_goes_with_it,
      p10_a_namespace_goes_with_its_last_receiver,
      p8_seq_tells_nothing_of_other_namespaces)
