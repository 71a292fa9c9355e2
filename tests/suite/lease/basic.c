// SPDX-License-Identifier: GPL-2.0-only
/* P1, P2: leases, what ends them, and where an event goes that comes back. */
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/memory.h"
#include "lib/task.h"

START_TEST(p1_a_leased_event_is_gone_when_it_is_acknowledged)
{
	int id = fresh_id();
	struct ke_stat stat;
	uint64_t sent, seq;

	sent = send_number(id, 1);
	seq = lease_number(&ke, id, 1, 0);
	ck_assert_uint_eq(seq, sent);
	assert_empty(id);
	assert_counts(id, 0, 1);
	ck_assert_uint_eq(stat_of(id).received, 0);
	ASSERT_OK(ke_ack(&ke, seq));
	assert_empty(id);
	stat = stat_of(id);
	ck_assert_uint_eq(stat.leased, 0);
	ck_assert_uint_eq(stat.received, 1);
	ck_assert_uint_eq(stat.returned, 0);
	ck_assert_uint_eq(stat.bytes, 0);
	ASSERT_RESULT(ke_ack(&ke, seq), -ENOENT);
	ASSERT_RESULT(ke_nack(&ke, seq), -ENOENT);
}
END_TEST

START_TEST(p1_an_event_given_back_is_received_again)
{
	int id = fresh_id();
	uint64_t seq;

	send_number(id, 1);
	seq = lease_number(&ke, id, 1, 0);
	ASSERT_OK(ke_nack(&ke, seq));
	assert_counts(id, 1, 0);
	ck_assert_uint_eq(stat_of(id).returned, 1);
	ASSERT_RESULT(ke_ack(&ke, seq), -ENOENT);
	ASSERT_RESULT(ke_nack(&ke, seq), -ENOENT);
	ck_assert_uint_eq(receive_number(id), 1);
	assert_empty(id);
}
END_TEST

START_TEST(only_the_number_of_a_lease_ends_it)
{
	int id = fresh_id();
	uint64_t seq, other;

	send_number(id, 1);
	other = send_number(id, 2);
	seq = lease_number(&ke, id, 1, 0);
	ASSERT_RESULT(ke_ack(&ke, other), -ENOENT);
	ASSERT_RESULT(ke_nack(&ke, other), -ENOENT);
	ASSERT_RESULT(ke_ack(&ke, 0), -ENOENT);
	ASSERT_RESULT(ke_ack(&ke, UINT64_MAX), -ENOENT);
	ASSERT_RESULT(ke_nack(&ke, seq + (UINT64_C(1) << 32)), -ENOENT);
	assert_counts(id, 1, 1);
	ASSERT_OK(ke_ack(&ke, seq));
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

#define LEASED 4
#define WAITING 2

/* Leases four of six events, gives them back in this order. */
static void give_back_in_order(int id, const int order[LEASED])
{
	uint64_t seqs[LEASED];
	int i;

	for (i = 0; i < LEASED + WAITING; i++)
		send_number(id, i);
	for (i = 0; i < LEASED; i++)
		seqs[i] = lease_number(&ke, id, i, 0);
	for (i = 0; i < LEASED; i++)
		ASSERT_OK(ke_nack(&ke, seqs[order[i]]));
	for (i = 0; i < LEASED + WAITING; i++)
		ck_assert_uint_eq(receive_number(id), i);
	assert_empty(id);
}

START_TEST(p2_whatever_comes_back_goes_to_its_place)
{
	int id = fresh_id(), a, b, c, d;

	for (a = 0; a < LEASED; a++)
		for (b = 0; b < LEASED; b++)
			for (c = 0; c < LEASED; c++) {
				d = 6 - a - b - c;
				if (a != b && a != c && b != c)
					give_back_in_order(id, (int[]){ a, b, c, d });
			}
}
END_TEST

START_TEST(p2_events_come_back_while_others_are_received)
{
	uint64_t seqs[4];
	int id = fresh_id(), i;

	for (i = 0; i < 6; i++)
		send_number(id, i);
	for (i = 0; i < 4; i++)
		seqs[i] = lease_number(&ke, id, i, 0);
	ASSERT_OK(ke_nack(&ke, seqs[2]));
	ck_assert_uint_eq(receive_number(id), 2);
	ASSERT_OK(ke_nack(&ke, seqs[3]));
	ASSERT_OK(ke_nack(&ke, seqs[1]));
	ck_assert_uint_eq(lease_number(&ke, id, 1, 0), seqs[1]);
	ck_assert_uint_eq(receive_number(id), 3);
	ck_assert_uint_eq(receive_number(id), 4);
	ASSERT_OK(ke_nack(&ke, seqs[0]));
	ASSERT_OK(ke_nack(&ke, seqs[1]));
	send_number(id, 6);
	ck_assert_uint_eq(receive_number(id), 0);
	ck_assert_uint_eq(receive_number(id), 1);
	ck_assert_uint_eq(receive_number(id), 5);
	ck_assert_uint_eq(receive_number(id), 6);
}
END_TEST

START_TEST(deliveries_are_counted)
{
	int id = fresh_id();
	struct ke_event ev;
	uint32_t i;

	send_number(id, 7);
	for (i = 1; i <= 100; i++) {
		ev = lease_event(&ke, id, 7, 0);
		ck_assert_uint_eq(ev.deliveries, i);
		ck_assert_uint_eq(ev.flags, i > 1 ? KE_REDELIVERED : 0);
		ASSERT_OK(ke_nack(&ke, ev.seq));
	}
	ck_assert_uint_eq(stat_of(id).returned, 100);
	ck_assert_uint_eq(receive_number(id), 7);
	ck_assert_uint_eq(stat_of(id).received, 1);
}
END_TEST

START_TEST(to_peek_is_no_delivery)
{
	int id = fresh_id();
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	send_number(id, 7);
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
	ck_assert_uint_eq(ev.flags, 0);
	ev = lease_event(&ke, id, 7, 0);
	ck_assert_uint_eq(ev.deliveries, 1);
	ck_assert_uint_eq(ev.flags, 0);
	ASSERT_OK(ke_nack(&ke, ev.seq));
	ev = (struct ke_event){ .data = &number, .size = sizeof(number) };
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
	ck_assert_uint_eq(ev.flags, KE_REDELIVERED);
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.deliveries, 2);
	ck_assert_uint_eq(ev.flags, KE_REDELIVERED);
}
END_TEST

