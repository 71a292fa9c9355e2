// SPDX-License-Identifier: GPL-2.0-only
/* P5: another user's process that is interrupted in a call, and gets no processor. */
#include <sched.h>

#include "lib/clients.h"
#include "lib/cost.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/workers.h"

#define LIMIT 370000	/* bytes, and most of them: */
#define LARGE 250000
#define IDS 1000
#define ROUNDS 10
#define BEGUN_US 50	/* for the call to begin; it could take ten times as long */

/* Asks for the limits each time that it is told to. */
static int look_when_told(void *arg)
{
	struct sched_param param = { 0 };
	struct workers *workers = arg;
	unsigned int i;

	workers_enter(workers);
	task_pin();
	ASSERT_SYS(sched_setscheduler(0, SCHED_IDLE, &param));
	for (i = 1; i <= ROUNDS; i++) {
		while (workers_counted(&workers->looks) < i)
			sched_yield();
		limits_now();
		workers_say_ready(workers);
	}
	return 0;
}

static void use_ids(kevents_ctx *client, int first, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		ASSERT_OK(ke_send_event(client, first + i, NULL, 0));
		ASSERT_OK(ke_get_event(client, first + i, NULL, 0));
	}
}

/* How many idle IDs would take all that the client may hold, if they were charged. */
static int idle_ids_max(kevents_ctx *client)
{
	uint64_t second = client_charge(client, fresh_id(), 0), before, first;
	int id = fresh_id();

	before = client_limits(client).user_bytes;
	ASSERT_OK(ke_send_event(client, id, NULL, 0));
	first = client_limits(client).user_bytes - before;
	ASSERT_OK(ke_get_event(client, id, NULL, 0));
	before = client_limits(client).user_bytes;
	return first > second ? (LIMIT - before - second) / (first - second) : IDS;
}

/*
 * He has used many IDs. Her process begins a call that could clean up after him, and gets
 * no processor for a while: another one rules there, in which he sends.
 */
START_TEST(p5_no_send_is_refused_while_nothing_is_held)
{
	struct workers *hers = workers_new();
	static char payload[LARGE];
	int i, err, id = CLIENTS_FIRST_ID, large = fresh_id(), count;
	kevents_ctx his;
	pid_t pid;

	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	limit_set("max_event_size", LARGE);
	limit_set("user_max_bytes", LIMIT);
	user_open(&his, fresh_user());
	count = idle_ids_max(&his);
	pid = child_start(look_when_told, hers);
	task_pin();
	for (i = 0; i < ROUNDS; i++) {
		use_ids(&his, id, count);
		id += count;
		task_rule();
		workers_count(&hers->looks);
		nanosleep(&(struct timespec){ .tv_nsec = BEGUN_US * 1000L * (i + 1) }, NULL);
		err = ke_send_event(&his, large, payload, sizeof(payload));
		task_yield_rule();
		workers_wait_ready(hers, i + 1);
		ck_assert_msg(!err, "a send of %d bytes is refused with %d, though nothing is held",
			      LARGE, err);
		ASSERT_OK(ke_get_event(&his, large, payload, sizeof(payload)));
	}
	ck_assert_int_eq(child_join(pid), 0);
	ASSERT_OK(ke_close(&his));
}
END_TEST

/* Where time goes by instructions the call is interrupted in its midst each time. */
TESTS(60, WITH_CLIENT,
      p5_no_send_is_refused_while_nothing_is_held)
