// SPDX-License-Identifier: GPL-2.0-only
/* P1, P3, P6: who is killed for want of memory, in the middle of a call. */
#include <sys/mman.h>

#include "lib/cgroup.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/task.h"
#include "lib/workers.h"

#define GROUP_BYTES (4 << 20)
#define CHARGES_LEFT (1024 * 1024)	/* what the kernel charges ahead, and more */
#define EVENTS 2000
#define LARGE 60000
#define LARGE_EVENTS 200
#define ROUNDS 2

/* Small enough for the kernel to kill somebody rather than to refuse the memory. */
#define BATCH_LEN 4000

static char payload[LARGE];

/* What has the rest of the memory, until there is none. */
static int eat(void)
{
	char *food = shared_memory(GROUP_BYTES * 2);
	size_t i;

	for (i = 0; i < GROUP_BYTES * 2; i += page_size())
		food[i] = 1;
	return 0;
}

/* The kernel has to end it; the trace that it shows of that leads through the module. */
static void run_out_of_memory(int (*work)(void *arg), struct workers *workers)
{
	long kills = cgroup_kills();

	log_allow_complaints();
	workers->ready = 0;
	workers->sent = 0;
	workers->leased = 0;
	workers->received = 0;
	ck_assert_int_eq(child_join(child_start(work, workers)), 128 + SIGKILL);
	ck_assert_int_eq(cgroup_kills(), kills + 1);
}

static void send_numbers(int id, unsigned int count, size_t len)
{
	struct ke_event ev = { .id = id, .data = payload, .len = len };
	uint64_t i;

	for (i = 0; i < count; i++) {
		memcpy(payload, &i, sizeof(i));
		ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	}
}

/* All that is there are these numbers, from one to before the other. */
static void assert_numbers(int id, uint64_t from, uint64_t to, size_t len)
{
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };
	uint64_t number;

	for (; from < to; from++) {
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
		memcpy(&number, payload, sizeof(number));
		ck_assert_uint_eq(number, from);
		ck_assert_uint_eq(ev.len, len);
	}
	assert_empty(id);
}

static void assert_nothing_is_left(struct workers *workers, const struct ke_limits *before)
{
	struct ke_stat stat = stat_of(workers->id);

	ck_assert_uint_eq(stat.leased, 0);
	ck_assert_uint_eq(stat.waiters, 0);
	limits_wait_back_to(before);
	WAIT_UNTIL(cgroup_charged() < CHARGES_LEFT);
}

/* Has leases, and a thread that waits, when the kernel ends it. */
static int hold_and_eat(void *arg)
{
	struct workers *workers = arg;
	struct receiver receiver = RECEIVER(workers->id + 1);
	struct ke_event ev = { .data = payload, .size = sizeof(payload) };

	cgroup_enter();
	workers_enter(workers);
	while (!ke_receive(&ke, workers->id, &ev, KE_LEASE, 0))
		workers_count(&workers->leased);
	receiver_block(&receiver);
	workers_say_ready(workers);
	return eat();
}

START_TEST(p6_who_is_killed_for_want_of_memory_gives_back_what_it_held)
{
	const unsigned int events = 100;
	struct workers *workers = workers_new();
	struct ke_limits before;
	int id;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	id = quiet_id(&before);
	send_numbers(workers->id, events, sizeof(uint64_t));
	run_out_of_memory(hold_and_eat, workers);
	ck_assert_int_eq(workers->ready, 1);
	ck_assert_int_eq(workers->leased, events);
	ck_assert_uint_eq(stat_of(workers->id).returned, events);
	assert_numbers(workers->id, 0, events, sizeof(uint64_t));
	ck_assert_uint_eq(stat_of(workers->id + 1).waiters, 0);
	assert_traffic(id);
	assert_nothing_is_left(workers, &before);
	cgroup_remove();
}
END_TEST

struct sender {
	struct workers *workers;
	pid_t tid;
};

/* Sends, after those for which there is room, one for which there is none. */
static void *send_too_many(void *arg)
{
	struct sender *sender = arg;
	uint64_t number = 0;
	struct ke_event ev = { .id = sender->workers->id, .data = &number, .len = sizeof(number) };

	while (!ke_send(&ke, &ev, 0, 0))
		number++;
	sender->workers->sent = number;
	__atomic_store_n(&sender->tid, gettid(), __ATOMIC_RELEASE);
	/* Nobody makes room: it must not get to the next one. */
	while (!ke_send(&ke, &ev, 0, -1))
		number++;
	return NULL;
}

static int wait_for_room_and_eat(void *arg)
{
	struct workers *workers = arg;
	struct sender sender = { .workers = workers };
	pthread_t thread;

	cgroup_enter();
	workers_enter(workers);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_too_many, &sender), 0);
	WAIT_UNTIL(__atomic_load_n(&sender.tid, __ATOMIC_ACQUIRE));
	task_wait_blocked(sender.tid);
	workers_say_ready(workers);
	return eat();
}

START_TEST(p6_a_sender_that_waits_for_room_is_killed_for_want_of_memory)
{
	const unsigned int most = 50;
	struct workers *workers = workers_new();
	struct ke_limits before;
	int id, i;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	limit_events(most, sizeof(uint64_t));
	id = quiet_id(&before);
	for (i = 0; i < ROUNDS; i++) {
		run_out_of_memory(wait_for_room_and_eat, workers);
		ck_assert_int_eq(workers->ready, 1);
		ck_assert_uint_eq(workers->sent, most);
		assert_numbers(workers->id, 0, most, sizeof(uint64_t));
		assert_traffic(id);
		assert_nothing_is_left(workers, &before);
	}
	cgroup_remove();
}
END_TEST

