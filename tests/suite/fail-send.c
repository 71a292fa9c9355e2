// SPDX-License-Identifier: GPL-2.0-only
/* P3, P5: sends of every kind with every allocation and copy failing in turn. */
#include <sys/uio.h>

#include "harness.h"
#include "limits.h"
#include "record.h"
#include "scene.h"
#include "task.h"
#include "user.h"

static char payload[60000];
static size_t payload_len;
static struct ke_event several[3];

static int outcome(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

static int send_payload(void)
{
	return ke_send_event(&ke, ids[UNUSED], payload, payload_len);
}

static int send_to_known(void)
{
	struct ke_event ev = { .id = ids[EMPTY], .data = payload, .len = 8 };

	return ke_send(&ke, &ev, 0, 0);
}

static int send_with_ttl(void)
{
	struct ke_event ev = {
		.id = ids[UNUSED], .data = payload, .len = 300, .ttl_ms = 3600000,
	};

	return ke_send(&ke, &ev, 0, 0);
}

static int send_several(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(several); i++)
		several[i] = (struct ke_event){ .id = ids[EMPTY], .data = payload, .len = 100 };
	return ke_send_batch(&ke, several, ARRAY_SIZE(several), 0);
}

static int write_several(void)
{
	struct number_record records[] = {
		number_record(ids[EMPTY], 1), number_record(ids[EMPTY], 2),
		number_record(ids[EMPTY], 3),
	};

	return outcome(write(ke_fd(&ke), records, sizeof(records)));
}

static int write_pieces(void)
{
	struct number_record record = number_record(ids[EMPTY], 1);
	struct iovec pieces[] = {
		{ &record, 5 },
		{ (char *)&record + 5, sizeof(record) - 5 },
	};

	return outcome(writev(ke_fd(&ke), pieces, ARRAY_SIZE(pieces)));
}

static void drain_empty(int result)
{
	(void)result;
	drain(ids[EMPTY]);
}

static void drain_unused(int result)
{
	(void)result;
	ck_assert_uint_eq(drain(ids[UNUSED]), 1);
}

#define SEND_LENGTH(len)							\
do {										\
	payload_len = (len);							\
	SET_SCENE();								\
	FAIL("send", send_payload, drain_unused, 0);				\
	scene_strike();								\
} while (0)

START_TEST(p3_sending_nothing)
{
	SEND_LENGTH(0);
}
END_TEST

START_TEST(p3_sending_little)
{
	SEND_LENGTH(8);
}
END_TEST

START_TEST(p3_sending_a_page)
{
	SEND_LENGTH(4096);
}
END_TEST

START_TEST(p3_sending_much)
{
	SEND_LENGTH(sizeof(payload));
}
END_TEST

START_TEST(p3_sending_in_every_other_way)
{
	SET_SCENE();
	FAIL("send to an ID in use", send_to_known, drain_empty, 0);
	FAIL("send with a time to live", send_with_ttl, drain_unused, 0);
	FAIL("send_batch", send_several, drain_empty, 3);
	FAIL("write", write_several, drain_empty, 3 * sizeof(struct number_record));
	FAIL("writev", write_pieces, drain_empty, sizeof(struct number_record));
	scene_strike();
}
END_TEST

static int wait_for_room(void)
{
	struct ke_event ev = { .id = ids[UNUSED], .data = payload, .len = 8 };

	return ke_send(&ke, &ev, 0, 1);
}

START_TEST(p3_waiting_for_room)
{
	SET_SCENE();
	limit_set("max_bytes", 1);
	FAIL("send that waits", wait_for_room, NULL, -ETIMEDOUT);
	limits_restore();
	scene_strike();
}
END_TEST

static bool is_failure(int result)
{
	return result == -ENOMEM || result == -EFAULT;
}

/*
 * In a namespace of its own, whose table has to grow there and then: what would
 * make it grow later gets no processor.
 */
START_TEST(p3_sending_to_ids_that_make_their_table_grow)
{
	const int first = 1, count = 100;
	unsigned int nth;
	int id, err;

	if (!faults_available())
		SKIP("this kernel injects no faults");
	ASSERT_SYS(unshare(CLONE_NEWNET));
	user_reopen();
	task_pin();
	task_rule();
	for (id = first; id < first + count; id++) {
		for (nth = 1, err = -ENOMEM; err; nth++) {
			fault_arm(nth);
			err = ke_send_event(&ke, id, NULL, 0);
			fault_disarm();
			ck_assert_msg(!err || is_failure(err), "ID %d, fault %u: %d", id, nth, err);
		}
	}
	task_yield_rule();
	for (id = first; id < first + count; id++)
		ck_assert_uint_eq(drain(id), 1);
}
END_TEST

static kevents_ctx other;

static int send_one_by_other(void)
{
	struct ke_event ev = { .id = ids[UNUSED], .data = payload, .len = 8 };

	return ke_send(&other, &ev, 0, 0) ?: 1;
}

static int send_several_by_other(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(several); i++)
		several[i] = (struct ke_event){ .id = ids[UNUSED], .data = payload, .len = 100 };
	return ke_send_batch(&other, several, ARRAY_SIZE(several), 0);
}

/* The call, which tells how many it sent, through a new client by a new user. */
static void fail_first(int (*call)(void))
{
	const struct ke_limits before = limits_now();
	const uid_t uid = fresh_user();
	unsigned int nth = 1;
	bool failed;
	int sent;

	do {
		ASSERT_OK(ke_init(&other));
		ASSERT_SYS(setreuid(uid, -1));
		fault_arm(nth);
		sent = call();
		failed = fault_disarm();
		ASSERT_SYS(setreuid(0, -1));
		ASSERT_OK(ke_close(&other));
		ck_assert_msg(sent > 0 || is_failure(sent), "fault %u: %d", nth, sent);
		ck_assert_uint_eq(drain(ids[UNUSED]), sent > 0 ? sent : 0);
		limits_wait_back_to(&before);
		nth++;
	} while (failed);
}

START_TEST(p3_a_process_that_sends_for_the_first_time)
{
	SET_SCENE();
	fail_first(send_one_by_other);
	fail_first(send_several_by_other);
	scene_strike();
}
END_TEST

TESTS(fail_send, 120, WITH_CLIENT,
      p3_sending_nothing,
      p3_sending_little,
      p3_sending_a_page,
      p3_sending_much,
      p3_sending_in_every_other_way,
      p3_waiting_for_room,
      p3_sending_to_ids_that_make_their_table_grow,
      p3_a_process_that_sends_for_the_first_time)
