// SPDX-License-Identifier: GPL-2.0-only
/* P3, P8: batches as the device takes them, malformed and half mapped. */
#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/watch.h"

static int send_batch(const struct kevents_send *entries, uint32_t n)
{
	return abi_batch(KEVENTS_IOC_SEND_BATCH, entries, n);
}

static int receive_batch(const struct kevents_receive *entries, uint32_t n)
{
	return abi_batch(KEVENTS_IOC_RECEIVE_BATCH, entries, n);
}

static uint64_t numbers[8];

static void prepare_sends(struct kevents_send *entries, unsigned int n, int id)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		numbers[i] = i;
		entries[i] = abi_send(id, &numbers[i], sizeof(numbers[i]));
	}
}

static void prepare_receives(struct kevents_receive *entries, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		entries[i] = abi_receive(0, &numbers[i], sizeof(numbers[i]));
}

START_TEST(p8_the_head_of_a_batch_must_be_clean)
{
	static const unsigned long commands[] = { KEVENTS_IOC_SEND_BATCH,
						  KEVENTS_IOC_RECEIVE_BATCH };
	struct kevents_batch batch;
	unsigned int bit;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		for (bit = 0; bit < 32; bit++) {
			batch = (struct kevents_batch){ .flags = 1U << bit };
			if (i && batch.flags == KEVENTS_RECEIVE_LEASE)
				ASSERT_OK(abi_call(commands[i], &batch));
			else
				ASSERT_RESULT(abi_call(commands[i], &batch), -EINVAL);
		}
		batch = (struct kevents_batch){ .reserved = { 1 } };
		ASSERT_RESULT(abi_call(commands[i], &batch), -EINVAL);
		batch = (struct kevents_batch){ .reserved = { 0, 1ULL << 63 } };
		ASSERT_RESULT(abi_call(commands[i], &batch), -EINVAL);
		ASSERT_OK(abi_batch(commands[i], NULL, 0));
		ASSERT_OK(abi_batch(commands[i], (void *)1, 0));
		ASSERT_RESULT(abi_batch(commands[i], NULL, 1), -EFAULT);
		ASSERT_RESULT(abi_call(commands[i], NULL), -EFAULT);
		ASSERT_RESULT(abi_call(commands[i], memory_before_gap(39)), -EFAULT);
	}
}
END_TEST

static void spoil_send(struct kevents_send *entry, int how)
{
	switch (how) {
	case 0:
		entry->flags = 1;
		break;
	case 1:
		entry->deadline_ns = 1;
		break;
	case 2:
		entry->deadline_ns = KEVENTS_NO_DEADLINE;
		break;
	case 3:
		entry->reserved32 = 1;
		break;
	default:
		entry->reserved = 1;
	}
}

START_TEST(p3_a_malformed_entry_ends_a_batch_that_is_sent)
{
	struct kevents_send entries[4];
	int id = watched_id(), bad, how, i;

	for (how = 0; how < 5; how++) {
		for (bad = 0; bad < 4; bad++) {
			prepare_sends(entries, 4, id);
			spoil_send(&entries[bad], how);
			ASSERT_RESULT(send_batch(entries, 4), bad ? bad : -EINVAL);
			for (i = 0; i < bad; i++)
				ck_assert_uint_eq(receive_watched(&ke), i);
			assert_nothing_watched(&ke);
			/* 0 where nothing was sent; entries behind it are not looked at. */
			ck_assert_uint_eq(entries[bad].seq, 0);
			for (i = bad + 1; i < 4; i++)
				ck_assert_uint_eq(entries[i].seq, UINT64_MAX);
		}
	}
}
END_TEST

static void spoil_receive(struct kevents_receive *entry, int how)
{
	switch (how) {
	case 0:
		entry->flags = KEVENTS_RECEIVE_LEASE;
		break;
	case 1:
		entry->flags = KEVENTS_RECEIVE_WATCHED;
		break;
	case 2:
		entry->deadline_ns = KEVENTS_NO_DEADLINE;
		break;
	case 3:
		entry->id = 1;
		break;
	case 4:
		entry->lease_ms = 1;
		break;
	case 5:
		entry->reserved32 = 1;
		break;
	default:
		entry->reserved = 1;
	}
}

START_TEST(p3_a_malformed_entry_ends_a_batch_that_is_received)
{
	struct kevents_receive entries[4];
	int id = watched_id(), bad, how, i;

	for (how = 0; how < 7; how++) {
		for (bad = 0; bad < 4; bad++) {
			for (i = 0; i < 4; i++)
				send_number(id, i);
			prepare_receives(entries, 4);
			spoil_receive(&entries[bad], how);
			ASSERT_RESULT(receive_batch(entries, 4), bad ? bad : -EINVAL);
			for (i = 0; i < bad; i++)
				ck_assert_uint_eq(numbers[i], i);
			for (i = bad; i < 4; i++) {
				ck_assert(abi_is_painted(&entries[i].event,
							 sizeof(entries[i].event)));
				ck_assert_uint_eq(receive_watched(&ke), i);
			}
			assert_nothing_watched(&ke);
		}
	}
}
END_TEST

