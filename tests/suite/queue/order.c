// SPDX-License-Identifier: GPL-2.0-only
/* P2 and P4: oldest first, and one order over all IDs. */
#include "lib/harness.h"
#include "lib/task.h"

#define PRODUCERS 4
#define EACH 300

START_TEST(p2_events_come_oldest_first)
{
	int id = fresh_id();
	unsigned int i;

	for (i = 0; i < 1000; i++)
		send_number(id, i);
	for (i = 0; i < 1000; i++)
		ck_assert_uint_eq(receive_number(id), i);
}
END_TEST

START_TEST(p2_order_holds_while_events_come_and_go)
{
	unsigned int sent = 0, received = 0, round;
	int id = fresh_id();

	for (round = 1; round < 50; round++) {
		while (sent < received + round)
			send_number(id, sent++);
		while (received < sent - round / 2)
			ck_assert_uint_eq(receive_number(id), received++);
	}
	while (received < sent)
		ck_assert_uint_eq(receive_number(id), received++);
}
END_TEST

START_TEST(p2_ids_do_not_disturb_each_other)
{
	int ids[16];
	size_t i, round;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ids[i] = fresh_id();
	for (round = 0; round < 50; round++)
		for (i = 0; i < ARRAY_SIZE(ids); i++)
			send_number(ids[i], round * ARRAY_SIZE(ids) + i);
	for (i = ARRAY_SIZE(ids); i-- > 0;)
		for (round = 0; round < 50; round++)
			ck_assert_uint_eq(receive_number(ids[i]), round * ARRAY_SIZE(ids) + i);
}
END_TEST

START_TEST(every_int_is_an_id)
{
	static const int ids[] = { 0, -1, 1, INT_MIN, INT_MAX, INT_MIN + 1, INT_MAX - 1, -65536 };
	struct ke_event ev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_empty(ids[i]);
		send_number(ids[i], i);
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		memset(&ev, 0, sizeof(ev));
		ASSERT_RESULT(ke_receive(&ke, ids[i], &ev, KE_PEEK, 0), -EMSGSIZE);
		ck_assert_uint_eq(receive_number(ids[i]), i);
		assert_empty(ids[i]);
	}
}
END_TEST

