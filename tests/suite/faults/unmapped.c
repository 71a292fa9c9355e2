// SPDX-License-Identifier: GPL-2.0-only
/* P3: a call that hits missing memory changes nothing. */
#include <stdio.h>
#include <sys/mman.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/memory.h"
#include "lib/task.h"

static const size_t sizes[] = { 1, 8, 63, 100, 200, 1000, 4096, 5000, 8192, 60000 };

START_TEST(p3_sending_missing_memory_is_efault)
{
	char *none = memory_map(2, PROT_NONE);
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_RESULT(ke_send_event(&ke, id, NULL, sizes[i]), -EFAULT);
		ASSERT_RESULT(ke_send_event(&ke, id, none, sizes[i]), -EFAULT);
	}
	assert_empty(id);
}
END_TEST

START_TEST(p3_sending_half_mapped_memory_is_efault)
{
	int id = fresh_id();
	size_t i, mapped;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (mapped = 0; mapped < sizes[i]; mapped += 1 + sizes[i] / 5)
			ASSERT_RESULT(ke_send_event(&ke, id, memory_before_gap(mapped), sizes[i]),
				      -EFAULT);
	assert_empty(id);
}
END_TEST

START_TEST(sending_needs_no_writable_memory)
{
	char *memory = memory_map(1, PROT_READ), room[100];
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, memory, sizeof(room)));
	ASSERT_OK(ke_get_event(&ke, id, room, sizeof(room)));
	ck_assert(memory_is_all(room, sizeof(room), 0));
}
END_TEST

/* Receives the events 0 and 1 of this size, after a try with bad memory. */
static void receive_after_fault(char *bad, size_t size, unsigned int flags)
{
	static char room[60000];
	struct ke_event ev = { .data = bad, .size = size };
	int id = fresh_id();
	unsigned int i;

	for (i = 0; i < 2; i++) {
		memory_fill(room, size, i);
		ASSERT_OK(ke_send_event(&ke, id, room, size));
	}
	for (i = 0; i < 2; i++) {
		ASSERT_RESULT(ke_receive(&ke, id, &ev, flags, 0), -EFAULT);
		ASSERT_RESULT(ke_poll_event(&ke, id), 1);
		ASSERT_RESULT(ke_get_event(&ke, id, bad, size), -EFAULT);
		ASSERT_OK(ke_get_event(&ke, id, room, size));
		ck_assert(memory_is(room, size, i));
	}
	assert_empty(id);
}

START_TEST(p3_receiving_into_missing_memory_is_efault)
{
	char *none = memory_map(20, PROT_NONE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		receive_after_fault(NULL, sizes[i], 0);
		receive_after_fault(none, sizes[i], 0);
	}
}
END_TEST

START_TEST(p3_receiving_into_read_only_memory_is_efault)
{
	char *memory = memory_map(20, PROT_READ);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		receive_after_fault(memory, sizes[i], 0);
}
END_TEST

START_TEST(p3_receiving_into_half_mapped_memory_is_efault)
{
	size_t i, mapped;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (mapped = 0; mapped < sizes[i]; mapped += 1 + sizes[i] / 5)
			receive_after_fault(memory_before_gap(mapped), sizes[i], 0);
}
END_TEST

/* Small payloads are copied word by word. */
START_TEST(p3_any_word_of_a_small_payload_may_be_missing)
{
	const size_t word = sizeof(uint64_t), size = 8 * word;
	int id = fresh_id();
	size_t mapped;

	for (mapped = 0; mapped < size; mapped += word) {
		ASSERT_RESULT(ke_send_event(&ke, id, memory_before_gap(mapped), size), -EFAULT);
		assert_empty(id);
		receive_after_fault(memory_before_gap(mapped), size, 0);
	}
}
END_TEST

START_TEST(p3_a_peek_that_faults_changes_nothing)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		receive_after_fault(memory_before_gap(sizes[i] - 1), sizes[i], KE_PEEK);
}
END_TEST

START_TEST(only_what_the_payload_needs_must_be_mapped)
{
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *room = memory_before_gap(sizes[i]);
		struct ke_event ev = { .data = room, .size = sizes[i] + 100000 };

		memory_fill(room, sizes[i], 1);
		ASSERT_OK(ke_send_event(&ke, id, room, sizes[i]));
		memset(room, 0, sizes[i]);
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
		ck_assert(memory_is(room, sizes[i], 1));
	}
}
END_TEST

START_TEST(p3_a_nul_byte_that_cannot_be_written_costs_nothing)
{
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *room = memory_before_gap(sizes[i]);

		memory_fill(room, sizes[i], 1);
		ASSERT_OK(ke_send_event(&ke, id, room, sizes[i]));
		ASSERT_RESULT(ke_get_event(&ke, id, room, sizes[i] + 1), -EFAULT);
		memset(room, 0, sizes[i]);
		ASSERT_OK(ke_get_event(&ke, id, room, sizes[i]));
		ck_assert(memory_is(room, sizes[i], 1));
	}
	assert_empty(id);
}
END_TEST

START_TEST(an_empty_event_touches_no_buffer)
{
	struct ke_event ev = { .data = memory_map(1, PROT_NONE), .size = 100, .len = 1 };
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, ev.data, 0));
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.len, 0);
}
END_TEST

START_TEST(pages_never_touched_before_are_fine)
{
	struct ke_event ev = { .size = 60000 };
	char *memory = memory_map(15, PROT_READ | PROT_WRITE);
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, memory, 60000));
	ev.data = memory_map(15, PROT_READ | PROT_WRITE);
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert(memory_is_all(ev.data, 60000, 0));
}
END_TEST