/* Events that are numbers, in memory that has been there before the group. */
static struct ke_event *new_batch(int id)
{
	static struct ke_event evs[EVENTS];
	static uint64_t room[EVENTS + BATCH_LEN / sizeof(uint64_t)];
	size_t i;

	for (i = 0; i < EVENTS; i++) {
		room[i] = i;
		evs[i] = (struct ke_event){ .id = id, .data = &room[i], .len = BATCH_LEN };
	}
	return evs;
}

/* More than the group has room for. */
static int send_batch_of_all(void *arg)
{
	struct workers *workers = arg;
	struct ke_event *batch = new_batch(workers->id);

	cgroup_enter();
	workers_enter(workers);
	workers_say_ready(workers);
	return ke_send_batch(&ke, batch, EVENTS, 0);
}

START_TEST(p3_what_a_batch_has_sent_is_there_when_its_sender_is_killed_for_want_of_memory)
{
	struct workers *workers = workers_new();
	struct ke_limits before;
	struct ke_stat stat;
	int id, i;

	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	id = quiet_id(&before);
	for (i = 0; i < ROUNDS; i++) {
		run_out_of_memory(send_batch_of_all, workers);
		ck_assert_int_eq(workers->ready, 1);
		stat = stat_of(workers->id);
		ck_assert_uint_gt(stat.pending, GROUP_BYTES / BATCH_LEN / 4);
		ck_assert_uint_lt(stat.pending, GROUP_BYTES / BATCH_LEN);
		ck_assert_uint_gt(cgroup_charged(), stat.pending * BATCH_LEN);
		assert_numbers(workers->id, 0, stat.pending, BATCH_LEN);
		assert_traffic(id);
		assert_nothing_is_left(workers, &before);
	}
	cgroup_remove();
}
END_TEST

/* Each receive is the first to touch its buffer, and all that takes memory. */
static char *new_buffers(size_t *size)
{
	*size = (LARGE + page_size() - 1) / page_size() * page_size();
	return memory_map(LARGE_EVENTS * *size / page_size(), PROT_READ | PROT_WRITE);
}

static int receive_until_killed(struct workers *workers, unsigned int flags)
{
	struct ke_event ev = { .size = LARGE };
	size_t size;
	char *buffer = new_buffers(&size);
	int err;

	cgroup_enter();
	workers_enter(workers);
	workers_say_ready(workers);
	do {
		ev.data = buffer;
		buffer += size;
		err = ke_receive(&ke, workers->id, &ev, flags, 0);
		if (!err)
			workers_count(&workers->received);
	} while (!err);
	return -err;
}

static int take_until_killed(void *arg)
{
	return receive_until_killed(arg, 0);
}

static int lease_until_killed(void *arg)
{
	return receive_until_killed(arg, KE_LEASE);
}

static int lease_batch_until_killed(void *arg)
{
	struct ke_event evs[LARGE_EVENTS] = { 0 };
	struct workers *workers = arg;
	size_t size, i;
	char *buffers = new_buffers(&size);

	for (i = 0; i < LARGE_EVENTS; i++) {
		evs[i].data = buffers + i * size;
		evs[i].size = LARGE;
	}
	cgroup_enter();
	workers_enter(workers);
	ASSERT_OK(ke_watch(&ke, workers->id));
	workers_say_ready(workers);
	return ke_receive_batch(&ke, evs, LARGE_EVENTS, KE_LEASE, 0);
}

/* In rounds; says how many events have come back from leases in all. */
static uint64_t kill_receivers(int (*work)(void *arg), bool takes)
{
	struct workers *workers = workers_new();
	struct ke_limits before;
	uint64_t returned = 0;
	int id = quiet_id(&before), i;

	for (i = 0; i < ROUNDS; i++) {
		send_numbers(workers->id, LARGE_EVENTS, LARGE);
		returned -= stat_of(workers->id).returned;
		run_out_of_memory(work, workers);
		ck_assert_int_eq(workers->ready, 1);
		returned += stat_of(workers->id).returned;
		ck_assert_uint_lt(workers->received, GROUP_BYTES / LARGE);
		assert_numbers(workers->id, takes ? workers->received : 0, LARGE_EVENTS, LARGE);
		assert_traffic(id);
		assert_nothing_is_left(workers, &before);
	}
	if (work != lease_batch_until_killed)
		ck_assert_uint_gt(workers->received, 10);
	return returned;
}

START_TEST(p3_what_a_receiver_has_not_got_when_it_is_killed_for_want_of_memory_stays)
{
	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	ck_assert_uint_eq(kill_receivers(take_until_killed, true), 0);
	cgroup_remove();
}
END_TEST

START_TEST(p6_what_is_leased_into_new_memory_is_back_when_there_is_none)
{
	if (!cgroup_make(GROUP_BYTES))
		SKIP(NO_CGROUPS);
	ck_assert_uint_gt(kill_receivers(lease_until_killed, false), ROUNDS * 10);
	ck_assert_uint_gt(kill_receivers(lease_batch_until_killed, false), ROUNDS * 10);
	cgroup_remove();
}
END_TEST

TESTS(120, WITH_CLIENT,
      p6_who_is_killed_for_want_of_memory_gives_back_what_it_held,
      p6_a_sender_that_waits_for_room_is_killed_for_want_of_memory,
      p3_what_a_batch_has_sent_is_there_when_its_sender_is_killed_for_want_of_memory,
      p3_what_a_receiver_has_not_got_when_it_is_killed_for_want_of_memory_stays,
      p6_what_is_leased_into_new_memory_is_back_when_there_is_none)
