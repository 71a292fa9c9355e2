// SPDX-License-Identifier: GPL-2.0-only
/* P3, P5: sends of every kind with every allocation and copy failing in turn. */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "lib/harness.h"
#include "lib/inject-ids.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/user.h"

#define HOUR 3600000	/* ms */
#define LONGEST 200000
#define SEVERAL 3
#define MANY 20		/* more than are sent in one go */

static char payload[LONGEST], room[LONGEST];
static size_t payload_len;
static struct ke_event several[MANY];
static uint64_t numbers[MANY];

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
	several[0] = (struct ke_event){
		.id = ids[EMPTY], .data = numbers, .len = sizeof(*numbers),
	};
	return ke_send(&ke, &several[0], 0, 0);
}

static int send_with_ttl(void)
{
	struct ke_event ev = {
		.id = ids[UNUSED], .data = payload, .len = payload_len, .ttl_ms = HOUR,
	};

	return ke_send(&ke, &ev, 0, 0);
}

static int send_numbers(size_t count, uint32_t ttl_ms, int timeout_ms)
{
	size_t i;

	for (i = 0; i < count; i++)
		several[i] = (struct ke_event){
			.id = ids[EMPTY], .data = &numbers[i], .len = sizeof(*numbers),
			.ttl_ms = ttl_ms,
		};
	return ke_send_batch(&ke, several, count, timeout_ms);
}

static int send_several(void)
{
	return send_numbers(SEVERAL, 0, 0);
}

static int send_many(void)
{
	return send_numbers(MANY, HOUR, 1);
}

/* Of sizes, times to live and IDs that do not go together. */
static int send_all_kinds(void)
{
	static const struct ke_event kinds[SEVERAL] = {
		{ .data = payload, .len = 100 },
		{ .data = payload, .len = 3000, .ttl_ms = HOUR },
		{ .data = payload, .len = 0 },
	};

	memcpy(several, kinds, sizeof(kinds));
	several[0].id = ids[EMPTY];
	several[1].id = ids[UNUSED];
	several[2].id = ids[EMPTY];
	return ke_send_batch(&ke, several, SEVERAL, 0);
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

/* So many have come, from the first on, and no more. */
static void take_numbers(int count)
{
	int i;

	for (i = 1; i <= count; i++)
		ck_assert_uint_eq(receive_number(ids[EMPTY]), i);
	assert_empty(ids[EMPTY]);
}

/* Those that have gone have their seq. */
static void are_numbered(int count)
{
	int i;

	for (i = 0; i < count; i++)
		ck_assert_uint_ne(several[i].seq, 0);
}

static void is_numbered(int result)
{
	(void)result;
	are_numbered(1);
}

static void take_one_number(int result)
{
	(void)result;
	take_numbers(1);
}

static void take_records(int result)
{
	ck_assert_uint_eq(result % sizeof(struct number_record), 0);
	take_numbers(result / (int)sizeof(struct number_record));
}

static void take_payload_of(int id, size_t len)
{
	struct ke_event ev = { .data = room, .size = sizeof(room) };

	memset(room, 0, sizeof(room));
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.len, len);
	ck_assert(memory_is(room, len, 1));
}

static void take_payload(int result)
{
	(void)result;
	take_payload_of(ids[UNUSED], payload_len);
	assert_empty(ids[UNUSED]);
}

static void take_all_kinds(int result)
{
	int i;

	for (i = 0; i < result; i++)
		take_payload_of(several[i].id, several[i].len);
	assert_empty(ids[EMPTY]);
	assert_empty(ids[UNUSED]);
}

static void fill(void)
{
	size_t i;

	memory_fill(payload, sizeof(payload), 1);
	for (i = 0; i < MANY; i++)
		numbers[i] = i + 1;
}

#define SEND_LENGTH(len)							\
do {										\
	payload_len = (len);							\
	fill();									\
	PREPARE_IDS();								\
	FAIL("send", send_payload, take_payload, 0);				\
	FAIL("send with a time to live", send_with_ttl, take_payload, 0);	\
	ids_check_and_drain();								\
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
	SEND_LENGTH(60000);
}
END_TEST

