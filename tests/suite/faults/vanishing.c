// SPDX-License-Identifier: GPL-2.0-only
/* P3: memory that disappears while the kernel copies. */
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/task.h"

#define FAULTS 20	/* so many are to be seen in a test */
#define ROUNDS 300

/*
 * Two pages, the second of which comes and goes. An event fills the first and a bit
 * of the second; the number of the event is at the beginning.
 */
struct buffer {
	char *memory;
	size_t size;
	struct toggler toggler;
};

static void buffer_start(struct buffer *buffer, bool remap)
{
	buffer->memory = memory_map(2, PROT_READ | PROT_WRITE);
	buffer->size = page_size() + 100;
	buffer->toggler.page = buffer->memory + page_size();
	buffer->toggler.remap = remap;
	toggler_start(&buffer->toggler);
}

static uint64_t buffer_number(const struct buffer *buffer)
{
	uint64_t number;

	memcpy(&number, buffer->memory, sizeof(number));
	return number;
}

static void send_large(int id, uint64_t number)
{
	static char payload[16384];

	memcpy(payload, &number, sizeof(number));
	ASSERT_OK(ke_send_event(&ke, id, payload, page_size() + 100));
}

/* Three events wait at a time; each comes once and in order, faults or not. */
static void receive_toggling(bool remap)
{
	unsigned int faults = 0, sent = 0, received = 0;
	struct buffer buffer;
	struct ke_event ev;
	int id = fresh_id(), err;

	buffer_start(&buffer, remap);
	while (faults < FAULTS || received < ROUNDS) {
		while (sent < received + 3)
			send_large(id, sent++);
		ev = (struct ke_event){ .data = buffer.memory, .size = buffer.size };
		err = ke_receive(&ke, id, &ev, 0, 0);
		if (err) {
			ASSERT_RESULT(err, -EFAULT);
			faults++;
			continue;
		}
		ck_assert_uint_eq(buffer_number(&buffer), received);
		received++;
	}
	toggler_stop(&buffer.toggler);
	ck_assert_uint_eq(drain(id), sent - received);
}

START_TEST(p3_receiving_into_memory_that_gets_protected)
{
	receive_toggling(false);
}
END_TEST

START_TEST(p3_receiving_into_memory_that_gets_unmapped)
{
	receive_toggling(true);
}
END_TEST

START_TEST(p3_sending_from_memory_that_gets_unmapped)
{
	unsigned int faults = 0, sent = 0;
	static char room[16384];
	struct buffer buffer;
	int id = fresh_id(), err;

	buffer_start(&buffer, true);
	memory_fill(buffer.memory, page_size(), 1);
	while (faults < FAULTS || sent < ROUNDS) {
		err = ke_send_event(&ke, id, buffer.memory, buffer.size);
		if (err) {
			ASSERT_RESULT(err, -EFAULT);
			assert_empty(id);
			faults++;
			continue;
		}
		ASSERT_OK(ke_get_event(&ke, id, room, buffer.size));
		ck_assert(memory_is(room, page_size(), 1));
		ck_assert(memory_is_all(room + page_size(), 100, 0));
		assert_empty(id);
		sent++;
	}
	toggler_stop(&buffer.toggler);
}
END_TEST

/* Receives until the number that says so; counts how often each comes. */
struct taker {
	int id;
	bool toggles;
	unsigned char *seen;
	unsigned int faults;
	pthread_t thread;
};

static void *take(void *arg)
{
	struct taker *taker = arg;
	struct buffer buffer = { .size = page_size() + 100 };
	struct ke_event ev;
	uint64_t number;
	int err;

	if (taker->toggles)
		buffer_start(&buffer, false);
	else
		buffer.memory = memory_map(2, PROT_READ | PROT_WRITE);
	for (;;) {
		ev = (struct ke_event){ .data = buffer.memory, .size = buffer.size };
		err = ke_receive(&ke, taker->id, &ev, 0, -1);
		if (err == -EFAULT) {
			taker->faults++;
			continue;
		}
		ASSERT_OK(err);
		number = buffer_number(&buffer);
		if (number == UINT64_MAX)
			break;
		taker->seen[number]++;
	}
	if (taker->toggles)
		toggler_stop(&buffer.toggler);
	return NULL;
}

START_TEST(p3_a_faulting_receiver_disturbs_no_other)
{
	const unsigned int events = event_count(4000);
	unsigned char *seen = calloc(events, 1);
	struct taker takers[4];
	int id = fresh_id();
	unsigned int i;

	ck_assert_ptr_nonnull(seen);
	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		takers[i] = (struct taker){ .id = id, .toggles = i % 2, .seen = seen };
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take, &takers[i]), 0);
	}
	for (i = 0; i < events; i++) {
		send_large(id, i);
		if (i % 16 == 0)
			sched_yield();
	}
	for (i = 0; i < ARRAY_SIZE(takers); i++)
		send_large(id, UINT64_MAX);
	for (i = 0; i < ARRAY_SIZE(takers); i++)
		ck_assert_int_eq(pthread_join(takers[i].thread, NULL), 0);
	for (i = 0; i < events; i++)
		ck_assert_msg(seen[i] == 1, "event %u came %u times", i, seen[i]);
	free(seen);
}
END_TEST

TESTS(180, WITH_CLIENT,
      p3_receiving_into_memory_that_gets_protected,
      p3_receiving_into_memory_that_gets_unmapped,
      p3_sending_from_memory_that_gets_unmapped,
      p3_a_faulting_receiver_disturbs_no_other)