START_TEST(p8_what_excludes_each_other_is_einval)
{
	int id = fresh_id();
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	send_number(id, 7);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK | KE_LEASE, 0), -EINVAL);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_LEASE | 2, 0), -EINVAL);
	ev.lease_ms = 1;
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -EINVAL);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -EINVAL);
	assert_counts(id, 1, 0);
	ck_assert_uint_eq(receive_number(id), 7);
}
END_TEST

START_TEST(p3_a_lease_that_fails_leases_nothing)
{
	int id = fresh_id();
	char byte;
	struct ke_event ev = { .data = &byte, .size = 1 };

	send_number(id, 7);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_LEASE, 0), -EMSGSIZE);
	ck_assert_uint_eq(ev.len, sizeof(uint64_t));
	ev = (struct ke_event){ .data = memory_before_gap(4), .size = 100, .lease_ms = 1000 };
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_LEASE, 0), -EFAULT);
	assert_counts(id, 1, 0);
	ev = lease_event(&ke, id, 7, 0);
	ck_assert_uint_eq(ev.deliveries, 1);
	ASSERT_OK(ke_ack(&ke, ev.seq));
}
END_TEST

START_TEST(a_lease_is_of_the_client_that_has_it)
{
	int id = fresh_id();
	kevents_ctx other;
	uint64_t seq;

	ASSERT_OK(ke_init(&other));
	send_number(id, 1);
	seq = lease_number(&other, id, 1, 0);
	ASSERT_RESULT(ke_ack(&ke, seq), -ENOENT);
	ASSERT_RESULT(ke_nack(&ke, seq), -ENOENT);
	assert_counts(id, 0, 1);
	ASSERT_OK(ke_ack(&other, seq));
	ASSERT_OK(ke_close(&other));
	assert_empty(id);
}
END_TEST

struct lent {
	int id;
	uint64_t seqs[2];
};

static int end_both(void *arg)
{
	struct lent *lent = arg;

	ASSERT_OK(ke_ack(&ke, lent->seqs[0]));
	ASSERT_OK(ke_nack(&ke, lent->seqs[1]));
	return 0;
}

START_TEST(a_forked_child_ends_the_leases_of_the_client)
{
	struct lent lent = { .id = fresh_id() };

	send_number(lent.id, 1);
	send_number(lent.id, 2);
	lent.seqs[0] = lease_number(&ke, lent.id, 1, 0);
	lent.seqs[1] = lease_number(&ke, lent.id, 2, 0);
	child_run(end_both, &lent);
	ASSERT_RESULT(ke_ack(&ke, lent.seqs[0]), -ENOENT);
	ASSERT_RESULT(ke_nack(&ke, lent.seqs[1]), -ENOENT);
	ck_assert_uint_eq(receive_number(lent.id), 2);
	assert_empty(lent.id);
}
END_TEST

