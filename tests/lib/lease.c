// SPDX-License-Identifier: GPL-2.0-only
#include "lease.h"

#include "harness.h"

struct ke_event lease_event(kevents_ctx *client, int id, uint64_t number, uint32_t lease_ms)
{
	uint64_t received = 0;
	struct ke_event ev = {
		.data = &received, .size = sizeof(received), .lease_ms = lease_ms,
	};

	ASSERT_OK(ke_receive(client, id, &ev, KE_LEASE, 0));
	ck_assert_uint_eq(ev.len, sizeof(received));
	ck_assert_uint_eq(received, number);
	ck_assert_int_eq(ev.id, id);
	ev.data = NULL;
	return ev;
}

uint64_t lease_number(kevents_ctx *client, int id, uint64_t number, uint32_t lease_ms)
{
	return lease_event(client, id, number, lease_ms).seq;
}

uint64_t send_number_for(int id, uint64_t number, uint32_t ttl_ms)
{
	struct ke_event ev = {
		.id = id, .data = &number, .len = sizeof(number), .ttl_ms = ttl_ms,
	};

	ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	return ev.seq;
}

struct ke_stat stat_of(int id)
{
	struct ke_stat stat;

	ASSERT_OK(ke_stat(&ke, id, &stat));
	ck_assert_int_eq(stat.id, id);
	return stat;
}

void assert_counts(int id, unsigned int pending, unsigned int leased)
{
	struct ke_stat stat = stat_of(id);

	ck_assert_uint_eq(stat.pending, pending);
	ck_assert_uint_eq(stat.leased, leased);
}

bool is_listed(int id)
{
	static int ids[10000];
	int count = ke_list(&ke, ids, ARRAY_SIZE(ids)), i;

	ck_assert_int_ge(count, 0);
	for (i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}
