// SPDX-License-Identifier: GPL-2.0-only
/* P1, P2, P4: many processes that send and receive at the same time. */
#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/task.h"

/* What 32-bit programs have to show is less. */
#define EVENTS (sizeof(void *) == 8 ? 100000 : 25000)
#define IDS 4
#define PRODUCERS 8
#define CONSUMERS 8
#define LARGEST 700

/* What an event of the test begins with. */
struct head {
	uint32_t producer;
	uint32_t number;	/* of this producer's events at this ID */
	uint32_t id_index;
	uint32_t size;
};

#define STOP UINT32_MAX		/* producer of the event that ends a consumer */

/* Shared by all processes. */
struct field {
	int ids[IDS];
	unsigned int each;	/* events of a producer at an ID */
	unsigned int sent;
	unsigned int received;
	unsigned char seen[];	/* by producer, ID, number */
};

struct worker {
	struct field *field;
	unsigned int index;
};

static unsigned char *seen(struct field *field, const struct head *head)
{
	size_t row = head->producer * IDS + head->id_index;

	return &field->seen[row * field->each + head->number];
}

static int produce(void *arg)
{
	struct worker *worker = arg;
	struct field *field = worker->field;
	union {
		struct head head;
		char bytes[LARGEST];
	} event;
	unsigned int i;

	for (i = 0; i < field->each * IDS; i++) {
		event.head.producer = worker->index;
		event.head.number = i / IDS;
		event.head.id_index = (i + worker->index) % IDS;
		event.head.size = sizeof(event.head) + (i * 7) % (LARGEST - sizeof(event.head));
		memory_fill(event.bytes + sizeof(event.head),
			    event.head.size - sizeof(event.head), i);
		ASSERT_OK(ke_send_event(&ke, field->ids[event.head.id_index], event.bytes,
					event.head.size));
	}
	__atomic_add_fetch(&field->sent, i, __ATOMIC_RELAXED);
	return 0;
}

/*
 * Ways to ask for an event, some of which fail at first; all end with one. While one cannot
 * copy its event, others get later ones.
 */
enum way { WAIT, WAIT_IN_TURNS, TOO_SMALL, FAULT, WAYS };

static void receive_somehow(int id, struct ke_event *ev, enum way way)
{
	struct ke_event bad = { .data = NULL, .size = ev->size };
	int err;

	switch (way) {
	case WAIT:
		ASSERT_OK(ke_receive(&ke, id, ev, 0, -1));
		return;
	case WAIT_IN_TURNS:
		while ((err = ke_receive(&ke, id, ev, 0, 1)))
			ASSERT_RESULT(err, -ETIMEDOUT);
		return;
	case TOO_SMALL:
		bad.size = sizeof(struct head) - 1;
		ASSERT_RESULT(ke_receive(&ke, id, &bad, 0, -1), -EMSGSIZE);
		break;
	default:
		ASSERT_RESULT(ke_receive(&ke, id, &bad, 0, -1), -EFAULT);
	}
	ASSERT_OK(ke_receive(&ke, id, ev, 0, -1));
}

static int consume(void *arg)
{
	struct worker *worker = arg;
	struct field *field = worker->field;
	unsigned int index = worker->index % IDS, round;
	/* Nobody faults under the first half of the IDs, so all is in order there. */
	const bool in_order = index < IDS / 2;
	const unsigned int ways = worker->index < IDS ? 1 : in_order ? FAULT : WAYS;
	uint64_t next[PRODUCERS] = { 0 }, last = 0;
	char room[LARGEST];
	struct head head;

	for (round = 0;; round++) {
		struct ke_event ev = { .data = room, .size = sizeof(room) };

		receive_somehow(field->ids[index], &ev, round / 8 % ways);
		memcpy(&head, room, sizeof(head));
		if (head.producer == STOP)
			return 0;
		ck_assert(ev.seq > last || !in_order);
		last = ev.seq;
		ck_assert_uint_lt(head.producer, PRODUCERS);
		ck_assert_uint_eq(head.id_index, index);
		ck_assert_uint_eq(head.size, ev.len);
		ck_assert(head.number >= next[head.producer] || !in_order);
		next[head.producer] = head.number + 1;
		ck_assert_uint_eq(__atomic_fetch_add(seen(field, &head), 1, __ATOMIC_RELAXED), 0);
		__atomic_add_fetch(&field->received, 1, __ATOMIC_RELAXED);
	}
}

