// SPDX-License-Identifier: GPL-2.0-only
#include "clients.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "harness.h"
#include "user.h"

static char payload[65536];

void clients_allow(unsigned int count)
{
	struct rlimit limit;

	ASSERT_SYS(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = count + 64;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &limit));
}

kevents_ctx *clients_open(uid_t uid, unsigned int count)
{
	kevents_ctx *clients = calloc(count, sizeof(*clients));
	unsigned int i;

	ck_assert_ptr_nonnull(clients);
	clients_allow(count);
	for (i = 0; i < count; i++)
		user_open(&clients[i], uid);
	return clients;
}

void clients_close(kevents_ctx *clients, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ASSERT_OK(ke_close(&clients[i]));
	free(clients);
}

struct ke_limits client_limits(kevents_ctx *client)
{
	struct ke_limits limits;

	ASSERT_OK(ke_limits(client, &limits));
	return limits;
}

unsigned int client_fill(kevents_ctx *client, int id, size_t size, int *refusal)
{
	unsigned int count = 0;

	while (!(*refusal = ke_send_event(client, id, payload, size)))
		count++;
	return count;
}

/* The account may keep memory after its first event, so the second one is measured. */
uint64_t client_charge(kevents_ctx *client, int id, size_t size)
{
	uint64_t before;

	ASSERT_OK(ke_send_event(client, id, payload, size));
	before = client_limits(client).user_bytes;
	ASSERT_OK(ke_send_event(client, id, payload, size));
	before = client_limits(client).user_bytes - before;
	ASSERT_RESULT(ke_purge(client, id), 2);
	return before;
}
