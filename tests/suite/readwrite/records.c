// SPDX-License-Identifier: GPL-2.0-only
/* Records by read() and write(). */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/record.h"
#include "lib/watch.h"

#define RECORD sizeof(struct number_record)

START_TEST(p4_records_are_written_and_read_in_order)
{
	static const size_t lens[] = { 0, 1, 7, 8, 9, 63, 64, 65, 200, 4096, 65536 };
	static char room[80000], back[80000];
	int id = watched_id();
	const char *found = back;
	char *end = room;
	ssize_t size;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		end = record_put(end, id, lens[i], i);
	size = end - room;
	ASSERT_COUNT(write(device(), room, size), size);
	memset(back, 0xa5, sizeof(back));
	ASSERT_COUNT(read(device(), back, sizeof(back)), size);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		found = record_expect(found, id, lens[i], i);
	ck_assert(memory_is_all(found, back + sizeof(back) - found, 0xa5));
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(a_record_is_an_event_like_others)
{
	int ids[2] = { watched_id(), watched_id() };
	struct number_record records[3] = {
		number_record(ids[0], 1), number_record(ids[1], 2), number_record(ids[0], 3),
	};
	uint64_t seq;

	ASSERT_COUNT(write(device(), records, sizeof(records)), sizeof(records));
	ck_assert_uint_eq(receive_number(ids[0]), 1);
	ck_assert_uint_eq(receive_number(ids[0]), 3);
	ck_assert_uint_eq(receive_number(ids[1]), 2);
	seq = send_number(ids[1], 4);
	ASSERT_COUNT(read(device(), records, sizeof(records)), RECORD);
	assert_number_record(&records[0], ids[1], 4);
	ck_assert_uint_eq(records[0].head.seq, seq);
}
END_TEST

START_TEST(nothing_is_written_or_read_in_no_bytes)
{
	int id = watched_id();
	char byte;

	ASSERT_COUNT(write(device(), &byte, 0), 0);
	send_number(id, 1);
	ck_assert_int_le(read(device(), &byte, 0), 0);
	assert_watched(&ke, 1);
	drain(id);
}
END_TEST

/* What is wrong with the record at `bad`; returns the error that it is. */
static int spoil(struct number_record *bad, size_t *size, int how)
{
	switch (how) {
	case 0:
		bad->head.seq = 1;
		return EINVAL;
	case 1:
		bad->head.len = 65537;
		*size += 80000;
		return EMSGSIZE;
	case 2:
		bad->head.len = UINT32_MAX;
		return EINVAL;
	case 3:
		*size -= 1;	/* the last one lacks a byte */
		bad[0].head.len = 7;	/* of its padding */
		return EINVAL;
	case 4:
		*size -= 8;	/* a head without its payload */
		return EINVAL;
	case 5:
		bad->head.len = 7;	/* and padding that is not zero */
		bad->number = UINT64_MAX;
		return EINVAL;
	default:
		*size -= 15;	/* half a head */
		return EINVAL;
	}
}

START_TEST(p3_a_bad_record_ends_a_write_and_what_came_before_stands)
{
	static struct number_record records[5000];
	int id = watched_id(), error, how, i;
	size_t bad, size;

	for (how = 0; how < 7; how++) {
		for (bad = 0; bad < 4; bad++) {
			for (i = 0; i < 4; i++)
				records[i] = number_record(id, i);
			size = (bad + 1) * RECORD;
			error = spoil(&records[bad], &size, how);
			if (bad)
				ASSERT_COUNT(write(device(), records, size), bad * RECORD);
			else
				ASSERT_ERROR(write(device(), records, size), error);
			for (i = 0; i < (int)bad; i++)
				ck_assert_uint_eq(receive_watched(&ke), i);
			assert_nothing_watched(&ke);
		}
	}
}
END_TEST

START_TEST(p3_a_write_of_half_mapped_records_sends_the_whole_ones)
{
	int id = watched_id();
	struct number_record *records;
	size_t cut;

	for (cut = 1; cut <= RECORD; cut++) {
		char *memory = memory_before_gap(3 * RECORD - cut);

		records = (void *)memory;
		records[0] = number_record(id, 0);
		records[1] = number_record(id, 1);
		if (cut < RECORD) {
			struct number_record third = number_record(id, 2);

			memcpy(memory + 2 * RECORD, &third, RECORD - cut);
		}
		ASSERT_COUNT(write(device(), memory, 3 * RECORD), 2 * RECORD);
		ck_assert_uint_eq(receive_watched(&ke), 0);
		ck_assert_uint_eq(receive_watched(&ke), 1);
		assert_nothing_watched(&ke);
		ASSERT_ERROR(write(device(), memory + 2 * RECORD, RECORD), EFAULT);
	}
}
END_TEST

START_TEST(a_read_takes_as_many_whole_records_as_fit)
{
	struct number_record records[5];
	char *bytes = (char *)records;
	int id = watched_id(), i, next;
	size_t size;

	for (size = RECORD; size <= 5 * RECORD; size++) {
		for (i = 0; i < 5; i++)
			send_number(id, i);
		memset(records, 0xa5, sizeof(records));
		ASSERT_COUNT(read(device(), records, size), size / RECORD * RECORD);
		next = (int)(size / RECORD);
		for (i = 0; i < next; i++)
			assert_number_record(&records[i], id, i);
		ck_assert(memory_is_all(bytes + size, sizeof(records) - size, 0xa5));
		for (i = next; i < 5; i++)
			ck_assert_uint_eq(receive_watched(&ke), i);
		assert_nothing_watched(&ke);
	}
}
END_TEST

START_TEST(p3_a_read_that_the_first_record_does_not_fit_says_so)
{
	int id = watched_id();
	char room[40];
	size_t size;

	ASSERT_OK(ke_send_event(&ke, id, "seventeen letters", 17));
	for (size = 1; size < sizeof(room); size++)
		ASSERT_ERROR(read(device(), room, size), EMSGSIZE);
	ASSERT_COUNT(read(device(), room, 40), 40);
	ck_assert_str_eq(room + 16, "seventeen letters");
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(a_read_is_fair_over_the_ids)
{
	struct number_record records[30];
	int ids[3], i, k;

	for (k = 0; k < 3; k++) {
		ids[k] = watched_id();
		for (i = 0; i < 10; i++)
			send_number(ids[k], i);
	}
	ASSERT_COUNT(read(device(), records, 9 * RECORD), 9 * RECORD);
	ASSERT_COUNT(read(device(), records + 9, 21 * RECORD), 21 * RECORD);
	for (i = 0; i < 30; i++)
		assert_number_record(&records[i], records[i % 3].head.id, i / 3);
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(p3_a_read_into_half_mapped_memory_keeps_what_it_could_not_write)
{
	int id = watched_id(), i;
	struct number_record *records;
	size_t cut;

	for (cut = 1; cut <= RECORD; cut++) {
		records = (void *)memory_before_gap(3 * RECORD - cut);
		for (i = 0; i < 4; i++)
			send_number(id, i);
		ASSERT_COUNT(read(device(), records, 4 * RECORD), 2 * RECORD);
		assert_number_record(&records[0], id, 0);
		assert_number_record(&records[1], id, 1);
		ASSERT_ERROR(read(device(), records + 2, 2 * RECORD), EFAULT);
		for (i = 2; i < 4; i++)
			ck_assert_uint_eq(receive_watched(&ke), i);
		assert_nothing_watched(&ke);
	}
}
END_TEST

/* Pages that are there but have not been touched are not a fault. */
START_TEST(p3_a_read_into_fresh_pages_works)
{
	const size_t len = 60000;
	char *memory;
	int id = watched_id(), i;
	static char room[60016];

	for (i = 0; i < 10; i++) {
		memory = memory_map(16, PROT_READ | PROT_WRITE);
		ASSERT_COUNT(write(device(), room, record_put(room, id, len, i) - room),
			     sizeof(room));
		ASSERT_COUNT(read(device(), memory, 16 * page_size()), sizeof(room));
		record_expect(memory, id, len, i);
	}
	memory = memory_map(16, PROT_READ | PROT_WRITE);
	for (i = 0; i < 1000; i++)
		send_number(id, i);
	ASSERT_COUNT(read(device(), memory, 16 * page_size()), 1000 * RECORD);
	for (i = 0; i < 1000; i++)
		assert_number_record((struct number_record *)(void *)memory + i, id, i);
}
END_TEST

static void write_and_read_vectors(int id, size_t step)
{
	struct number_record out[4], in[4];
	struct iovec from[sizeof(out)], to[sizeof(in)];
	size_t at, i, n = 0;

	for (i = 0; i < 4; i++)
		out[i] = number_record(id, i);
	memset(in, 0xa5, sizeof(in));
	for (at = 0; at < sizeof(out); at += step, n++) {
		size_t len = sizeof(out) - at < step ? sizeof(out) - at : step;

		from[n] = (struct iovec){ (char *)out + at, len };
		to[n] = (struct iovec){ (char *)in + at, len };
	}
	ASSERT_COUNT(writev(device(), from, n), sizeof(out));
	ASSERT_COUNT(readv(device(), to, n), sizeof(in));
	for (i = 0; i < 4; i++)
		assert_number_record(&in[i], id, i);
	assert_nothing_watched(&ke);
}

START_TEST(records_may_lie_across_vectors)
{
	static const size_t steps[] = { 1, 3, 5, 7, 8, 11, 16, 17, 23, 24, 25, 95 };
	int id = watched_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		write_and_read_vectors(id, steps[i]);
}
END_TEST

START_TEST(p3_a_vector_that_is_not_mapped_ends_a_read)
{
	struct number_record records[3];
	struct iovec to[] = {
		{ records, RECORD + 5 }, { (void *)16, 8 }, { (char *)records + 50, RECORD },
	};
	int id = watched_id(), i;

	for (i = 0; i < 3; i++)
		send_number(id, i);
	ASSERT_COUNT(readv(device(), to, 3), RECORD);
	assert_number_record(&records[0], id, 0);
	for (i = 1; i < 3; i++)
		ck_assert_uint_eq(receive_watched(&ke), i);
}
END_TEST

START_TEST(the_access_mode_decides)
{
	struct number_record record = number_record(fresh_id(), 1);
	int fd = open("/dev/kevents", O_RDONLY | O_CLOEXEC);

	ASSERT_SYS(fd);
	ASSERT_ERROR(write(fd, &record, RECORD), EBADF);
	close(fd);
	fd = open("/dev/kevents", O_WRONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	ASSERT_ERROR(read(fd, &record, RECORD), EBADF);
	ASSERT_ERROR(lseek(fd, 0, SEEK_SET), ESPIPE);
	ASSERT_COUNT(write(fd, &record, RECORD), RECORD);
	close(fd);
	ck_assert_uint_eq(receive_number(record.head.id), 1);
}
END_TEST

START_TEST(p3_padding_that_is_missing_is_efault)
{
	const struct kevents_record record = { .id = watched_id(), .len = 5 };
	const size_t size = KEVENTS_RECORD_SIZE(record.len);
	size_t mapped;

	for (mapped = sizeof(record) + record.len; mapped < size; mapped++) {
		char *at = memory_before_gap(mapped);

		memcpy(at, &record, sizeof(record));
		ASSERT_ERROR(write(device(), at, size), EFAULT);
		assert_nothing_watched(&ke);
	}
}
END_TEST

TESTS(60, WITH_CLIENT,
      p4_records_are_written_and_read_in_order,
      a_record_is_an_event_like_others,
      nothing_is_written_or_read_in_no_bytes,
      p3_a_bad_record_ends_a_write_and_what_came_before_stands,
      p3_a_write_of_half_mapped_records_sends_the_whole_ones,
      a_read_takes_as_many_whole_records_as_fit,
      p3_a_read_that_the_first_record_does_not_fit_says_so,
      a_read_is_fair_over_the_ids,
      p3_a_read_into_half_mapped_memory_keeps_what_it_could_not_write,
      p3_a_read_into_fresh_pages_works,
      records_may_lie_across_vectors,
      p3_a_vector_that_is_not_mapped_ends_a_read,
      the_access_mode_decides,
      p3_padding_that_is_missing_is_efault)