static void stop_consumers(struct field *field)
{
	struct head head = { .producer = STOP };
	unsigned int i;

	for (i = 0; i < CONSUMERS; i++)
		ASSERT_OK(ke_send_event(&ke, field->ids[i % IDS], &head, sizeof(head)));
}

static void join_all(const pid_t *pids, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
}

START_TEST(p1_many_processes_lose_and_repeat_nothing)
{
	const unsigned int each = event_count(EVENTS) / (IDS * PRODUCERS);
	const size_t all = (size_t)each * IDS * PRODUCERS;
	struct field *field = shared_memory(sizeof(*field) + all);
	pid_t producers[PRODUCERS], consumers[CONSUMERS];
	struct worker worker = { .field = field };
	size_t i;

	field->each = each;
	for (i = 0; i < IDS; i++)
		field->ids[i] = fresh_id();
	for (i = 0; i < CONSUMERS; i++) {
		worker.index = i;
		consumers[i] = child_start(consume, &worker);
	}
	for (i = 0; i < PRODUCERS; i++) {
		worker.index = i;
		producers[i] = child_start(produce, &worker);
	}
	join_all(producers, PRODUCERS);
	stop_consumers(field);
	join_all(consumers, CONSUMERS);
	ck_assert_uint_eq(field->sent, all);
	ck_assert_uint_eq(field->received, all);
	for (i = 0; i < all; i++)
		ck_assert_uint_eq(field->seen[i], 1);
}
END_TEST

struct caller {
	int id;
	unsigned int rounds;
	pthread_t thread;
};

/* Sends and receives at its own ID, nothing of which anybody else gets. */
static void *call(void *arg)
{
	struct caller *caller = arg;
	unsigned int i;

	for (i = 0; i < caller->rounds; i++) {
		send_number(caller->id, i);
		send_number(caller->id, ~i);
		ck_assert_uint_eq(receive_number(caller->id), i);
		ck_assert_uint_eq(receive_number(caller->id), ~i);
	}
	return NULL;
}

START_TEST(p1_threads_share_one_client)
{
	struct caller callers[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(callers); i++) {
		callers[i].id = fresh_id();
		callers[i].rounds = event_count(16000) / 16;
		ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (i = 0; i < ARRAY_SIZE(callers); i++)
		ck_assert_int_eq(pthread_join(callers[i].thread, NULL), 0);
}
END_TEST

struct pair {
	int there, back;
	unsigned int rounds;
};

static int echo(void *arg)
{
	struct pair *pair = arg;
	unsigned int i;
	uint64_t number;

	for (i = 0; i < pair->rounds; i++) {
		struct ke_event ev = { .data = &number, .size = sizeof(number) };

		ASSERT_OK(ke_receive(&ke, pair->there, &ev, 0, -1));
		send_number(pair->back, number + 1);
	}
	return 0;
}

START_TEST(p9_two_processes_that_wait_for_each_other_never_get_stuck)
{
	struct pair pair = { fresh_id(), fresh_id(), event_count(EVENTS) / 50 };
	struct ke_event ev = { .size = sizeof(uint64_t) };
	pid_t pid = child_start(echo, &pair);
	uint64_t i, number;

	ev.data = &number;
	for (i = 0; i < pair.rounds; i++) {
		send_number(pair.there, i);
		ASSERT_OK(ke_receive(&ke, pair.back, &ev, 0, i % 2 ? -1 : 1000000));
		ck_assert_uint_eq(number, i + 1);
	}
	ck_assert_int_eq(child_join(pid), 0);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p1_many_processes_lose_and_repeat_nothing,
      p1_threads_share_one_client,
      p9_two_processes_that_wait_for_each_other_never_get_stuck)
