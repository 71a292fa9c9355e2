// SPDX-License-Identifier: GPL-2.0-only
/* Which IDs are in use, also while others come and go. */
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/task.h"
#include "lib/user.h"

#define FIXED 300
#define STEP 10		/* between them; others come and go there */
#define ROOM 10000

static void assert_list(const int *expected, int count)
{
	int ids[ROOM], i;

	ASSERT_RESULT(ke_list(&ke, NULL, 0), count);
	ASSERT_RESULT(ke_list(&ke, ids, ROOM), count);
	for (i = 0; i < count; i++)
		ck_assert_int_eq(ids[i], expected[i]);
}

START_TEST(the_list_is_in_order)
{
	static const int ids[] = { 5, INT_MIN, 0, INT_MAX, -1, 70000, -70000, 1, INT_MIN + 1 };
	static const int sorted[] = {
		INT_MIN, INT_MIN + 1, -70000, -1, 0, 1, 5, 70000, INT_MAX,
	};
	size_t i;

	user_enter_own_netns();
	assert_list(NULL, 0);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		send_number(ids[i], i);
	assert_list(sorted, ARRAY_SIZE(sorted));
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(receive_number(ids[i]), i);
	assert_list(NULL, 0);
}
END_TEST

START_TEST(a_short_array_gets_the_least_ids)
{
	int ids[200], n, i;

	user_enter_own_netns();
	for (i = 0; i < 150; i++)
		send_number(149 - i, i);
	for (n = 0; n <= 150; n++) {
		memset(ids, 0xa5, sizeof(ids));
		ASSERT_RESULT(ke_list(&ke, ids, n), 150);
		for (i = 0; i < n; i++)
			ck_assert_int_eq(ids[i], i);
		for (; i < 200; i++)
			ck_assert_int_eq(ids[i], -0x5a5a5a5b);
	}
	for (i = 0; i < 150; i++)
		ASSERT_RESULT(ke_purge(&ke, i), 1);
}
END_TEST

START_TEST(p3_a_list_that_cannot_be_written_is_efault)
{
	user_enter_own_netns();
	send_number(1, 1);
	ASSERT_RESULT(ke_list(&ke, (int *)8, 1), -EFAULT);
	ck_assert_uint_eq(receive_number(1), 1);
}
END_TEST

START_TEST(what_makes_an_id_used)
{
	static const int ids[] = { 1, 2, 3, 4, 5 };
	struct receiver receiver = RECEIVER(5);
	uint64_t seq;

	user_enter_own_netns();
	send_number(1, 1);
	send_number(2, 1);
	seq = lease_number(&ke, 2, 1, 0);
	ASSERT_OK(ke_watch(&ke, 3));
	ASSERT_OK(ke_claim(&ke, 4, 0600));
	receiver_block(&receiver);
	assert_list(ids, 5);
	ASSERT_RESULT(ke_purge(&ke, 1), 1);
	assert_list(ids + 1, 4);
	ASSERT_OK(ke_ack(&ke, seq));
	assert_list(ids + 2, 3);
	ASSERT_OK(ke_unwatch(&ke, 3));
	assert_list(ids + 3, 2);
	ASSERT_OK(ke_unclaim(&ke, 4));
	assert_list(ids + 4, 1);
	send_number(5, 1);
	receiver_expect(&receiver, 1);
	assert_list(NULL, 0);
}
END_TEST

START_TEST(ten_thousand_ids_are_listed)
{
	static int ids[ROOM];
	int i;

	user_enter_own_netns();
	for (i = 0; i < ROOM; i++) {
		ids[i] = (i - ROOM / 2) * 3;
		send_number(ids[i], i);
	}
	assert_list(ids, ROOM);
	for (i = 0; i < ROOM; i++)
		ck_assert_uint_eq(receive_number(ids[i]), i);
	assert_list(NULL, 0);
}
END_TEST

/* IDs between the fixed ones, which come into being, end and are reaped. */
struct churn {
	bool stop;
	unsigned int seed;
};

static int come_and_go(void *arg)
{
	struct churn *churn = arg;
	unsigned int state = churn->seed;
	int id;

	while (!__atomic_load_n(&churn->stop, __ATOMIC_ACQUIRE)) {
		struct ke_limits limits;

		state = state * 1103515245 + 12345;
		id = (int)(state >> 8) % (FIXED * STEP);
		if (id % STEP == 0)
			continue;
		send_number(id, 1);
		ke_purge(&ke, id);
		if (state >> 28 == 0)
			ASSERT_OK(ke_limits(&ke, &limits));	/* reaps */
	}
	return 0;
}

static void check_list(const int *ids, int count)
{
	int i, fixed = 0;

	for (i = 0; i < count; i++) {
		if (i)
			ck_assert_int_lt(ids[i - 1], ids[i]);
		if (ids[i] % STEP == 0)
			ck_assert_int_eq(ids[i], fixed++ * STEP);
	}
	ck_assert_int_eq(fixed, FIXED);
}

START_TEST(ids_that_stay_are_listed_once_while_others_come_and_go)
{
	struct churn *churn = shared_memory(sizeof(*churn));
	static int ids[ROOM];
	pid_t pids[3];
	int turn, i, count;

	user_enter_own_netns();
	for (i = 0; i < FIXED; i++)
		send_number(i * STEP, i);
	for (i = 0; i < 3; i++) {
		churn->seed = i * 77;
		pids[i] = child_start(come_and_go, churn);
	}
	for (turn = 0; turn < 300; turn++) {
		count = ke_list(&ke, ids, ROOM);
		ck_assert_int_ge(count, FIXED);
		check_list(ids, count);
	}
	__atomic_store_n(&churn->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
}
END_TEST

TESTS(60, WITH_CLIENT,
      the_list_is_in_order,
      a_short_array_gets_the_least_ids,
      p3_a_list_that_cannot_be_written_is_efault,
      what_makes_an_id_used,
      ten_thousand_ids_are_listed,
      ids_that_stay_are_listed_once_while_others_come_and_go)
