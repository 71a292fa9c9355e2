// SPDX-License-Identifier: GPL-2.0-only
#include "record.h"

#include "harness.h"
#include "memory.h"

struct number_record number_record(int id, uint64_t number)
{
	return (struct number_record){
		.head = { .id = id, .len = sizeof(number) }, .number = number,
	};
}

void assert_number_record(const struct number_record *record, int id, uint64_t number)
{
	ck_assert_int_eq(record->head.id, id);
	ck_assert_uint_eq(record->head.len, sizeof(record->number));
	ck_assert_uint_ne(record->head.seq, 0);
	ck_assert_uint_eq(record->number, number);
}

char *record_put(char *at, int id, size_t len, unsigned int seed)
{
	struct kevents_record head = { .id = id, .len = len };
	size_t size = KEVENTS_RECORD_SIZE(len);

	memset(at, 0, size);
	memcpy(at, &head, sizeof(head));
	memory_fill(at + sizeof(head), len, seed);
	return at + size;
}

const char *record_expect(const char *at, int id, size_t len, unsigned int seed)
{
	size_t size = KEVENTS_RECORD_SIZE(len);
	struct kevents_record head;

	memcpy(&head, at, sizeof(head));
	ck_assert_int_eq(head.id, id);
	ck_assert_uint_eq(head.len, len);
	ck_assert_uint_ne(head.seq, 0);
	ck_assert(memory_is(at + sizeof(head), len, seed));
	ck_assert_msg(memory_is_all(at + sizeof(head) + len, size - sizeof(head) - len, 0),
		      "the padding of a record of %zu bytes is not zero", len);
	return at + size;
}

int device(void)
{
	return ke_fd(&ke);
}
