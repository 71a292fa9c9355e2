// SPDX-License-Identifier: GPL-2.0-only
/* P3, P8: hostile addresses, and structures that cannot be read or written. */
#include <sys/mman.h>

#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/task.h"

#define SEND KEVENTS_IOC_SEND
#define RECEIVE KEVENTS_IOC_RECEIVE

/* Addresses that no process may use: 0, the first page, the kernel's, no canonical ones. */
static const uint64_t addresses[] = {
	0, 8, 0x1000, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 4095,
	0xffffffff81000000, 0xffff888000000000, 0xffffc90000000000, 0xffffffffff600000,
	0x0000800000000000, 0x00007ffffffff000, 0x8000000000000000, 0xfffffffffffff000,
	0xff00000000000000, 0x0100000000000000, 0xfffffff8, 0xffffe000,
};

START_TEST(p8_structures_at_bad_addresses_are_efault)
{
	static const unsigned int commands[] = {
		KEVENTS_IOC_INFO, KEVENTS_IOC_SEND, KEVENTS_IOC_RECEIVE, KEVENTS_IOC_POLL,
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		void *address = (void *)(uintptr_t)addresses[i];

		if ((uintptr_t)address != addresses[i])	/* no pointer of 32 bits */
			continue;
		for (j = 0; j < ARRAY_SIZE(commands); j++)
			ASSERT_RESULT(abi_call(commands[j], address), -EFAULT);
	}
}
END_TEST

START_TEST(p8_payloads_at_bad_addresses_are_efault)
{
	static const size_t sizes[] = { 1, 64, 200, 5000 };
	int id = fresh_id();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct kevents_send send = abi_send(id, NULL, sizes[j]);

			send.data = addresses[i];
			ASSERT_RESULT(abi_call(SEND, &send), -EFAULT);
		}
	}
	assert_empty(id);
}
END_TEST

START_TEST(p8_buffers_at_bad_addresses_are_efault)
{
	static const size_t sizes[] = { 1, 64, 200, 5000 };
	char *payload = memory_map(2, PROT_READ);
	int id = fresh_id();
	size_t i, j;

	for (j = 0; j < ARRAY_SIZE(sizes); j++) {
		ASSERT_OK(ke_send_event(&ke, id, payload, sizes[j]));
		for (i = 0; i < ARRAY_SIZE(addresses); i++) {
			struct kevents_receive receive = abi_receive(id, NULL, 0);

			receive.data = addresses[i];
			receive.size = UINT64_MAX;
			ASSERT_RESULT(abi_call(RECEIVE, &receive), -EFAULT);
			receive.flags = KEVENTS_RECEIVE_PEEK;
			ASSERT_RESULT(abi_call(RECEIVE, &receive), -EFAULT);
		}
		ck_assert_uint_eq(drain(id), 1);
	}
}
END_TEST

START_TEST(p8_bad_addresses_do_no_harm_while_waiting)
{
	static const uint64_t sizes[] = { 1, 5000, 65536, UINT64_MAX };
	int id = fresh_id();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(addresses); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			struct kevents_receive receive = abi_receive(id, NULL, 0);

			receive.data = addresses[i];
			receive.size = sizes[j];
			receive.deadline_ns = now_ns() + 1000000;
			ASSERT_RESULT(abi_call(RECEIVE, &receive), -ETIMEDOUT);
		}
	}
}
END_TEST

/* A 32-bit program must not have its 64-bit addresses cut. */
START_TEST(p8_the_upper_half_of_an_address_counts)
{
	char room[8] = "text";
	int id = fresh_id();
	struct kevents_send send = abi_send(id, room, 4);
	struct kevents_receive receive = abi_receive(id, room, sizeof(room));

	ASSERT_OK(abi_call(SEND, &send));
	send.data |= UINT64_C(1) << 63;
	ASSERT_RESULT(abi_call(SEND, &send), -EFAULT);
	receive.data |= UINT64_C(1) << 63;
	ASSERT_RESULT(abi_call(RECEIVE, &receive), -EFAULT);
	receive.data = (uintptr_t)room;
	if (sizeof(void *) == 4) {
		receive.data |= UINT64_C(1) << 32;
		ASSERT_RESULT(abi_call(RECEIVE, &receive), -EFAULT);
	}
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p8_huge_lengths_are_emsgsize)
{
	static const uint64_t lengths[] = {
		65537, 1U << 20, INT32_MAX, UINT32_MAX, (UINT64_C(1) << 32) + 1,
		INT64_MAX, (UINT64_C(1) << 63) + 1, UINT64_MAX,
	};
	char room[8] = "";
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct kevents_send send = abi_send(id, room, 0);

		send.len = lengths[i];
		ASSERT_RESULT(abi_call(SEND, &send), -EMSGSIZE);
	}
	assert_empty(id);
}
END_TEST

