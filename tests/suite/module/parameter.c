// SPDX-License-Identifier: GPL-2.0-only
/* The module's parameters. A test that fails may leave the next one a wrong value. */
#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/module.h"

#define NAME "max_event_size"
#define DEFAULT 65536
#define HIGHEST 1048576

static void restore(void)
{
	ASSERT_OK(parameter_set(NAME, "65536"));
}

START_TEST(the_size_limit_is_64_kib_at_first)
{
	ck_assert_int_eq(parameter_get(NAME), DEFAULT);
}
END_TEST

START_TEST(a_new_size_limit_applies_at_once)
{
	char byte[101] = "", room[101];
	int id = fresh_id();

	ASSERT_OK(parameter_set(NAME, "100"));
	ASSERT_RESULT(ke_send_event(&ke, id, byte, 101), -EMSGSIZE);
	ASSERT_OK(ke_send_event(&ke, id, byte, 100));
	ASSERT_OK(parameter_set(NAME, "101"));
	ASSERT_OK(ke_send_event(&ke, id, byte, 101));
	restore();
	ASSERT_OK(ke_get_event(&ke, id, room, 100));
	ASSERT_OK(ke_get_event(&ke, id, room, 101));
}
END_TEST

START_TEST(p1_a_lower_size_limit_spares_what_waits)
{
	static char room[2000];
	int id = fresh_id();

	memory_fill(room, sizeof(room), 1);
	ASSERT_OK(ke_send_event(&ke, id, room, sizeof(room)));
	ASSERT_OK(parameter_set(NAME, "1"));
	memset(room, 0, sizeof(room));
	ASSERT_OK(ke_get_event(&ke, id, room, sizeof(room)));
	ck_assert(memory_is(room, sizeof(room), 1));
	restore();
}
END_TEST

START_TEST(events_may_have_a_mebibyte)
{
	static char room[HIGHEST + 1];
	int id = fresh_id();

	ASSERT_OK(parameter_set(NAME, "1048576"));
	ASSERT_RESULT(ke_send_event(&ke, id, room, HIGHEST + 1), -EMSGSIZE);
	memory_fill(room, HIGHEST, 1);
	ASSERT_OK(ke_send_event(&ke, id, room, HIGHEST));
	memset(room, 0, HIGHEST);
	ASSERT_OK(ke_get_event(&ke, id, room, HIGHEST));
	ck_assert(memory_is(room, HIGHEST, 1));
	restore();
}
END_TEST

START_TEST(a_size_limit_out_of_range_is_refused)
{
	static const char *const values[] = {
		"0", "1048577", "-1", "4294967295", "text", " ", "64k",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		ASSERT_RESULT(parameter_set(NAME, values[i]), -EINVAL);
		ck_assert_int_eq(parameter_get(NAME), DEFAULT);
	}
	ck_assert_int_lt(parameter_set(NAME, "4294967297"), 0);
	ck_assert_int_eq(parameter_get(NAME), DEFAULT);
}
END_TEST

TESTS(20, WITH_CLIENT,
      the_size_limit_is_64_kib_at_first,
      a_new_size_limit_applies_at_once,
      p1_a_lower_size_limit_spares_what_waits,
      events_may_have_a_mebibyte,
      a_size_limit_out_of_range_is_refused)
