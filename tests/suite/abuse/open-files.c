// SPDX-License-Identifier: GPL-2.0-only
/* P5: open files of an account that has no room left. */
#include "lib/cgroup.h"
#include "lib/clients.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/workers.h"

#define FILES 10000
#define LIMIT 50000
#define FILE_SIZE 350	/* bytes of a client, and more than any other file takes */

struct crowd {
	struct workers workers;
	unsigned int opened;
	unsigned int filled;
	uint64_t free_bytes, full_bytes;	/* that opening took, by LIMITS */
};

static struct crowd *new_crowd(void)
{
	struct crowd *crowd = shared_memory(sizeof(*crowd));

	limit_set("user_max_bytes", LIMIT);
	workers_init(&crowd->workers);
	return crowd;
}

/* Opens what it can, but keeps the workers' own one. */
static uint64_t charge_of_files(kevents_ctx *clients, unsigned int count)
{
	uint64_t before = limits_now().user_bytes;
	unsigned int i;

	for (i = 0; i < count; i++)
		ASSERT_OK(ke_init(&clients[i]));
	return limits_now().user_bytes - before;
}

static void close_files(kevents_ctx *clients, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ASSERT_OK(ke_close(&clients[i]));
}

static int open_at_the_limit(void *arg)
{
	static kevents_ctx clients[FILES];
	struct crowd *crowd = arg;
	char data[8];
	int refusal;

	clients_allow(FILES);
	workers_enter(&crowd->workers);
	crowd->free_bytes = charge_of_files(clients, 10);
	close_files(clients, 10);
	crowd->filled = client_fill(&ke, crowd->workers.id, 0, &refusal);
	ASSERT_RESULT(refusal, -EDQUOT);
	crowd->full_bytes = charge_of_files(clients, FILES);
	ASSERT_RESULT(ke_send_event(&clients[FILES - 1], crowd->workers.id, NULL, 0), -EDQUOT);
	ASSERT_OK(ke_get_event(&clients[FILES - 1], crowd->workers.id, data, sizeof(data)));
	ASSERT_OK(ke_send_event(&clients[FILES - 1], crowd->workers.id, NULL, 0));
	return 0;
}

START_TEST(p5_files_are_opened_and_used_at_the_limit_and_are_not_charged)
{
	struct crowd *crowd = new_crowd();

	child_run(open_at_the_limit, crowd);
	ck_assert_uint_eq(drain(crowd->workers.id), crowd->filled);
	ck_assert_uint_eq(crowd->free_bytes, 0);
	ck_assert_uint_eq(crowd->full_bytes, 0);
}
END_TEST

/* At IDs that nobody has used. */
static int wait_at_the_limit(void *arg)
{
	struct crowd *crowd = arg;
	struct ke_event ev = { .size = 0 };
	int refusal;

	workers_enter(&crowd->workers);
	crowd->filled = client_fill(&ke, crowd->workers.id, 0, &refusal);
	ASSERT_RESULT(refusal, -EDQUOT);
	ASSERT_RESULT(ke_receive(&ke, CLIENTS_FIRST_ID, &ev, 0, 1), -ETIMEDOUT);
	workers_say_ready(&crowd->workers);
	ASSERT_OK(ke_receive(&ke, CLIENTS_FIRST_ID + 1, &ev, 0, -1));
	return 0;
}

/* Another user can reach it there. */
START_TEST(p5_receivers_wait_and_are_served_at_the_limit)
{
	struct crowd *crowd = new_crowd();
	pid_t pid = child_start(wait_at_the_limit, crowd);

	workers_wait_ready(&crowd->workers, 1);
	task_wait_blocked(pid);
	ASSERT_OK(ke_send_event(&ke, CLIENTS_FIRST_ID + 1, NULL, 0));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(crowd->workers.id), crowd->filled);
}
END_TEST

static int open_in_group(void *arg)
{
	struct crowd *crowd = arg;
	kevents_ctx client;
	int refusal;

	clients_allow(FILES);
	workers_enter(&crowd->workers);
	crowd->filled = client_fill(&ke, crowd->workers.id, 0, &refusal);
	workers_say_ready(&crowd->workers);
	WAIT_UNTIL(workers_counted(&crowd->workers.received));
	while (crowd->opened < FILES && !ke_init(&client))
		workers_count(&crowd->opened);
	workers_say_ready(&crowd->workers);
	stay();
}

static int enter_group_and_open(void *arg)
{
	cgroup_enter();
	return open_in_group(arg);
}

START_TEST(p5_open_files_are_charged_to_the_memory_cgroup)
{
	struct crowd *crowd = new_crowd();
	long long before;
	pid_t pid;

	if (!cgroup_make(0))
		SKIP(NO_CGROUPS);
	pid = child_start(enter_group_and_open, crowd);
	workers_wait_ready(&crowd->workers, 1);
	before = cgroup_charged();
	workers_count(&crowd->workers.received);
	workers_wait_ready(&crowd->workers, 2);
	ck_assert_uint_eq(crowd->opened, FILES);
	ck_assert_int_ge(cgroup_charged() - before, FILES * (long long)FILE_SIZE);
	kill_and_join(pid);
	ck_assert_uint_eq(drain(crowd->workers.id), crowd->filled);
	cgroup_remove();
}
END_TEST

TESTS(60, WITH_CLIENT,
      p5_files_are_opened_and_used_at_the_limit_and_are_not_charged,
      p5_receivers_wait_and_are_served_at_the_limit,
      p5_open_files_are_charged_to_the_memory_cgroup)