START_TEST(p8_huge_sizes_are_room_enough)
{
	static const uint64_t sizes[] = {
		INT32_MAX, UINT32_MAX, (UINT64_C(1) << 32), INT64_MAX, UINT64_MAX - 7, UINT64_MAX,
	};
	char *room = memory_before_gap(4);
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct kevents_receive receive = abi_receive(id, room, 0);

		ASSERT_OK(ke_send_event(&ke, id, "text", 4));
		receive.size = sizes[i];
		receive.deadline_ns = i % 2 ? KEVENTS_NO_DEADLINE : 0;
		ASSERT_OK(abi_call(RECEIVE, &receive));
		assert_same_bytes(room, "text", 4);
	}
}
END_TEST

/* What can be read of a structure ends before each field in turn. */
static void assert_needs_all(unsigned long command, const void *structure, size_t size)
{
	size_t mapped;

	for (mapped = 0; mapped < size; mapped += 8) {
		void *part = memory_before_gap(mapped);

		memcpy(part, structure, mapped);
		ASSERT_RESULT(abi_call(command, part), -EFAULT);
	}
}

START_TEST(p3_a_structure_that_cannot_be_read_to_its_end_is_efault)
{
	int id = fresh_id();
	struct kevents_send send = abi_send(id, NULL, 0);
	struct kevents_receive receive = abi_receive(id, NULL, 0);

	assert_needs_all(SEND, &send, offsetof(struct kevents_send, seq));
	assert_empty(id);
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	assert_needs_all(RECEIVE, &receive, offsetof(struct kevents_receive, event));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p3_a_send_that_cannot_say_its_seq_sends_nothing)
{
	struct kevents_send *send = (void *)memory_map(1, PROT_READ | PROT_WRITE);
	int id = fresh_id();

	*send = abi_send(id, NULL, 0);
	ASSERT_SYS(mprotect(send, page_size(), PROT_READ));
	ASSERT_RESULT(abi_call(SEND, send), -EFAULT);
	assert_empty(id);

	send = (void *)memory_before_gap(offsetof(struct kevents_send, seq));
	memcpy(send, &(struct kevents_send){ .id = id }, offsetof(struct kevents_send, seq));
	ASSERT_RESULT(abi_call(SEND, send), -EFAULT);
	assert_empty(id);
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p3_a_receive_that_cannot_say_how_long_the_event_is_leaves_it)
{
	const size_t in = offsetof(struct kevents_receive, event);
	void *receive = memory_before_gap(in);
	int id = fresh_id();
	char byte;

	send_number(id, 1);
	memcpy(receive, &(struct kevents_receive){
		.id = id, .data = (uintptr_t)&byte, .size = 1,
	}, in);
	ASSERT_RESULT(abi_call(RECEIVE, receive), -EFAULT);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(p3_a_receive_that_cannot_describe_the_event_leaves_it)
{
	struct kevents_receive *receive = (void *)memory_map(1, PROT_READ | PROT_WRITE);
	int id = fresh_id();
	uint64_t room = 0;
	size_t mapped;

	send_number(id, 1);
	send_number(id, 2);
	*receive = abi_receive(id, &room, sizeof(room));
	ASSERT_SYS(mprotect(receive, page_size(), PROT_READ));
	ASSERT_RESULT(abi_call(RECEIVE, receive), -EFAULT);
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);

	for (mapped = offsetof(struct kevents_receive, event);
	     mapped < sizeof(*receive); mapped += 4) {
		receive = (void *)memory_before_gap(mapped);
		memcpy(receive, &(struct kevents_receive){
			.id = id, .data = (uintptr_t)&room, .size = sizeof(room),
		}, offsetof(struct kevents_receive, event));
		ASSERT_RESULT(abi_call(RECEIVE, receive), -EFAULT);
	}
	ck_assert_uint_eq(receive_number(id), 1);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

START_TEST(p3_a_receive_whose_buffer_is_missing_anywhere_leaves_the_event)
{
	char payload[64], room[sizeof(payload)];
	struct ke_event ev = { .data = room, .size = sizeof(room) };
	struct kevents_receive receive;
	int id = fresh_id();
	size_t mapped;

	memory_fill(payload, sizeof(payload), 1);
	ASSERT_OK(ke_send_event(&ke, id, payload, sizeof(payload)));
	for (mapped = 0; mapped < sizeof(payload); mapped++) {
		receive = abi_receive(id, memory_before_gap(mapped), sizeof(payload));
		/* Touched, so that only the gap is missing. */
		memset((void *)(uintptr_t)receive.data, 0, mapped);
		ASSERT_RESULT(abi_call(RECEIVE, &receive), -EFAULT);
	}
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.deliveries, 1);
	assert_same_bytes(room, payload, sizeof(payload));
}
END_TEST

