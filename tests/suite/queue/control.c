// SPDX-License-Identifier: GPL-2.0-only
/* Stat, purge and limits. */
#include <fcntl.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"

START_TEST(an_id_that_nobody_has_used_has_zeros)
{
	struct ke_stat stat, zeros = { .id = fresh_id() };

	memset(&stat, 0xa5, sizeof(stat));
	ASSERT_OK(ke_stat(&ke, zeros.id, &stat));
	ck_assert(!memcmp(&stat, &zeros, sizeof(stat)));
	ASSERT_RESULT(ke_stat(&ke, zeros.id, NULL), -EINVAL);
}
END_TEST

/* What happened there may be forgotten or not. */
START_TEST(an_id_that_nobody_uses_any_more_holds_nothing)
{
	struct ke_stat stat, zeros = { .id = fresh_id() };

	send_number(zeros.id, 1);
	ck_assert_uint_eq(receive_number(zeros.id), 1);
	stat = stat_of(zeros.id);
	ck_assert(stat.sent == stat.received && stat.sent <= 1);
	stat.sent = 0;
	stat.received = 0;
	ck_assert(!memcmp(&stat, &zeros, sizeof(stat)));
	replace_idle_queues();
	stat = stat_of(zeros.id);
	ck_assert(!memcmp(&stat, &zeros, sizeof(stat)));
}
END_TEST

START_TEST(stat_counts_all_that_happens)
{
	int id = fresh_id(), i;
	struct ke_stat stat;
	uint64_t seq, leased;

	for (i = 0; i < 10; i++)
		send_number(id, i);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(receive_number(id), i);
	leased = lease_number(&ke, id, 3, 0);
	ASSERT_OK(ke_ack(&ke, lease_number(&ke, id, 4, 0)));
	seq = lease_number(&ke, id, 5, 0);
	ASSERT_OK(ke_nack(&ke, seq));
	send_number_for(id, 10, 1);
	WAIT_UNTIL(stat_of(id).expired == 1);
	stat = stat_of(id);
	ck_assert_uint_eq(stat.sent, 11);
	ck_assert_uint_eq(stat.pending, 5);
	ck_assert_uint_eq(stat.leased, 1);
	ck_assert_uint_eq(stat.received, 4);
	ck_assert_uint_eq(stat.expired, 1);
	ck_assert_uint_eq(stat.returned, 1);
	ck_assert_uint_eq(stat.waiters, 0);
	ck_assert_uint_ge(stat.bytes, 6 * sizeof(uint64_t));
	ASSERT_RESULT(ke_purge(&ke, id), 5);
	stat = stat_of(id);
	ck_assert_uint_eq(stat.pending, 0);
	ck_assert_uint_eq(stat.leased, 1);
	ck_assert_uint_eq(stat.received, 4);
	ck_assert_uint_eq(stat.sent, 11);
	ASSERT_OK(ke_ack(&ke, leased));
}
END_TEST

START_TEST(stat_counts_who_waits)
{
	int id = fresh_id(), i;
	struct receiver receivers[5];

	for (i = 0; i < 5; i++) {
		ck_assert_uint_eq(stat_of(id).waiters, i);
		receivers[i] = RECEIVER(id);
		receiver_block(&receivers[i]);
	}
	ck_assert_uint_eq(stat_of(id).waiters, 5);
	for (i = 0; i < 5; i++) {
		send_number(id, i);
		receiver_expect(&receivers[i], i);
		ck_assert_uint_eq(stat_of(id).waiters, 4 - i);
	}
}
END_TEST

struct traffic {
	int id;
	bool stop;
};

static int make_traffic(void *arg)
{
	struct traffic *traffic = arg;
	uint64_t number = 0;

	while (!__atomic_load_n(&traffic->stop, __ATOMIC_ACQUIRE)) {
		struct ke_event ev = { .data = &number, .size = sizeof(number) };
		int err;

		send_number(traffic->id, number);
		send_number_for(traffic->id, number, 1);
		err = ke_receive(&ke, traffic->id, &ev, KE_LEASE, 0);
		if (!err)
			ASSERT_OK(number % 2 ? ke_ack(&ke, ev.seq) : ke_nack(&ke, ev.seq));
		ke_get_event(&ke, traffic->id, &number, sizeof(number));
		number++;
	}
	return 0;
}