/* Where the part of the stack begins that is mapped so far. */
static char *mapped_stack(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long long start = 0, found;
	char line[512];

	ck_assert_ptr_nonnull(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[stack]") && sscanf(line, "%llx", &found) == 1)
			start = found;
	fclose(maps);
	ck_assert_uint_ne(start, 0);
	return (char *)(uintptr_t)start;
}

START_TEST(a_buffer_may_lie_where_the_stack_has_yet_to_grow)
{
	static const int timeouts[] = { 0, 1 };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		struct ke_event ev = { .data = mapped_stack() - 20000, .size = 10000 };

		ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, timeouts[i]),
			      timeouts[i] ? -ETIMEDOUT : -ENOMSG);
		send_number(id, 1);
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
		ck_assert_uint_eq(*(uint64_t *)ev.data, 1);
	}
}
END_TEST

START_TEST(p3_a_waiting_receiver_that_faults_leaves_the_event)
{
	int id = fresh_id();
	struct receiver bad = RECEIVER(id);

	bad.data = memory_map(1, PROT_READ);
	bad.size = page_size();
	receiver_block(&bad);
	send_number(id, 1);
	receiver_join(&bad);
	ASSERT_RESULT(bad.result, -EFAULT);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(p3_a_waiting_receiver_with_little_room_leaves_the_event)
{
	int id = fresh_id();
	struct receiver small = RECEIVER(id);
	char byte;

	small.data = &byte;
	small.size = 1;
	receiver_block(&small);
	send_number(id, 1);
	receiver_join(&small);
	ASSERT_RESULT(small.result, -EMSGSIZE);
	ck_assert_uint_eq(small.ev.len, sizeof(uint64_t));
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

/* Receivers wait, the first of them with memory that faults half way. */
static void receivers_block(struct receiver *receivers, size_t count, int id)
{
	size_t i;

	for (i = 0; i < count; i++) {
		receivers[i] = RECEIVER(id);
		if (!i) {
			receivers[i].data = memory_before_gap(4);
			receivers[i].size = sizeof(uint64_t);
		}
		receiver_block(&receivers[i]);
	}
}

static void expect_fault(struct receiver *receiver)
{
	receiver_join(receiver);
	ASSERT_RESULT(receiver->result, -EFAULT);
}

START_TEST(p3_what_faults_in_front_goes_to_the_next_in_line)
{
	struct receiver receivers[3];
	int id = fresh_id(), i;

	for (i = 0; i < 20; i++) {
		receivers_block(receivers, 3, id);
		send_number(id, 1);
		expect_fault(&receivers[0]);
		receiver_expect(&receivers[1], 1);
		send_number(id, 2);
		receiver_expect(&receivers[2], 2);
		assert_empty(id);
	}
}
END_TEST

/* Each has its event before any can run; the one that faults is next in line again. */
START_TEST(p3_what_faults_goes_to_who_has_nothing_yet)
{
	struct receiver receivers[3];
	int id = fresh_id(), i;

	task_pin();
	for (i = 0; i < 20; i++) {
		receivers_block(receivers, 3, id);
		task_rule();
		send_number(id, 1);
		send_number(id, 2);
		task_yield_rule();
		expect_fault(&receivers[0]);
		receiver_expect(&receivers[1], 2);
		receiver_expect(&receivers[2], 1);
		assert_empty(id);
	}
}
END_TEST

/* What faults is older than what waits by then. */
START_TEST(p2_what_faults_goes_before_later_events)
{
	struct receiver receiver;
	int id = fresh_id(), i;

	task_pin();
	for (i = 0; i < 20; i++) {
		receivers_block(&receiver, 1, id);
		task_rule();
		send_number(id, 1);
		send_number(id, 2);
		send_number_for(id, 3, 1000000);
		task_yield_rule();
		expect_fault(&receiver);
		ck_assert_uint_eq(receive_number(id), 1);
		ck_assert_uint_eq(receive_number(id), 2);
		ck_assert_uint_eq(receive_number(id), 3);
		assert_empty(id);
	}
}
END_TEST

START_TEST(p3_an_event_survives_a_row_of_faults)
{
	int id = fresh_id();
	struct receiver receivers[5];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i] = RECEIVER(id);
		receivers[i].data = memory_before_gap(i);
		receivers[i].size = sizeof(uint64_t);
		receiver_block(&receivers[i]);
	}
	send_number(id, 1);
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receiver_join(&receivers[i]);
		ASSERT_RESULT(receivers[i].result, -EFAULT);
	}
	ck_assert_uint_eq(receive_number(id), 1);
	assert_empty(id);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p3_sending_missing_memory_is_efault,
      p3_sending_half_mapped_memory_is_efault,
      sending_needs_no_writable_memory,
      p3_receiving_into_missing_memory_is_efault,
      p3_receiving_into_read_only_memory_is_efault,
      p3_receiving_into_half_mapped_memory_is_efault,
      p3_any_word_of_a_small_payload_may_be_missing,
      p3_a_peek_that_faults_changes_nothing,
      only_what_the_payload_needs_must_be_mapped,
      p3_a_nul_byte_that_cannot_be_written_costs_nothing,
      an_empty_event_touches_no_buffer,
      pages_never_touched_before_are_fine,
      a_buffer_may_lie_where_the_stack_has_yet_to_grow,
      p3_a_waiting_receiver_that_faults_leaves_the_event,
      p3_a_waiting_receiver_with_little_room_leaves_the_event,
      p3_what_faults_in_front_goes_to_the_next_in_line,
      p3_what_faults_goes_to_who_has_nothing_yet,
      p2_what_faults_goes_before_later_events,
      p3_an_event_survives_a_row_of_faults)