/* The structure on the edge of a page that comes and goes. */
static void *on_the_edge(struct toggler *toggler, size_t before)
{
	char *memory = memory_map(2, PROT_READ | PROT_WRITE);

	toggler->page = memory + page_size();
	toggler_start(toggler);
	return memory + page_size() - before;
}

START_TEST(p3_a_send_whose_result_disappears_sends_all_or_nothing)
{
	struct toggler toggler = { .remap = true };
	struct kevents_send *send = on_the_edge(&toggler, offsetof(struct kevents_send, seq));
	unsigned int faults = 0, sent = 0;
	int id = fresh_id(), err;

	memcpy(send, &(struct kevents_send){ .id = id }, offsetof(struct kevents_send, seq));
	while (faults < 20 || sent < 500) {
		err = abi_call(SEND, send);
		ASSERT_RESULT(ke_poll_event(&ke, id), !err);
		if (err) {
			ASSERT_RESULT(err, -EFAULT);
			faults++;
		} else {
			ck_assert_uint_eq(drain(id), 1);
			sent++;
		}
	}
	toggler_stop(&toggler);
}
END_TEST

START_TEST(p3_a_receive_whose_result_disappears_takes_all_or_nothing)
{
	const size_t before = offsetof(struct kevents_receive, event) + 8;
	struct toggler toggler = { .remap = true };
	struct kevents_receive *receive = on_the_edge(&toggler, before);
	unsigned int faults = 0, received = 0;
	int id = fresh_id(), err;
	uint64_t room = 0;

	memcpy(receive, &(struct kevents_receive){
		.id = id, .data = (uintptr_t)&room, .size = sizeof(room),
	}, offsetof(struct kevents_receive, event));
	send_number(id, 0);
	while (faults < 20 || received < 500) {
		err = abi_call(RECEIVE, receive);
		ASSERT_RESULT(ke_poll_event(&ke, id), !!err);
		if (err) {
			ASSERT_RESULT(err, -EFAULT);
			faults++;
		} else {
			ck_assert_uint_eq(room, received);
			send_number(id, ++received);
		}
	}
	toggler_stop(&toggler);
	ck_assert_uint_eq(receive_number(id), received);
}
END_TEST

START_TEST(structures_need_no_alignment)
{
	char memory[128], room[8] = "";
	struct kevents_receive receive;
	struct kevents_send send;
	int id = fresh_id();
	size_t shift;

	for (shift = 0; shift < 8; shift++) {
		send = abi_send(id, "text", 4);
		memcpy(memory + shift, &send, sizeof(send));
		ASSERT_OK(abi_call(SEND, memory + shift));
		receive = abi_receive(id, room, sizeof(room));
		memcpy(memory + shift, &receive, sizeof(receive));
		ASSERT_OK(abi_call(RECEIVE, memory + shift));
		memcpy(&receive, memory + shift, sizeof(receive));
		ck_assert_int_eq(receive.event.id, id);
		ck_assert_str_eq(room, "text");
	}
}
END_TEST

TESTS(60, WITH_CLIENT,
      p8_structures_at_bad_addresses_are_efault,
      p8_payloads_at_bad_addresses_are_efault,
      p8_buffers_at_bad_addresses_are_efault,
      p8_bad_addresses_do_no_harm_while_waiting,
      p8_the_upper_half_of_an_address_counts,
      p8_huge_lengths_are_emsgsize,
      p8_huge_sizes_are_room_enough,
      p3_a_structure_that_cannot_be_read_to_its_end_is_efault,
      p3_a_send_that_cannot_say_its_seq_sends_nothing,
      p3_a_receive_that_cannot_describe_the_event_leaves_it,
      p3_a_receive_whose_buffer_is_missing_anywhere_leaves_the_event,
      p3_a_send_whose_result_disappears_sends_all_or_nothing,
      p3_a_receive_whose_result_disappears_takes_all_or_nothing,
      structures_need_no_alignment,
      p3_a_receive_that_cannot_say_how_long_the_event_is_leaves_it)
