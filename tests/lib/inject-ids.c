// SPDX-License-Identifier: GPL-2.0-only
#include "inject-ids.h"

#include "harness.h"
#include "lease.h"
#include "user.h"

int ids[ID_COUNT];
uint64_t ids_lease;

void ids_refill(int result)
{
	(void)result;
	send_number(ids[SINGLE], 4);
}

void ids_prepare(void)
{
	size_t i;

	ASSERT_SYS(setreuid(fresh_user(), -1));
	user_reopen();
	for (i = 0; i < ID_COUNT; i++)
		ids[i] = fresh_id();
	for (i = 1; i <= 3; i++)
		send_number(ids[FULL], i);
	ids_refill(0);
	send_number(ids[LEASED], 5);
	ids_lease = lease_number(&ke, ids[LEASED], 5, 0);
}

void ids_check_and_drain(void)
{
	uint64_t i;

	for (i = 1; i <= 3; i++)
		ck_assert_uint_eq(receive_number(ids[FULL]), i);
	ck_assert_uint_eq(receive_number(ids[SINGLE]), 4);
	ASSERT_OK(ke_ack(&ke, ids_lease));
	for (i = 0; i < ID_COUNT; i++)
		assert_empty(ids[i]);
}

void ids_fail_each(const struct failing *call)
{
	fail_each(call, ids, ID_COUNT);
}
