// SPDX-License-Identifier: GPL-2.0-only
/* P7: what IDs that another user has used cost those who ask for room. */
#include "lib/clients.h"
#include "lib/cost.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/user.h"

#define IDS 4000
#define SAMPLES 20
#define LIMIT 100000	/* bytes, for one event of this size, but not for two: */
#define SIZE 60000

static kevents_ctx hers, his;
static char payload[SIZE];

struct target {
	int id;
};

static void ask_limits(void *arg)
{
	(void)arg;
	client_limits(&his);
}

static void be_refused(void *arg)
{
	const struct target *target = arg;

	ASSERT_RESULT(ke_send_event(&his, target->id, payload, SIZE), -EDQUOT);
}

static void use_many_ids(void)
{
	int i;

	for (i = 0; i < IDS; i++) {
		ASSERT_OK(ke_send_event(&hers, CLIENTS_FIRST_ID + i, NULL, 0));
		ASSERT_OK(ke_get_event(&hers, CLIENTS_FIRST_ID + i, NULL, 0));
	}
}

/* Before a worker has done anything about the IDs. */
static void assert_ids_cost_no_more(const char *call, void (*work)(void *arg))
{
	struct target target = { fresh_id() };
	struct cost base, cost;
	uint64_t first;

	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	limit_set("user_max_bytes", LIMIT);
	user_open(&hers, fresh_user());
	user_open(&his, fresh_user());
	ASSERT_OK(ke_send_event(&his, target.id, payload, SIZE));
	base = cost_of(work, &target, SAMPLES);
	limits_restore();
	task_rule();
	use_many_ids();
	limit_set("user_max_bytes", LIMIT);
	first = cost_once(work, &target);
	cost = cost_of(work, &target, SAMPLES);
	task_yield_rule();
	ck_assert_uint_eq(drain(target.id), 1);
	cost_assert_once(call, first, base.most);
	cost_assert_once(call, cost.most, base.most);
	cost_assert_mean(call, cost.mean, base.mean, COST_MORE_MEAN);
	ASSERT_OK(ke_close(&hers));
	ASSERT_OK(ke_close(&his));
}

START_TEST(p7_idle_ids_make_the_limits_no_dearer)
{
	assert_ids_cost_no_more("ke_limits()", ask_limits);
}
END_TEST

START_TEST(p7_idle_ids_make_a_refused_send_no_dearer)
{
	assert_ids_cost_no_more("a refused send", be_refused);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p7_idle_ids_make_the_limits_no_dearer,
      p7_idle_ids_make_a_refused_send_no_dearer)