START_TEST(p3_entries_that_are_not_mapped_end_a_batch)
{
	struct kevents_receive *receives;
	struct kevents_send *sends;
	int id = watched_id(), i;

	sends = (void *)memory_before_gap(3 * sizeof(*sends));
	prepare_sends(sends, 3, id);
	ASSERT_RESULT(send_batch(sends, 5), 3);
	ASSERT_RESULT(send_batch(sends + 3, 5), -EFAULT);
	ASSERT_RESULT(send_batch((void *)((char *)(sends + 2) + 16), 5), -EFAULT);
	send_number(id, 3);

	receives = (void *)memory_before_gap(2 * sizeof(*receives));
	prepare_receives(receives, 2);
	ASSERT_RESULT(receive_batch(receives + 2, 5), -EFAULT);
	ASSERT_RESULT(receive_batch(receives, UINT32_MAX), 2);
	for (i = 0; i < 2; i++)
		ck_assert_uint_eq(numbers[i], i);
	for (i = 2; i < 4; i++)
		ck_assert_uint_eq(receive_watched(&ke), i);
	assert_nothing_watched(&ke);
}
END_TEST

/* The second of two entries ends before each of its fields in turn. */
START_TEST(p3_an_entry_that_cannot_be_read_to_its_end_ends_a_batch)
{
	struct kevents_receive *receives, receive = abi_receive(0, numbers, sizeof(numbers));
	struct kevents_send *sends, send;
	int id = watched_id();
	size_t mapped;

	prepare_sends(&send, 1, id);
	for (mapped = 0; mapped < offsetof(struct kevents_send, seq); mapped += 8) {
		sends = (void *)memory_before_gap(sizeof(send) + mapped);
		sends[0] = send;
		memcpy(sends + 1, &send, mapped);
		ASSERT_RESULT(send_batch(sends, 2), 1);
		ck_assert_uint_eq(receive_watched(&ke), 0);
	}
	assert_nothing_watched(&ke);
	for (mapped = 0; mapped < offsetof(struct kevents_receive, event); mapped += 8) {
		receives = (void *)memory_before_gap(sizeof(receive) + mapped);
		receives[0] = receive;
		memcpy(receives + 1, &receive, mapped);
		send_number(id, 1);
		send_number(id, 2);
		ASSERT_RESULT(receive_batch(receives, 2), 1);
		ck_assert_uint_eq(numbers[0], 1);
		ck_assert_uint_eq(receive_watched(&ke), 2);
	}
	assert_nothing_watched(&ke);
}
END_TEST

/* An entry of which only what goes in is mapped: the event must not be lost. */
START_TEST(p3_an_entry_that_cannot_be_written_ends_a_batch)
{
	const size_t in = offsetof(struct kevents_receive, event);
	struct kevents_receive *receives;
	struct kevents_send *sends;
	int id = watched_id(), i;
	char *memory;

	memory = memory_before_gap(sizeof(*receives) + in);
	receives = (void *)memory;
	receives[0] = abi_receive(0, &numbers[0], sizeof(numbers[0]));
	memcpy(receives + 1, receives, in);
	/* The payload of a receive that fails may be written. */
	((uint64_t *)(receives + 1))[1] = (uintptr_t)&numbers[1];
	for (i = 0; i < 3; i++)
		send_number(id, i);
	ASSERT_RESULT(receive_batch(receives, 2), 1);
	ck_assert_uint_eq(numbers[0], 0);
	for (i = 1; i < 3; i++)
		ck_assert_uint_eq(receive_watched(&ke), i);

	memory = memory_before_gap(2 * sizeof(*sends) - sizeof(sends->seq));
	sends = (void *)memory;
	sends[0] = abi_send(id, &numbers[0], sizeof(numbers[0]));
	memcpy(sends + 1, sends, sizeof(*sends) - sizeof(sends->seq));
	ASSERT_RESULT(send_batch(sends, 2), 1);
	ck_assert_uint_eq(receive_watched(&ke), 0);
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(p3_emsgsize_says_how_long_the_first_is)
{
	struct kevents_receive entries[3];
	int id = watched_id();

	send_number(id, 1);
	ASSERT_OK(ke_send_event(&ke, id, numbers, sizeof(numbers)));
	send_number(id, 3);
	prepare_receives(entries, 3);
	ASSERT_RESULT(receive_batch(entries, 3), 1);
	ck_assert_uint_eq(numbers[0], 1);
	prepare_receives(entries, 3);
	ASSERT_RESULT(receive_batch(entries, 3), -EMSGSIZE);
	ck_assert_uint_eq(entries[0].event.len, sizeof(numbers));
	entries[0].size = sizeof(numbers);
	ASSERT_RESULT(receive_batch(entries, 1), 1);
	ck_assert_uint_eq(receive_watched(&ke), 3);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p8_the_head_of_a_batch_must_be_clean,
      p3_a_malformed_entry_ends_a_batch_that_is_sent,
      p3_a_malformed_entry_ends_a_batch_that_is_received,
      p3_entries_that_are_not_mapped_end_a_batch,
      p3_an_entry_that_cannot_be_read_to_its_end_ends_a_batch,
      p3_an_entry_that_cannot_be_written_ends_a_batch,
      p3_emsgsize_says_how_long_the_first_is)
