// SPDX-License-Identifier: GPL-2.0-only
/* Payloads around every size at which they are kept in another way, by every call. */
#include "lib/harness.h"
#include "lib/inject.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/module.h"
#include "lib/record.h"

#define LONGEST 1048576
#define UNIT 4096
#define BATCH 16

static char out[LONGEST], in[LONGEST + 64];
static char stream[KEVENTS_RECORD_SIZE(LONGEST)];

static void by_event(int id, size_t len)
{
	struct ke_event ev = { .data = in, .size = sizeof(in) };

	memory_fill(out, len, (unsigned int)len);
	memset(in, 0x5a, len + 64);
	ASSERT_OK(ke_send_event(&ke, id, out, len));
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.len, len);
	ck_assert_msg(memory_is(in, len, (unsigned int)len), "%zu bytes came damaged", len);
	ck_assert_msg(memory_is_all(in + len, 64, 0x5a), "more than %zu bytes came", len);
}

/* The same length several times, in buffers that follow each other. */
static void by_batch(int id, size_t len)
{
	const unsigned int n = len < LONGEST / BATCH ? BATCH : 1;
	struct ke_event evs[BATCH] = { 0 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		evs[i] = (struct ke_event){ .id = id, .data = out + i * len, .len = len };
		memory_fill(evs[i].data, len, i);
	}
	ASSERT_RESULT(ke_send_batch(&ke, evs, n, 0), n);
	for (i = 0; i < n; i++)
		evs[i] = (struct ke_event){ .data = in + i * len, .size = len };
	ASSERT_RESULT(ke_receive_batch(&ke, evs, n, 0, 0), n);
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(evs[i].len, len);
		ck_assert_msg(memory_is(in + i * len, len, i), "%zu bytes came damaged", len);
	}
}

static void by_record(int id, size_t len)
{
	ssize_t size = record_put(stream, id, len, (unsigned int)len) - stream;

	ck_assert_int_eq(write(ke_fd(&ke), stream, size), size);
	memset(stream, 0x5a, size);
	ck_assert_int_eq(read(ke_fd(&ke), stream, size), size);
	record_expect(stream, id, len, (unsigned int)len);
}

static void by_all(int id, size_t len)
{
	by_event(id, len);
	by_batch(id, len);
	by_record(id, len);
}

static int new_watched_id(void)
{
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	limit_set("max_event_size", LONGEST);
	return id;
}

/* Header, pointers and padding of an event take less than this. */
#define OVERHEAD_MAX 200

START_TEST(payloads_of_one_object_come_whole)
{
	int id = new_watched_id();
	size_t len, total;

	for (len = 0; len <= 70; len++)
		by_all(id, len);
	for (total = 256; total <= 4096; total *= 2)
		for (len = total - OVERHEAD_MAX; len <= total + 1; len++)
			by_all(id, len);
	assert_empty(id);
}
END_TEST

/* With each unit the header of a segment, a pointer, and the last bytes move along. */
START_TEST(payloads_with_another_segment_come_whole)
{
	int id = new_watched_id();
	size_t units, len, end;

	for (units = 1; units <= 18; units++) {
		end = units * UNIT - units * 24;
		for (len = end - OVERHEAD_MAX; len <= end + 70; len += units < 3 ? 1 : 7)
			by_event(id, len);
		by_all(id, end);
		by_all(id, units * UNIT);
	}
	assert_empty(id);
}
END_TEST

static const size_t large[] = {
	65535, 65536, 65537, 70000, 131072, 262143, 500000, LONGEST - 1, LONGEST,
};

START_TEST(large_payloads_come_whole)
{
	int id = new_watched_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(large); i++)
		by_all(id, large[i]);
	assert_empty(id);
}
END_TEST

START_TEST(payloads_come_whole_where_no_pages_lie_side_by_side)
{
	static const char *const pieces[] = {
		"kevents_segment_8k", "kevents_segment_16k", "kevents_segment_32k",
		"kevents_segment_64k",
	};
	int id = new_watched_id();
	size_t i, units;

	if (!faults_available())
		SKIP("this kernel cannot inject faults");
	fault_pieces_begin();
	for (units = 1; units <= 18; units++)
		by_all(id, units * UNIT);
	for (i = 0; i < ARRAY_SIZE(large); i++)
		by_all(id, large[i]);
	ASSERT_OK(ke_send_event(&ke, id, out, LONGEST));
	fault_pieces_end();
	for (i = 0; i < ARRAY_SIZE(pieces); i++)
		ck_assert_int_eq(slab_objects(pieces[i]), 0);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

/* Memory that ends half way: nothing is sent, and what is received stays. */
START_TEST(p3_a_payload_of_several_segments_that_cannot_be_copied_changes_nothing)
{
	static const size_t lens[] = { 5000, 20000, 65536, 100000 };
	int id = new_watched_id();
	struct ke_limits before;
	struct ke_event ev;
	size_t i, lack;

	before = limits_after_sending(id);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		for (lack = 1; lack < lens[i]; lack = lack * 3 + 1) {
			char *memory = memory_before_gap(lens[i] - lack);

			ASSERT_RESULT(ke_send_event(&ke, id, memory, lens[i]), -EFAULT);
			assert_empty(id);
			limits_wait_back_to(&before);
			memory_fill(out, lens[i], 3);
			ASSERT_OK(ke_send_event(&ke, id, out, lens[i]));
			ev = (struct ke_event){ .data = memory, .size = lens[i] };
			ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -EFAULT);
			ASSERT_OK(ke_get_event(&ke, id, in, lens[i]));
			ck_assert(memory_is(in, lens[i], 3));
		}
}
END_TEST

TESTS(120, WITH_CLIENT,
      payloads_of_one_object_come_whole,
      payloads_with_another_segment_come_whole,
      large_payloads_come_whole,
      payloads_come_whole_where_no_pages_lie_side_by_side,
      p3_a_payload_of_several_segments_that_cannot_be_copied_changes_nothing)
