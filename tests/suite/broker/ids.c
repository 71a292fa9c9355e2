// SPDX-License-Identifier: GPL-2.0-only
/* Many events, many IDs, and what is left of them. */
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"

#define FIRST_ID (2 * FRESH_IDS_END)	/* of these tests, upwards and downwards */

START_TEST(p7_a_hundred_thousand_events_wait_under_one_id)
{
	const unsigned int count = event_count(100000);
	int id = fresh_id();
	unsigned int i;

	for (i = 0; i < count; i++)
		send_number(id, i);
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	for (i = 0; i < count; i++)
		if (receive_number(id) != i)
			ck_abort_msg("event %u is another one", i);
	assert_empty(id);
}
END_TEST

START_TEST(p7_a_hundred_thousand_ids_have_an_event_each)
{
	const unsigned int count = event_count(100000);
	unsigned int i;

	limit_set("max_bytes", count * 2000UL);
	for (i = 0; i < count; i++)
		send_number(FIRST_ID + i, i);
	for (i = 0; i < count; i++)
		if (receive_number(FIRST_ID + i) != i)
			ck_abort_msg("event %u is another one", i);
}
END_TEST

START_TEST(p5_ids_used_once_leave_nothing_behind)
{
	/* A million; 32-bit programs need not try as many. */
	const unsigned int count = event_count(100000) * (sizeof(void *) == 8 ? 10 : 1);
	long queues = replace_idle_queues(), events = slab_objects(EVENTS);
	unsigned int i;

	for (i = 0; i < count; i++) {
		send_number(FIRST_ID + i, i);
		if (receive_number(FIRST_ID + i) != i)
			ck_abort_msg("event %u is another one", i);
	}
	slab_wait_down_to(EVENTS, events + SPARE);
	slab_wait_down_to(QUEUES, queues);
}
END_TEST

START_TEST(p5_ids_asked_for_in_vain_leave_nothing_behind)
{
	const unsigned int count = event_count(100000) / 100 + 2 * IDLE_QUEUES;
	long queues = replace_idle_queues();
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct ke_event ev = { .size = 0 };

		ASSERT_RESULT(ke_poll_event(&ke, FIRST_ID + i), 0);
		ASSERT_RESULT(ke_receive(&ke, FIRST_ID + i, &ev, 0, 0), -ENOMSG);
		ASSERT_RESULT(ke_receive(&ke, FIRST_ID + i, &ev, 0, 1), -ETIMEDOUT);
	}
	slab_wait_down_to(QUEUES, queues);
}
END_TEST

START_TEST(p5_a_queue_with_events_stays)
{
	long queues = replace_idle_queues();
	const int count = 2 * IDLE_QUEUES;
	int i;

	for (i = 0; i < count; i++)
		send_number(FIRST_ID + i, i);
	for (i = 0; i < count; i++)
		send_number(FIRST_ID - 1 - i, i);
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(receive_number(FIRST_ID + i), i);
	slab_wait_down_to(QUEUES, queues + count);
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(receive_number(FIRST_ID - 1 - i), i);
	slab_wait_down_to(QUEUES, queues);
}
END_TEST

START_TEST(p9_a_queue_where_somebody_waits_stays)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	receiver_block(&receiver);
	ASSERT_RESULT(ke_poll_event(&ke, id), 0);
	replace_idle_queues();
	send_number(id, 2);
	receiver_expect(&receiver, 2);
}
END_TEST

/* What makes the table of a namespace grow gets no processor meanwhile. */
START_TEST(p1_ids_come_faster_than_their_table_grows)
{
	const unsigned int count = 1000;
	unsigned int i;

	user_enter_own_netns();
	task_pin();
	task_rule();
	for (i = 0; i < count; i++)
		send_number(FIRST_ID + i, i);
	task_yield_rule();
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(receive_number(FIRST_ID + i), i);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p7_a_hundred_thousand_events_wait_under_one_id,
      p7_a_hundred_thousand_ids_have_an_event_each,
      p5_ids_used_once_leave_nothing_behind,
      p5_ids_asked_for_in_vain_leave_nothing_behind,
      p5_a_queue_with_events_stays,
      p9_a_queue_where_somebody_waits_stays,
      p1_ids_come_faster_than_their_table_grows)
