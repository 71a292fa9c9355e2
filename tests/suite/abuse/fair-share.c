// SPDX-License-Identifier: GPL-2.0-only
/* P5: each account gets at most a quarter of what is free afterwards, to the byte. */
#include "lib/clients.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/user.h"

#define USERS 10
#define ROOM 1000000	/* bytes, of max_bytes, that are free at first */
#define SIZE 1000
#define LIMIT 50000

static kevents_ctx *users[USERS];
static int ids[USERS];

static void open_all(void)
{
	int i;

	for (i = 0; i < USERS; i++) {
		users[i] = clients_open(fresh_user(), 1);
		ids[i] = fresh_id();
	}
}

static void drop_and_close_all(void)
{
	int i;

	for (i = 0; i < USERS; i++) {
		ck_assert_int_gt(ke_purge(users[i], ids[i]), 0);
		clients_close(users[i], 1);
	}
}

/* Has it, and would not have it with one event more. */
static void assert_quarter_is_full(const struct ke_limits *now, uint64_t one)
{
	uint64_t left = now->max_bytes - now->bytes;

	ck_assert_uint_le(now->bytes, now->max_bytes);
	ck_assert_msg(4 * now->user_bytes <= left, "%llu bytes are more than a quarter of %llu",
		      (unsigned long long)now->user_bytes, (unsigned long long)left);
	ck_assert_uint_gt(4 * (now->user_bytes + one), left - one);
}

START_TEST(p5_each_newcomer_gets_a_quarter_of_what_is_left)
{
	uint64_t all = limits_now().bytes, one;
	struct ke_limits now;
	unsigned int count;
	int i, refusal;

	limit_set("max_bytes", all + ROOM);
	open_all();
	for (i = 0; i < USERS; i++) {
		one = client_charge(users[i], ids[i], SIZE);
		count = client_fill(users[i], ids[i], SIZE, &refusal);
		ck_assert_msg(count, "user %d is refused its first event with %d", i, refusal);
		ASSERT_RESULT(refusal, -EDQUOT);
		now = client_limits(users[i]);
		assert_quarter_is_full(&now, one);
	}
	all = 0;
	for (i = 0; i < USERS; i++)
		all += client_limits(users[i]).user_bytes;
	ck_assert_uint_le(all, limits_now().bytes);
	drop_and_close_all();
}
END_TEST

START_TEST(p5_what_a_user_gives_back_is_there_for_the_others)
{
	int refusal;

	limit_set("max_bytes", limits_now().bytes + ROOM);
	open_all();
	ck_assert_uint_gt(client_fill(users[0], ids[0], SIZE, &refusal), 0);
	ck_assert_msg(client_fill(users[1], ids[1], SIZE, &refusal),
		      "the second user is refused with %d", refusal);
	ck_assert_int_gt(ke_purge(users[0], ids[0]), 0);
	ck_assert_uint_gt(client_fill(users[1], ids[1], SIZE, &refusal), 0);
	ASSERT_RESULT(refusal, -EDQUOT);
	ck_assert_int_gt(ke_purge(users[1], ids[1]), 0);
	ck_assert_uint_gt(client_fill(users[0], ids[0], SIZE, &refusal), 0);
	ck_assert_int_gt(ke_purge(users[0], ids[0]), 0);
}
END_TEST

START_TEST(p5_no_account_passes_its_own_limit_where_a_quarter_is_more)
{
	struct ke_limits now;
	uint64_t one;
	int i, refusal;

	limit_set("max_bytes", limits_now().bytes + ROOM);
	limit_set("user_max_bytes", LIMIT);
	open_all();
	for (i = 0; i < 3; i++) {
		one = client_charge(users[i], ids[i], SIZE);
		client_fill(users[i], ids[i], SIZE, &refusal);
		ASSERT_RESULT(refusal, -EDQUOT);
		now = client_limits(users[i]);
		ck_assert_uint_le(now.user_bytes, LIMIT);
		ck_assert_uint_gt(now.user_bytes + one, LIMIT);
		ck_assert_int_gt(ke_purge(users[i], ids[i]), 0);
	}
}
END_TEST

/* Root has CAP_SYS_RESOURCE. */
START_TEST(p5_a_privileged_account_gets_all_that_is_left_and_no_more)
{
	int id = fresh_id(), refusal;
	struct ke_limits now;
	uint64_t one;

	limit_set("max_bytes", limits_now().bytes + ROOM);
	one = client_charge(&ke, id, SIZE);
	ck_assert_uint_gt(client_fill(&ke, id, SIZE, &refusal), 0);
	ASSERT_RESULT(refusal, -EAGAIN);
	now = limits_now();
	ck_assert_uint_le(now.bytes, now.max_bytes);
	ck_assert_uint_gt(now.bytes + one, now.max_bytes);
	drain(id);
}
END_TEST

TESTS(20, WITH_CLIENT,
      p5_each_newcomer_gets_a_quarter_of_what_is_left,
      p5_what_a_user_gives_back_is_there_for_the_others,
      p5_no_account_passes_its_own_limit_where_a_quarter_is_more,
      p5_a_privileged_account_gets_all_that_is_left_and_no_more)