START_TEST(p9_a_blocked_receiver_leases)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);

	receiver.flags = KE_LEASE;
	receiver_block(&receiver);
	send_number(id, 7);
	receiver_expect(&receiver, 7);
	assert_counts(id, 0, 1);
	ASSERT_OK(ke_nack(&ke, receiver.ev.seq));
	ck_assert_uint_eq(receive_number(id), 7);
}
END_TEST

START_TEST(p9_blocked_receivers_get_what_comes_back_in_order)
{
	int id = fresh_id(), i;
	struct receiver receivers[8];
	uint64_t seqs[8];

	for (i = 0; i < 8; i++)
		send_number(id, i);
	for (i = 0; i < 8; i++)
		seqs[i] = lease_number(&ke, id, i, 0);
	for (i = 0; i < 8; i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
	}
	for (i = 0; i < 8; i++) {
		ASSERT_OK(ke_nack(&ke, seqs[7 - i]));
		receiver_expect(&receivers[i], 7 - i);
		ck_assert_uint_eq(receivers[i].ev.flags, KE_REDELIVERED);
	}
	assert_empty(id);
}
END_TEST

/* All come back before anyone can run; the first in line gets what comes first. */
START_TEST(p9_a_burst_that_comes_back_is_served_as_it_comes)
{
	int id = fresh_id(), i;
	struct receiver receivers[8];
	uint64_t seqs[8];

	task_pin();
	for (i = 0; i < 8; i++)
		send_number(id, i);
	for (i = 0; i < 8; i++)
		seqs[i] = lease_number(&ke, id, i, 0);
	for (i = 0; i < 8; i++) {
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
	}
	task_rule();
	for (i = 0; i < 8; i++)
		ASSERT_OK(ke_nack(&ke, seqs[(i * 3) % 8]));
	assert_empty(id);
	task_yield_rule();
	for (i = 0; i < 8; i++)
		receiver_expect(&receivers[i], (i * 3) % 8);
}
END_TEST

/* Consumers that lease and end their leases in every way, all at the same time. */
struct crowd {
	int id;
	unsigned int count;
	unsigned int acked;
	unsigned char seen[];
};

static int consume(void *arg)
{
	struct crowd *crowd = arg;
	unsigned int turn = 0;
	uint64_t number;
	int err;

	while (__atomic_load_n(&crowd->acked, __ATOMIC_ACQUIRE) < crowd->count) {
		struct ke_event ev = { .data = &number, .size = sizeof(number) };

		err = ke_receive(&ke, crowd->id, &ev, KE_LEASE, 0);
		if (err == -ENOMSG)
			continue;
		ASSERT_OK(err);
		if (turn++ % 3) {
			ASSERT_OK(ke_nack(&ke, ev.seq));
			continue;
		}
		ASSERT_OK(ke_ack(&ke, ev.seq));
		__atomic_fetch_add(&crowd->seen[number], 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&crowd->acked, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

START_TEST(p1_many_consumers_acknowledge_each_event_once)
{
	const unsigned int count = 3000;
	struct crowd *crowd = shared_memory(sizeof(*crowd) + count);
	pid_t consumers[4];
	struct ke_stat stat;
	unsigned int i;

	crowd->id = fresh_id();
	crowd->count = count;
	for (i = 0; i < ARRAY_SIZE(consumers); i++)
		consumers[i] = child_start(consume, crowd);
	for (i = 0; i < count; i++)
		send_number(crowd->id, i);
	for (i = 0; i < ARRAY_SIZE(consumers); i++)
		ck_assert_int_eq(child_join(consumers[i]), 0);
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(crowd->seen[i], 1);
	stat = stat_of(crowd->id);
	ck_assert_uint_eq(stat.sent, count);
	ck_assert_uint_eq(stat.received, count);
	assert_counts(crowd->id, 0, 0);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p1_a_leased_event_is_gone_when_it_is_acknowledged,
      p1_an_event_given_back_is_received_again,
      only_the_number_of_a_lease_ends_it,
      p2_whatever_comes_back_goes_to_its_place,
      p2_events_come_back_while_others_are_received,
      deliveries_are_counted,
      to_peek_is_no_delivery,
      p8_what_excludes_each_other_is_einval,
      p3_a_lease_that_fails_leases_nothing,
      a_lease_is_of_the_client_that_has_it,
      a_forked_child_ends_the_leases_of_the_client,
      p9_a_blocked_receiver_leases,
      p9_blocked_receivers_get_what_comes_back_in_order,
      p9_a_burst_that_comes_back_is_served_as_it_comes,
      p1_many_consumers_acknowledge_each_event_once)