START_TEST(p3_sending_more_than_the_slab_has)
{
	limit_set("max_event_size", LONGEST);
	SEND_LENGTH(LONGEST);
}
END_TEST

START_TEST(p3_sending_in_every_other_way)
{
	fill();
	PREPARE_IDS();
	FAIL("send to an ID in use", send_to_known, take_one_number, 0, NULL, is_numbered);
	FAIL("send_batch", send_several, take_numbers, SEVERAL, NULL, are_numbered);
	FAIL("send_batch of many", send_many, take_numbers, MANY, NULL, are_numbered);
	FAIL("send_batch of all kinds", send_all_kinds, take_all_kinds, SEVERAL, NULL,
	     are_numbered);
	FAIL("write", write_several, take_records, SEVERAL * sizeof(struct number_record));
	FAIL("writev", write_pieces, take_records, sizeof(struct number_record));
	ASSERT_OK(ke_claim(&ke, ids[EMPTY], 0600));
	FAIL("send to a claimed ID", send_to_known, take_one_number, 0);
	ASSERT_OK(ke_unclaim(&ke, ids[EMPTY]));
	ids_check_and_drain();
}
END_TEST

static bool is_failure(int result)
{
	return result == -ENOMEM || result == -EFAULT;
}

static kevents_ctx other;

static int send_when_there_is_room(int timeout_ms)
{
	struct ke_event ev = { .id = ids[UNUSED], .data = numbers, .len = sizeof(*numbers) };

	return ke_send(&other, &ev, 0, timeout_ms);
}

static int send_at_once(void)
{
	return send_when_there_is_room(0);
}

static int wait_a_moment(void)
{
	return send_when_there_is_room(1);
}

static int wait_for_room(void)
{
	/* For a limit the library would ask for the time, which may fail, too. */
	return send_when_there_is_room(-1);
}

static int claim_in_vain(void)
{
	return ke_claim(&other, ids[UNUSED], 0600);
}

static int watch_in_vain(void)
{
	return ke_watch(&other, ids[UNUSED]);
}

START_TEST(p3_p5_where_all_is_full)
{
	PREPARE_IDS();
	ASSERT_OK(ke_init(&other));
	limit_set("max_bytes", 1);
	FAIL("send at the limit", send_at_once, NULL, -EAGAIN);
	FAIL("send that waits at the limit", wait_a_moment, NULL, -ETIMEDOUT);
	FAIL("claim at the limit", claim_in_vain, NULL, -EAGAIN);
	FAIL("watch at the limit", watch_in_vain, NULL, -EAGAIN);
	limits_restore();
	ids_check_and_drain();
}
END_TEST

/* Makes other a client that has to keep the user's limits, and has sent once. */
static void open_with_limits(void)
{
	user_drop(CAP_SYS_RESOURCE);
	ASSERT_OK(ke_init(&other));
	ASSERT_OK(send_at_once());
	ck_assert_uint_eq(drain(ids[UNUSED]), 1);
}

static void allow_no_more(void)
{
	limit_set("user_max_bytes", limits_now().user_bytes);
}

START_TEST(p3_p5_where_the_user_has_all_that_it_may)
{
	PREPARE_IDS();
	open_with_limits();
	allow_no_more();
	FAIL("send at the user's limit", send_at_once, NULL, -EDQUOT, .one = true);
	FAIL("send that waits at the user's limit", wait_a_moment, NULL, -ETIMEDOUT,
	     .one = true);
	FAIL("claim at the user's limit", claim_in_vain, NULL, -EDQUOT, .one = true);
	FAIL("watch at the user's limit", watch_in_vain, NULL, -EDQUOT, .one = true);
	limits_restore();
	ids_check_and_drain();
}
END_TEST

static void make_room(void)
{
	ck_assert_uint_eq(receive_number(ids[SINGLE]), 4);
}