START_TEST(ids_that_differ_in_one_bit_are_apart)
{
	const int id = fresh_id();
	unsigned int bit;

	send_number(id, 1);
	for (bit = 0; bit < 32; bit++)
		assert_empty((int)(id ^ (1U << bit)));
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(a_received_event_names_its_id)
{
	const int ids[] = { fresh_id(), -fresh_id() };
	struct ke_event ev = { .id = 12345 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		ASSERT_OK(ke_send_event(&ke, ids[i], NULL, 0));
		ASSERT_OK(ke_receive(&ke, ids[i], &ev, 0, 0));
		ck_assert_int_eq(ev.id, ids[i]);
	}
}
END_TEST

START_TEST(p4_seq_grows_across_ids)
{
	const int ids[] = { fresh_id(), fresh_id(), fresh_id() };
	uint64_t last = 0, seq;
	size_t i;

	for (i = 0; i < 300; i++) {
		seq = send_number(ids[i % ARRAY_SIZE(ids)], i);
		ck_assert_uint_gt(seq, last);
		last = seq;
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(drain(ids[i]), 100);
}
END_TEST

START_TEST(p4_sender_and_receiver_are_told_the_same_seq)
{
	struct ke_event ev = { .seq = 1 };
	int id = fresh_id();
	uint64_t seq, number;

	seq = send_number(id, 5);
	ev.data = &number;
	ev.size = sizeof(number);
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
	ck_assert_uint_eq(ev.seq, seq);
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.seq, seq);
}
END_TEST

struct producer {
	int id;
	unsigned int first;
	uint64_t seq[EACH];
	pthread_t thread;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;
	unsigned int i;

	for (i = 0; i < EACH; i++)
		producer->seq[i] = send_number(producer->id, producer->first + i);
	return NULL;
}

static void run_producers(struct producer *producers)
{
	size_t i;

	for (i = 0; i < PRODUCERS; i++)
		ck_assert_int_eq(pthread_create(&producers[i].thread, NULL, produce,
						&producers[i]), 0);
	for (i = 0; i < PRODUCERS; i++)
		ck_assert_int_eq(pthread_join(producers[i].thread, NULL), 0);
}

START_TEST(p2_producers_at_the_same_time_keep_their_order)
{
	unsigned int next[PRODUCERS] = { 0 }, i, from;
	struct producer producers[PRODUCERS];
	struct ke_event ev = { .size = sizeof(uint64_t) };
	int id = fresh_id();
	uint64_t number, last = 0;

	for (i = 0; i < PRODUCERS; i++)
		producers[i] = (struct producer){ .id = id, .first = i * EACH };
	run_producers(producers);

	ev.data = &number;
	for (i = 0; i < PRODUCERS * EACH; i++) {
		ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
		from = number / EACH;
		ck_assert_uint_lt(from, PRODUCERS);
		ck_assert_uint_eq(number % EACH, next[from]);
		ck_assert_uint_eq(ev.seq, producers[from].seq[next[from]]);
		ck_assert_uint_gt(ev.seq, last);
		next[from]++;
		last = ev.seq;
	}
}
END_TEST

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

START_TEST(p4_no_seq_is_given_twice)
{
	static struct producer producers[PRODUCERS];
	static uint64_t all[PRODUCERS * EACH];
	unsigned int i, j;

	for (i = 0; i < PRODUCERS; i++)
		producers[i].id = fresh_id();
	run_producers(producers);
	for (i = 0; i < PRODUCERS; i++) {
		for (j = 1; j < EACH; j++)
			ck_assert_uint_gt(producers[i].seq[j], producers[i].seq[j - 1]);
		memcpy(all + i * EACH, producers[i].seq, sizeof(producers[i].seq));
		ck_assert_uint_eq(drain(producers[i].id), EACH);
	}
	qsort(all, ARRAY_SIZE(all), sizeof(all[0]), compare);
	for (i = 1; i < ARRAY_SIZE(all); i++)
		ck_assert_uint_ne(all[i], all[i - 1]);
}
END_TEST

struct answer {
	int question, reply;
	uint64_t seq[50];
};

/* Answers each event that it has received with one under the other ID. */
static int reply(void *arg)
{
	struct answer *answer = arg;
	struct ke_event in = { .size = 0 }, out = { .id = answer->reply };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answer->seq); i++) {
		ASSERT_OK(ke_receive(&ke, answer->question, &in, 0, -1));
		ASSERT_OK(ke_send(&ke, &out, 0, 0));
		answer->seq[i] = out.seq;
	}
	return 0;
}

START_TEST(p4_an_answer_has_a_higher_seq_than_the_question)
{
	struct answer *answer = shared_memory(sizeof(*answer));
	struct ke_event in = { .size = 0 }, out = { .flags = 0 };
	uint64_t last = 0;
	pid_t pid;
	size_t i;

	answer->question = fresh_id();
	answer->reply = fresh_id();
	pid = child_start(reply, answer);
	out.id = answer->question;
	for (i = 0; i < ARRAY_SIZE(answer->seq); i++) {
		ASSERT_OK(ke_send(&ke, &out, 0, 0));
		ck_assert_uint_gt(out.seq, last);
		ASSERT_OK(ke_receive(&ke, answer->reply, &in, 0, -1));
		ck_assert_uint_gt(in.seq, out.seq);
		last = in.seq;
	}
	ck_assert_int_eq(child_join(pid), 0);
	for (i = 1; i < ARRAY_SIZE(answer->seq); i++)
		ck_assert_uint_gt(answer->seq[i], answer->seq[i - 1]);
}
END_TEST

TESTS(30, WITH_CLIENT,
      p2_events_come_oldest_first,
      p2_order_holds_while_events_come_and_go,
      p2_ids_do_not_disturb_each_other,
      every_int_is_an_id,
      ids_that_differ_in_one_bit_are_apart,
      a_received_event_names_its_id,
      p4_seq_grows_across_ids,
      p4_sender_and_receiver_are_told_the_same_seq,
      p2_producers_at_the_same_time_keep_their_order,
      p4_no_seq_is_given_twice,
      p4_an_answer_has_a_higher_seq_than_the_question)
