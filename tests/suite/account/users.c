// SPDX-License-Identifier: GPL-2.0-only
/* P5: accounts of many users. */
#include "lib/harness.h"
#include "lib/limits.h"

#define USERS 300	/* more than the table of accounts has places */

START_TEST(p5_many_users_have_an_account_each)
{
	const uid_t first = 200000000;
	static kevents_ctx clients[USERS];
	const unsigned long bytes = event_bytes(0);
	int id = fresh_id();
	struct ke_limits limits;
	uid_t i;

	for (i = 0; i < USERS; i++) {
		ASSERT_SYS(setreuid(first + i, -1));
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_send_event(&clients[i], id, NULL, 0));
	}
	ASSERT_SYS(setreuid(0, -1));
	for (i = 0; i < USERS; i++) {
		struct ke_event ev = { .size = 0 };

		ASSERT_OK(ke_limits(&clients[i], &limits));
		ck_assert_uint_eq(limits.user_bytes, bytes);
		ASSERT_OK(ke_receive(&clients[i], id, &ev, 0, 0));
		ck_assert_uint_eq(ev.uid, first + i);
		ASSERT_OK(ke_limits(&clients[i], &limits));
		ck_assert_uint_eq(limits.user_bytes, 0);
	}
	for (i = 0; i < USERS; i++)
		ASSERT_OK(ke_close(&clients[i]));
}
END_TEST

TESTS(30, WITH_CLIENT,
      p5_many_users_have_an_account_each)