START_TEST(stat_adds_up_at_every_moment)
{
	struct traffic *traffic = shared_memory(sizeof(*traffic));
	struct ke_stat stat;
	pid_t pids[3];
	size_t i;
	int turn;

	traffic->id = fresh_id();
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = child_start(make_traffic, traffic);
	for (turn = 0; turn < 5000; turn++) {
		stat = stat_of(traffic->id);
		ck_assert_uint_eq(stat.sent, stat.pending + stat.leased + stat.received +
						     stat.expired);
		ck_assert_int_eq(stat.bytes > 0, stat.pending + stat.leased > 0);
	}
	__atomic_store_n(&traffic->stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	drain(traffic->id);
}
END_TEST

START_TEST(a_purge_drops_what_waits)
{
	long events = slab_objects(EVENTS);
	int id = fresh_id(), other = fresh_id(), i;

	ASSERT_RESULT(ke_purge(&ke, id), 0);
	send_number(other, 1);
	for (i = 0; i < 1000; i++)
		send_number(id, i);
	ASSERT_RESULT(ke_purge(&ke, id), 1000);
	assert_empty(id);
	ASSERT_RESULT(ke_purge(&ke, id), 0);
	ck_assert_uint_eq(receive_number(other), 1);
	slab_wait_down_to(EVENTS, events + SPARE);
	send_number(id, 2);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

START_TEST(p2_a_purge_leaves_what_is_leased)
{
	uint64_t seqs[4];
	int id = fresh_id(), i;

	for (i = 0; i < 10; i++)
		send_number(id, i);
	for (i = 0; i < 4; i++)
		seqs[i] = lease_number(&ke, id, i, 0);
	ASSERT_OK(ke_nack(&ke, seqs[1]));
	ASSERT_RESULT(ke_purge(&ke, id), 7);
	assert_counts(id, 0, 3);
	send_number(id, 10);
	ASSERT_OK(ke_nack(&ke, seqs[2]));
	ASSERT_OK(ke_ack(&ke, seqs[3]));
	ASSERT_OK(ke_nack(&ke, seqs[0]));
	ASSERT_RESULT(ke_nack(&ke, seqs[1]), -ENOENT);
	ck_assert_uint_eq(receive_number(id), 0);
	ck_assert_uint_eq(receive_number(id), 2);
	ck_assert_uint_eq(receive_number(id), 10);
	assert_empty(id);
}
END_TEST

START_TEST(a_purge_counts_no_expired_event)
{
	int id = fresh_id(), i;

	for (i = 0; i < 10; i++)
		send_number_for(id, i, 1);
	spin_ns(1000000);
	for (i = 0; i < 5; i++)
		send_number(id, i);
	ASSERT_RESULT(ke_purge(&ke, id), 5);
	ck_assert_uint_eq(stat_of(id).expired, 10);
}
END_TEST

START_TEST(a_client_for_writing_cannot_purge)
{
	int fd = open("/dev/kevents", O_WRONLY | O_CLOEXEC), id = fresh_id();
	kevents_ctx other = ke;

	ASSERT_SYS(fd);
	send_number(id, 1);
	ck_assert_int_eq(dup2(fd, ke_fd(&ke)), ke_fd(&other));
	ASSERT_RESULT(ke_purge(&ke, id), -EBADF);
	ck_assert_uint_eq(stat_of(id).pending, 1);
	close(fd);
	ASSERT_OK(ke_close(&ke));
	ASSERT_OK(ke_init(&ke));
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

struct flood {
	int id;
	unsigned int sent, received, purged;
	bool over;
};

static int receive_flood(void *arg)
{
	struct flood *flood = arg;
	uint64_t number;
	bool over;

	do {
		over = __atomic_load_n(&flood->over, __ATOMIC_ACQUIRE);
		while (!ke_get_event(&ke, flood->id, &number, sizeof(number)))
			__atomic_fetch_add(&flood->received, 1, __ATOMIC_RELAXED);
	} while (!over);
	return 0;
}

static int purge_flood(void *arg)
{
	struct flood *flood = arg;
	bool over;
	int count;

	do {
		over = __atomic_load_n(&flood->over, __ATOMIC_ACQUIRE);
		count = ke_purge(&ke, flood->id);
		ck_assert_int_ge(count, 0);
		__atomic_fetch_add(&flood->purged, count, __ATOMIC_RELAXED);
	} while (!over);
	return 0;
}

START_TEST(p1_what_is_purged_and_what_is_received_is_everything)
{
	struct flood *flood = shared_memory(sizeof(*flood));
	pid_t receiver, purger;
	unsigned int i;

	flood->id = fresh_id();
	receiver = child_start(receive_flood, flood);
	purger = child_start(purge_flood, flood);
	for (i = 0; i < 20000; i++)
		send_number(flood->id, i);
	__atomic_store_n(&flood->over, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(receiver), 0);
	ck_assert_int_eq(child_join(purger), 0);
	ck_assert_uint_eq(flood->received + flood->purged, 20000);
	assert_empty(flood->id);
}
END_TEST

static int send_and_receive(void *arg)
{
	struct flood *flood = arg;

	while (!__atomic_load_n(&flood->over, __ATOMIC_ACQUIRE)) {
		send_number(flood->id + 1, 1);
		ck_assert_uint_eq(receive_number(flood->id + 1), 1);
		__atomic_fetch_add(&flood->sent, 1, __ATOMIC_RELEASE);
	}
	return 0;
}

START_TEST(p7_a_hundred_thousand_are_purged_and_others_go_on)
{
	struct flood *flood = shared_memory(sizeof(*flood));
	const unsigned int count = event_count(100000);
	long events = slab_objects(EVENTS);
	unsigned int i;
	pid_t pid;

	flood->id = fresh_id();
	fresh_id();
	for (i = 0; i < count; i++)
		send_number(flood->id, i);
	pid = child_start(send_and_receive, flood);
	WAIT_UNTIL(__atomic_load_n(&flood->sent, __ATOMIC_ACQUIRE));
	ASSERT_RESULT(ke_purge(&ke, flood->id), (int)count);
	__atomic_store_n(&flood->over, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(pid), 0);
	slab_wait_down_to(EVENTS, events + 2 * SPARE);
}
END_TEST

static int compare_with_nothing(void *arg)
{
	struct ke_limits limits;

	ASSERT_SYS(unshare(CLONE_NEWNET));
	user_become(*(uid_t *)arg, *(uid_t *)arg);
	limits = limits_now();
	ck_assert_uint_eq(limits.broker_bytes + limits.broker_events + limits.broker_ids, 0);
	ck_assert_uint_eq(limits.user_bytes, 0);
	ck_assert_uint_gt(limits.bytes, 0);
	return 0;
}

START_TEST(limits_are_of_the_clients_namespace_and_user)
{
	struct ke_limits before = limits_now(), now;
	int first = fresh_id(), second = fresh_id(), i;
	uid_t uid = fresh_user();
	uint64_t leased;

	for (i = 0; i < 10; i++) {
		send_number(first, i);
		send_number(second, i);
	}
	leased = lease_number(&ke, first, 0, 0);
	now = limits_now();
	ck_assert_uint_eq(now.broker_events, before.broker_events + 20);
	ck_assert_uint_ge(now.broker_ids, 2);
	ck_assert_uint_eq(now.broker_bytes - before.broker_bytes,
			  stat_of(first).bytes + stat_of(second).bytes);
	ck_assert_uint_eq(now.user_bytes - before.user_bytes,
			  now.broker_bytes - before.broker_bytes);
	child_run(compare_with_nothing, &uid);
	ASSERT_RESULT(ke_purge(&ke, first), 9);
	ASSERT_RESULT(ke_purge(&ke, second), 10);
	ASSERT_RESULT(ke_limits(&ke, NULL), -EINVAL);
	ASSERT_OK(ke_ack(&ke, leased));
}
END_TEST

TESTS(60, WITH_CLIENT,
      an_id_that_nobody_has_used_has_zeros,
      an_id_that_nobody_uses_any_more_holds_nothing,
      stat_counts_all_that_happens,
      stat_counts_who_waits,
      stat_adds_up_at_every_moment,
      a_purge_drops_what_waits,
      p2_a_purge_leaves_what_is_leased,
      a_purge_counts_no_expired_event,
      a_client_for_writing_cannot_purge,
      p1_what_is_purged_and_what_is_received_is_everything,
      p7_a_hundred_thousand_are_purged_and_others_go_on,
      limits_are_of_the_clients_namespace_and_user)
