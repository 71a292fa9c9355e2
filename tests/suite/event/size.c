// SPDX-License-Identifier: GPL-2.0-only
/* Payloads of every size, buffers that fit, are larger or are too small. */
#include "lib/harness.h"
#include "lib/memory.h"

#define DEFAULT_MAX 65536
#define GUARD 64

static char out[DEFAULT_MAX + 1];
static char in[DEFAULT_MAX + GUARD];

/* Peeks at, or receives, len bytes into a buffer with so much room to spare. */
static void expect_payload(int id, size_t len, size_t spare, unsigned int flags)
{
	struct ke_event ev = { .data = in, .size = len + spare };

	memset(in, 0x5a, len + GUARD);
	ASSERT_OK(ke_receive(&ke, id, &ev, flags, 0));
	ck_assert_uint_eq(ev.len, len);
	ck_assert_msg(memory_is(in, len, (unsigned int)len), "%zu bytes came damaged", len);
	ck_assert_msg(memory_is_all(in + len, GUARD, 0x5a),
		      "more than %zu bytes were written", len);
}

static void round_trip(int id, size_t len, size_t spare)
{
	memory_fill(out, len, (unsigned int)len);
	ASSERT_OK(ke_send_event(&ke, id, out, len));
	expect_payload(id, len, spare, KE_PEEK);
	expect_payload(id, len, spare, 0);
}

START_TEST(small_payloads_come_whole)
{
	int id = fresh_id();
	size_t len;

	for (len = 0; len <= 300; len++) {
		round_trip(id, len, 0);
		round_trip(id, len, GUARD);
	}
	assert_empty(id);
}
END_TEST

/* With what a header before the payload may take of an allocation. */
START_TEST(payloads_around_powers_of_two_come_whole)
{
	int id = fresh_id();
	size_t power, len;

	for (power = 512; power <= 8192; power *= 2)
		for (len = power - 130; len <= power + 2; len++)
			round_trip(id, len, 0);
	assert_empty(id);
}
END_TEST

START_TEST(payloads_around_pages_come_whole)
{
	int id = fresh_id();
	size_t pages, len;

	for (pages = 1; pages <= 16; pages++)
		for (len = pages * 4096 - 1; len <= pages * 4096 + 1 && len <= DEFAULT_MAX; len++)
			round_trip(id, len, 0);
	assert_empty(id);
}
END_TEST

START_TEST(buffers_may_lie_anywhere)
{
	int id = fresh_id();
	size_t shift;

	for (shift = 0; shift < 16; shift++) {
		memory_fill(out + shift, 5000, 1);
		ASSERT_OK(ke_send_event(&ke, id, out + shift, 5000));
		ASSERT_OK(ke_get_event(&ke, id, in + 15 - shift, 5000));
		ck_assert(memory_is(in + 15 - shift, 5000, 1));
	}
}
END_TEST

START_TEST(the_largest_payload_is_accepted)
{
	int id = fresh_id();

	round_trip(id, DEFAULT_MAX, 0);
	assert_empty(id);
}
END_TEST

START_TEST(a_larger_payload_is_emsgsize)
{
	static const size_t sizes[] = { DEFAULT_MAX + 1, INT_MAX, SIZE_MAX / 2, SIZE_MAX };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ASSERT_RESULT(ke_send_event(&ke, id, out, sizes[i]), -EMSGSIZE);
	assert_empty(id);
}
END_TEST

START_TEST(p3_a_short_buffer_is_told_how_much_is_needed)
{
	struct ke_event ev = { .data = in };
	int id = fresh_id();
	size_t size;

	memory_fill(out, 100, 1);
	ASSERT_OK(ke_send_event(&ke, id, out, 100));
	for (size = 0; size < 100; size += 11) {
		ev.size = size;
		ev.len = 0;
		memset(in, 0x5a, 200);
		ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -EMSGSIZE);
		ck_assert_uint_eq(ev.len, 100);
		ck_assert(memory_is_all(in + size, 100, 0x5a));
	}
	ASSERT_OK(ke_get_event(&ke, id, in, 100));
	ck_assert(memory_is(in, 100, 1));
	assert_empty(id);
}
END_TEST

START_TEST(p3_a_short_buffer_does_not_change_the_order)
{
	struct ke_event ev = { .data = in };
	int id = fresh_id(), i;

	for (i = 0; i < 5; i++)
		send_number(id, i);
	for (i = 0; i < 5; i++) {
		ev.size = i;
		ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -EMSGSIZE);
		ASSERT_RESULT(ke_get_event(&ke, id, in, i), -EMSGSIZE);
		ck_assert_uint_eq(receive_number(id), i);
	}
}
END_TEST

START_TEST(a_peek_without_room_asks_for_the_length)
{
	struct ke_event ev = { .len = 0 };
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, out, 12345));
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -EMSGSIZE);
	ck_assert_uint_eq(ev.len, 12345);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(a_peek_shows_what_the_next_receive_gets)
{
	uint64_t number;
	struct ke_event peek, ev;
	int id = fresh_id(), i;

	send_number(id, 1);
	send_number(id, 2);
	for (i = 0; i < 3; i++) {
		peek = (struct ke_event){ .data = &number, .size = sizeof(number) };
		number = 0;
		ASSERT_OK(ke_receive(&ke, id, &peek, KE_PEEK, 0));
		ck_assert_uint_eq(number, 1);
		ck_assert_uint_eq(peek.deliveries, 1);
	}
	ev = (struct ke_event){ .data = &number, .size = sizeof(number) };
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	assert_same_bytes(&ev, &peek, sizeof(ev));
	ck_assert_uint_eq(receive_number(id), 2);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -ENOMSG);
}
END_TEST

START_TEST(events_of_all_sizes_wait_side_by_side)
{
	static const size_t sizes[] = { 40000, 0, 1, 65536, 128, 4096, 100, 8000, 64 };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memory_fill(out, sizes[i], (unsigned int)i);
		ASSERT_OK(ke_send_event(&ke, id, out, sizes[i]));
	}
	memset(out, 0, sizeof(out));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_OK(ke_get_event(&ke, id, in, sizes[i]));
		ck_assert(memory_is(in, sizes[i], (unsigned int)i));
	}
}
END_TEST

TESTS(60, WITH_CLIENT,
      small_payloads_come_whole,
      payloads_around_powers_of_two_come_whole,
      payloads_around_pages_come_whole,
      buffers_may_lie_anywhere,
      the_largest_payload_is_accepted,
      a_larger_payload_is_emsgsize,
      p3_a_short_buffer_is_told_how_much_is_needed,
      p3_a_short_buffer_does_not_change_the_order,
      a_peek_without_room_asks_for_the_length,
      a_peek_shows_what_the_next_receive_gets,
      events_of_all_sizes_wait_side_by_side)
