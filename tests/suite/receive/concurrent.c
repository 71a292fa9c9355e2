// SPDX-License-Identifier: GPL-2.0-only
/* P1, P3, P9: receivers of every kind at the same IDs, signals coming down on them. */
#include <stdatomic.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/task.h"

#define IDS 3
#define TAKERS 9
#define SENDERS 3
#define STOP UINT64_MAX

struct traffic {
	int ids[IDS];
	unsigned int each;	/* events of a sender */
	atomic_uint sent;	/* where the signals end depends on it */
	atomic_uchar *seen;
	atomic_int tids[TAKERS];
	char *read_only;
};

struct role {
	struct traffic *traffic;
	unsigned int index;
	pthread_t thread;
};

/* A receive that may fail in any way that is not wrong; true if it took the number. */
static bool try_to_take(struct traffic *traffic, int id, unsigned int random, uint64_t *number)
{
	static const int timeouts[] = { -1, 0, 1, 2, -1, 5, -1, 1000 };
	int timeout_ms = timeouts[random / 16 % ARRAY_SIZE(timeouts)];
	static const int allowed[] = { 0, -ENOMSG, -ETIMEDOUT, -EINTR, -EFAULT, -EMSGSIZE };
	struct ke_event ev = { .data = number, .size = sizeof(*number) };
	unsigned int flags = 0;
	size_t i = 0;
	int err;

	if (random % 16 == 1)
		ev.data = traffic->read_only;
	else if (random % 16 == 2)
		ev.size = sizeof(*number) - 1;
	else if (random % 16 == 3)
		flags = KE_PEEK;
	err = ke_receive(&ke, id, &ev, flags, flags ? 0 : timeout_ms);
	while (i < ARRAY_SIZE(allowed) && err != allowed[i])
		i++;
	ck_assert_msg(i < ARRAY_SIZE(allowed), "a receive returns %d", err);
	return !err && !flags;
}

static void *take(void *arg)
{
	struct role *role = arg;
	struct traffic *traffic = role->traffic;
	unsigned int random = role->index + 1;
	uint64_t number = 0;

	atomic_store(&traffic->tids[role->index], gettid());
	for (;;) {
		random = random * 1103515245 + 12345;
		if (!try_to_take(traffic, traffic->ids[role->index % IDS], random >> 16, &number))
			continue;
		if (number == STOP)
			break;
		ck_assert_uint_eq(atomic_fetch_add(&traffic->seen[number], 1), 0);
	}
	atomic_store(&traffic->tids[role->index], 0);
	return NULL;
}

static void *send(void *arg)
{
	struct role *role = arg;
	struct traffic *traffic = role->traffic;
	unsigned int i;

	for (i = 0; i < traffic->each; i++) {
		send_number(traffic->ids[i % IDS], (uint64_t)role->index * traffic->each + i);
		atomic_fetch_add(&traffic->sent, 1);
		if (i % 8 == 0)
			sched_yield();
	}
	return NULL;
}

/*
 * A wake-up that was lost could be made good by the next signal; so the second
 * half of the events goes without.
 */
static void *disturb(void *arg)
{
	struct role *role = arg;
	struct traffic *traffic = role->traffic;
	unsigned int i;
	pid_t tid;

	for (i = 0; atomic_load(&traffic->sent) < traffic->each * SENDERS / 2; i++) {
		tid = atomic_load(&traffic->tids[i % TAKERS]);
		if (tid)
			tgkill(getpid(), tid, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

static void start(struct role *role, struct traffic *traffic, unsigned int index,
		  void *(*function)(void *arg))
{
	role->traffic = traffic;
	role->index = index;
	ck_assert_int_eq(pthread_create(&role->thread, NULL, function, role), 0);
}

START_TEST(p1_receivers_of_every_kind_lose_and_repeat_nothing)
{
	struct role takers[TAKERS], senders[SENDERS], disturber;
	static struct traffic traffic;
	unsigned int i, all;

	signal_handle(SIGUSR1, 0);
	traffic.each = event_count(60000) / 4;
	all = traffic.each * SENDERS;
	traffic.seen = calloc(all, 1);
	ck_assert_ptr_nonnull(traffic.seen);
	traffic.read_only = memory_map(1, PROT_READ);
	for (i = 0; i < IDS; i++)
		traffic.ids[i] = fresh_id();

	for (i = 0; i < TAKERS; i++)
		start(&takers[i], &traffic, i, take);
	start(&disturber, &traffic, 0, disturb);
	for (i = 0; i < SENDERS; i++)
		start(&senders[i], &traffic, i, send);

	for (i = 0; i < SENDERS; i++)
		ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
	ck_assert_int_eq(pthread_join(disturber.thread, NULL), 0);
	for (i = 0; i < TAKERS; i++)
		send_number(traffic.ids[i % IDS], STOP);
	for (i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_join(takers[i].thread, NULL), 0);
	for (i = 0; i < all; i++)
		ck_assert_msg(traffic.seen[i] == 1, "event %u came %u times", i, traffic.seen[i]);
	free(traffic.seen);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p1_receivers_of_every_kind_lose_and_repeat_nothing)