START_TEST(p3_p5_room_that_comes_while_one_waits)
{
	struct meanwhile meanwhile = { .call = SYS_ioctl, .act = make_room };
	unsigned int nth, woken = 0;
	bool failed = true, acted;
	int err;

	fill();
	PREPARE_IDS();
	open_with_limits();
	limit_set("user_max_bytes", limits_now().user_bytes);
	for (nth = 1; failed; nth++) {
		meanwhile_begin(&meanwhile);
		fault_begin(FAULT_ONE, nth);
		err = wait_for_room();
		failed = fault_end(FAULT_ONE);
		acted = meanwhile_end(&meanwhile);
		ck_assert_msg(failed ? !err || is_failure(err) : !err, "fault %u: %d", nth, err);
		ck_assert_uint_eq(drain(ids[UNUSED]), !err);
		if (acted)
			ids_refill(0);
		woken += failed && acted;
	}
	ck_assert_uint_gt(woken, 0);
	limits_restore();
	ids_check_and_drain();
}
END_TEST

/* What is not sent does not come to who waits for it either. */
START_TEST(p3_p9_sending_to_one_who_waits)
{
	uint64_t number = 0;
	enum fault fault;
	unsigned int nth;
	int err;

	PREPARE_IDS();
	for (fault = 0; fault < FAULTS; fault++) {
		struct receiver receiver = RECEIVER(ids[EMPTY]);

		receiver_block(&receiver);
		for (nth = 1, err = -ENOMEM; err; nth++) {
			number++;
			fault_begin(fault, nth);
			err = ke_send_event(&ke, ids[EMPTY], &number, sizeof(number));
			fault_end(fault);
			ck_assert_msg(!err || is_failure(err), "fault %u: %d", nth, err);
		}
		receiver_expect(&receiver, number);
		ck_assert_uint_gt(nth, 2);
	}
	ids_check_and_drain();
}
END_TEST

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
	user_enter_own_netns();
	task_pin();
	task_rule();
	for (id = first; id < first + count; id++) {
		for (nth = 1, err = -ENOMEM; err; nth++) {
			fault_begin(FAULT_ONE, nth);
			err = ke_send_event(&ke, id, NULL, 0);
			fault_end(FAULT_ONE);
			ck_assert_msg(!err || is_failure(err), "ID %d, fault %u: %d", id, nth, err);
		}
	}
	task_yield_rule();
	for (id = first; id < first + count; id++)
		ck_assert_uint_eq(drain(id), 1);
}
END_TEST

static int send_one_by_other(void)
{
	struct ke_event ev = { .id = ids[UNUSED], .data = payload, .len = 8 };

	return ke_send(&other, &ev, 0, 0) ?: 1;
}

static int send_several_by_other(void)
{
	size_t i;

	for (i = 0; i < SEVERAL; i++)
		several[i] = (struct ke_event){ .id = ids[UNUSED], .data = payload, .len = 100 };
	return ke_send_batch(&other, several, SEVERAL, 0);
}

/* The call, which tells how many it sent, through a new client. */
static void fail_first(int (*call)(void))
{
	const struct ke_limits before = limits_now();
	unsigned int nth = 1;
	bool failed;
	int sent;

	do {
		ASSERT_OK(ke_init(&other));
		fault_begin(FAULT_ONE, nth);
		sent = call();
		failed = fault_end(FAULT_ONE);
		ASSERT_OK(ke_close(&other));
		ck_assert_msg(sent > 0 || is_failure(sent), "fault %u: %d", nth, sent);
		ck_assert_uint_eq(drain(ids[UNUSED]), sent > 0 ? sent : 0);
		limits_wait_back_to(&before);
		nth++;
	} while (failed);
}

START_TEST(p3_a_process_that_sends_for_the_first_time)
{
	PREPARE_IDS();
	fail_first(send_one_by_other);
	fail_first(send_several_by_other);
	ids_check_and_drain();
}
END_TEST

TESTS(120, WITH_CLIENT,
      p3_sending_nothing,
      p3_sending_little,
      p3_sending_a_page,
      p3_sending_much,
      p3_sending_more_than_the_slab_has,
      p3_sending_in_every_other_way,
      p3_p5_where_all_is_full,
      p3_p5_where_the_user_has_all_that_it_may,
      p3_p5_room_that_comes_while_one_waits,
      p3_p9_sending_to_one_who_waits,
      p3_sending_to_ids_that_make_their_table_grow,
      p3_a_process_that_sends_for_the_first_time)
