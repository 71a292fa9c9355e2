// SPDX-License-Identifier: GPL-2.0-only
/* P5: what an account, and all together, may hold. */
#include <linux/capability.h>
#include <sys/sysinfo.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"

#define MANY 100000

static char payload[65536];

/* A child that sends as a user until it is refused. */
struct sender {
	uid_t uid;		/* 0: stays root */
	int id;
	size_t size;
	unsigned int most;	/* events it tries to send */
	unsigned int sent;
	int refusal;
	struct ke_limits use;	/* in the end, of the user */
};

static int send_as_user(void *arg)
{
	struct sender *sender = arg;

	if (sender->uid)
		user_become(sender->uid, sender->uid);
	while (sender->sent < sender->most) {
		sender->refusal = ke_send_event(&ke, sender->id, payload, sender->size);
		if (sender->refusal)
			break;
		sender->sent++;
	}
	sender->use = limits_now();
	return 0;
}

static struct sender *new_sender(uid_t uid, int id, size_t size)
{
	struct sender *sender = shared_memory(sizeof(*sender));

	sender->uid = uid;
	sender->id = id;
	sender->size = size;
	sender->most = MANY;
	return sender;
}

/* The user sends until it is refused, in this way; returns how many went. */
static unsigned int send_until(uid_t uid, int id, size_t size, int refusal)
{
	struct sender *sender = new_sender(uid, id, size);

	child_run(send_as_user, sender);
	ASSERT_RESULT(sender->refusal, refusal);
	return sender->sent;
}

START_TEST(p5_a_user_holds_user_max_bytes_to_the_byte)
{
	static const size_t sizes[] = { 0, 64, 65, 1000, 4096, 4097, 30000, 65536 };
	unsigned long bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int id = fresh_id();

		bytes = event_bytes(sizes[i]);
		limit_set("user_max_bytes", 10 * bytes);
		ck_assert_uint_eq(send_until(fresh_user(), id, sizes[i], -EDQUOT), 10);
		ck_assert_uint_eq(stat_of(id).bytes, 10 * bytes);
		ck_assert_uint_eq(drain(id), 10);
		limit_set("user_max_bytes", 10 * bytes - 1);
		ck_assert_uint_eq(send_until(fresh_user(), id, sizes[i], -EDQUOT), 9);
		ck_assert_uint_eq(drain(id), 9);
	}
}
END_TEST

START_TEST(p5_what_is_received_makes_space_for_as_much)
{
	uid_t uid = fresh_user();
	int id = fresh_id();

	limit_events(10, 0);
	ck_assert_uint_eq(send_until(uid, id, 0, -EDQUOT), 10);
	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
	ck_assert_uint_eq(send_until(uid, id, 0, -EDQUOT), 1);
	ck_assert_uint_eq(drain(id), 10);
	ck_assert_uint_eq(send_until(uid, id, 0, -EDQUOT), 10);
	ck_assert_uint_eq(drain(id), 10);
}
END_TEST

START_TEST(p5_all_hold_max_bytes_to_the_byte)
{
	unsigned long bytes = event_bytes(1000);
	int id = fresh_id();

	limits_wait_for_nothing();
	limit_set("max_bytes", 20 * bytes);
	ck_assert_uint_eq(send_until(0, id, 1000, -EAGAIN), 20);
	ck_assert_uint_eq(limits_now().bytes, 20 * bytes);
	ck_assert_uint_eq(send_until(fresh_user(), id, 1000, -EAGAIN), 0);
	ck_assert_uint_eq(drain(id), 20);
	limit_set("max_bytes", 20 * bytes - 1);
	ck_assert_uint_eq(send_until(0, id, 1000, -EAGAIN), 19);
	ck_assert_uint_eq(drain(id), 19);
}
END_TEST

START_TEST(p5_an_account_holds_a_quarter_of_what_is_free_to_the_byte)
{
	unsigned long bytes = event_bytes(1000);
	int id = fresh_id();

	limits_wait_for_nothing();
	limit_set("max_bytes", 50 * bytes);
	ck_assert_uint_eq(send_until(fresh_user(), id, 1000, -EDQUOT), 10);
	ck_assert_uint_eq(drain(id), 10);
	limit_set("max_bytes", 50 * bytes - 1);
	ck_assert_uint_eq(send_until(fresh_user(), id, 1000, -EDQUOT), 9);
	ck_assert_uint_eq(drain(id), 9);
	/* Where user_max_bytes is less, that holds. */
	limit_set("user_max_bytes", 5 * bytes);
	ck_assert_uint_eq(send_until(fresh_user(), id, 1000, -EDQUOT), 5);
	ck_assert_uint_eq(drain(id), 5);
}
END_TEST

START_TEST(p5_something_is_left_for_the_next_user_however_many_take_all_they_can)
{
	unsigned long bytes = event_bytes(1000), free = 5000, took;
	int id = fresh_id(), i;
	unsigned int sent = 0;

	limits_wait_for_nothing();
	limit_set("max_bytes", free * bytes);
	for (i = 0; i < 10; i++) {
		took = send_until(fresh_user(), id, 1000, -EDQUOT);
		ck_assert_uint_eq(took, free / 5);
		free -= took;
		sent += took;
	}
	/* About (4/5)^10 of it. */
	ck_assert_uint_gt(free, 5000 / 10);
	ck_assert_uint_eq(send_until(0, id, 1000, -EAGAIN), free);
	ck_assert_uint_eq(drain(id), sent + free);
}
END_TEST

/* Of the three conditions the first that is not met is told. */
START_TEST(the_first_limit_that_is_met_is_told)
{
	int id = fresh_id();
	uid_t uid = fresh_user();

	limits_wait_for_nothing();
	limit_set("max_bytes", 10 * event_bytes(1000));
	ck_assert_uint_eq(send_until(0, id, 1000, -EAGAIN), 10);
	ck_assert_uint_eq(send_until(uid, id, 1000, -EAGAIN), 0);
	limit_set("user_max_bytes", 0);
	ck_assert_uint_eq(send_until(uid, id, 1000, -EDQUOT), 0);
	/* There is space for one, but that would be more than a quarter of the rest. */
	limit_set("user_max_bytes", 1 << 20);
	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
	ck_assert_uint_eq(send_until(uid, id, 1000, -EDQUOT), 0);
	ck_assert_uint_eq(send_until(0, id, 1000, -EAGAIN), 1);
	ck_assert_uint_eq(drain(id), 10);
}
END_TEST

static int find_no_space(void *arg)
{
	struct sender *sender = arg;

	user_become(sender->uid, sender->uid);
	ASSERT_RESULT(ke_watch(&ke, sender->id), sender->refusal);
	ASSERT_RESULT(ke_claim(&ke, sender->id, 0600), sender->refusal);
	return 0;
}

static void assert_no_space(uid_t uid, int refusal)
{
	struct sender *sender = new_sender(uid, fresh_id(), 0);

	sender->refusal = refusal;
	child_run(find_no_space, sender);
}

START_TEST(claims_and_watches_meet_the_same_limits)
{
	int id = fresh_id();
	uid_t uid = fresh_user();

	limits_wait_for_nothing();
	limit_set("max_bytes", 10 * event_bytes(100));
	ck_assert_uint_eq(send_until(0, id, 100, -EAGAIN), 10);
	assert_no_space(uid, -EAGAIN);
	ASSERT_RESULT(ke_watch(&ke, fresh_id()), -EAGAIN);
	ASSERT_RESULT(ke_claim(&ke, fresh_id(), 0600), -EAGAIN);
	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
	assert_no_space(uid, -EDQUOT);
	ck_assert_uint_eq(drain(id), 9);
	limit_set("user_max_bytes", 0);
	assert_no_space(uid, -EDQUOT);
}
END_TEST

START_TEST(p5_event_watch_and_claim_are_charged_with_a_queue_each)
{
	const unsigned long queue = slab_object_size(QUEUES);
	struct ke_limits before = limits_now();
	int id = fresh_id();

	ck_assert_uint_ge(claim_bytes(), queue);
	ck_assert_uint_gt(watch_bytes(), queue);
	ck_assert_uint_ge(event_bytes(0), queue + slab_object_size(EVENTS));
	ck_assert_uint_ge(event_bytes(4096), queue + slab_object_size(EVENTS) +
			  slab_object_size("kevents_segment_4k"));
	/* Those of one ID, too, so that nothing changes hands when another one goes. */
	send_number(id, 1);
	send_number(id, 2);
	ck_assert_uint_eq(stat_of(id).bytes, 2 * event_bytes(8));
	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_claim(&ke, id, 0600));
	ck_assert_uint_eq(limits_now().user_bytes, before.user_bytes + 2 * event_bytes(8) +
			  watch_bytes() + claim_bytes());
	ck_assert_uint_eq(drain(id), 2);
	ASSERT_OK(ke_unclaim(&ke, id));
	ck_assert_uint_eq(limits_now().user_bytes, before.user_bytes + watch_bytes());
	ASSERT_OK(ke_unwatch(&ke, id));
	ck_assert_uint_eq(limits_now().user_bytes, before.user_bytes);
}
END_TEST

START_TEST(p5_an_idle_id_costs_nobody)
{
	struct ke_limits before = limits_now(), now;
	int id = fresh_id(), i;

	for (i = 1; i < 100; i++)
		fresh_id();
	for (i = 0; i < 100; i++) {
		send_number(id + i, i);
		ck_assert_uint_eq(receive_number(id + i), i);
		ASSERT_OK(ke_claim(&ke, id + i, 0600));
		ASSERT_OK(ke_unclaim(&ke, id + i));
	}
	now = limits_now();
	ck_assert_uint_eq(now.user_bytes, before.user_bytes);
	ck_assert_uint_eq(now.broker_bytes, before.broker_bytes);
	ck_assert_uint_le(now.bytes, before.bytes);
}
END_TEST

START_TEST(p5_an_open_file_and_a_receiver_that_waits_cost_nothing)
{
	struct ke_limits before = limits_now();
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);
	kevents_ctx other;

	ASSERT_OK(ke_init(&other));
	receiver_block(&receiver);
	ck_assert_uint_eq(limits_now().user_bytes, before.user_bytes);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
	ASSERT_OK(ke_close(&other));
	ck_assert_uint_eq(limits_now().user_bytes, before.user_bytes);
}
END_TEST

START_TEST(root_passes_the_limits_of_users)
{
	int id = fresh_id(), i;

	limit_set("user_max_bytes", 0);
	for (i = 0; i < 10; i++)
		send_number(id, i);
	lease_number(&ke, id, 0, 1000);
	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_OK(ke_claim(&ke, id, 0600));
	ASSERT_OK(ke_unclaim(&ke, id));
	ck_assert_uint_eq(drain(id), 9);
	ASSERT_OK(ke_close(&ke));
	ASSERT_OK(ke_init(&ke));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(a_client_keeps_the_capability_it_was_opened_with)
{
	int id = fresh_id();

	limit_events(1, 8);
	send_number(id, 1);
	user_drop(CAP_SYS_RESOURCE);
	send_number(id, 2);
	ck_assert_uint_eq(drain(id), 2);
	user_reopen();
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EDQUOT);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

#define SENDERS 16

/* Watches the use of a user while others send. */
struct crowd {
	struct sender senders[SENDERS];
	unsigned int ready;
	bool go;
	bool stop;
};

struct place {
	struct crowd *crowd;
	unsigned int index;
};

static int send_in_crowd(void *arg)
{
	struct place *place = arg;
	struct crowd *crowd = place->crowd;

	__atomic_fetch_add(&crowd->ready, 1, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&crowd->go, __ATOMIC_ACQUIRE));
	return send_as_user(&crowd->senders[place->index]);
}

static int watch_use(void *arg)
{
	struct crowd *crowd = arg;
	struct ke_limits now;

	if (crowd->senders[0].uid)
		user_become(crowd->senders[0].uid, crowd->senders[0].uid);
	while (!__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE)) {
		now = limits_now();
		if (crowd->senders[0].uid) {
			ck_assert_uint_le(now.user_bytes, now.user_max_bytes);
			ck_assert_uint_le(now.user_bytes, now.max_bytes / 5);
		}
		ck_assert_uint_le(now.bytes, now.max_bytes);
	}
	return 0;
}

/* Each as the user of its place in @uids; returns how many events went. */
static unsigned int send_in_numbers(struct crowd *crowd, const uid_t *uids, int id)
{
	unsigned int i, sent = 0;
	pid_t pids[SENDERS], watcher;

	memset(crowd, 0, sizeof(*crowd));
	for (i = 0; i < SENDERS; i++) {
		struct place place = { crowd, i };

		crowd->senders[i] = (struct sender){
			.uid = uids[i], .id = id, .size = 1000, .most = MANY,
		};
		pids[i] = child_start(send_in_crowd, &place);
	}
	watcher = child_start(watch_use, crowd);
	WAIT_UNTIL(__atomic_load_n(&crowd->ready, __ATOMIC_ACQUIRE) == SENDERS);
	__atomic_store_n(&crowd->go, true, __ATOMIC_RELEASE);
	for (i = 0; i < SENDERS; i++) {
		ck_assert_int_eq(child_join(pids[i]), 0);
		sent += crowd->senders[i].sent;
	}
	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(watcher), 0);
	return sent;
}

static void assert_refused(const struct crowd *crowd, int refusal)
{
	unsigned int i;

	for (i = 0; i < SENDERS; i++)
		ASSERT_RESULT(crowd->senders[i].refusal, refusal);
}

START_TEST(p5_sixteen_senders_do_not_overshoot_user_max_bytes)
{
	struct crowd *crowd = shared_memory(sizeof(*crowd));
	int id = fresh_id(), round, i;
	uid_t uids[SENDERS];

	limit_events(200, 1000);
	for (round = 0; round < 5; round++) {
		uids[0] = fresh_user();
		for (i = 1; i < SENDERS; i++)
			uids[i] = uids[0];
		ck_assert_uint_eq(send_in_numbers(crowd, uids, id), 200);
		assert_refused(crowd, -EDQUOT);
		ck_assert_uint_eq(drain(id), 200);
	}
}
END_TEST

START_TEST(p5_sixteen_senders_do_not_overshoot_max_bytes)
{
	struct crowd *crowd = shared_memory(sizeof(*crowd));
	const unsigned long bytes = event_bytes(1000);
	const uid_t roots[SENDERS] = { 0 };
	int id = fresh_id(), round;

	limits_wait_for_nothing();
	limit_set("max_bytes", 201 * bytes - 1);
	for (round = 0; round < 5; round++) {
		ck_assert_uint_eq(send_in_numbers(crowd, roots, id), 200);
		assert_refused(crowd, -EAGAIN);
		ck_assert_uint_eq(drain(id), 200);
	}
}
END_TEST

/* None holds more than it may, and none was refused that could hold one more. */
START_TEST(p5_sixteen_users_hold_a_quarter_of_what_is_free)
{
	struct crowd *crowd = shared_memory(sizeof(*crowd));
	const unsigned long bytes = event_bytes(1000), most = 2000;
	int id = fresh_id(), round, i;
	uid_t uids[SENDERS];
	unsigned int sent;

	limits_wait_for_nothing();
	limit_set("max_bytes", most * bytes);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < SENDERS; i++)
			uids[i] = fresh_user();
		sent = send_in_numbers(crowd, uids, id);
		assert_refused(crowd, -EDQUOT);
		for (i = 0; i < SENDERS; i++) {
			ck_assert_uint_le(crowd->senders[i].sent, most / 5);
			ck_assert_uint_gt(4 * (crowd->senders[i].sent + 1), most - sent - 1);
		}
		ck_assert_uint_eq(drain(id), sent);
	}
}
END_TEST

START_TEST(p1_a_limit_lowered_below_the_use_drops_nothing)
{
	int id = fresh_id(), i;
	struct sender *sender = new_sender(fresh_user(), id, 0);

	sender->most = 20;
	child_run(send_as_user, sender);
	ck_assert_uint_eq(sender->sent, 20);
	limit_events(10, 0);
	for (i = 20; i >= 10; i--) {
		ck_assert_uint_eq(send_until(sender->uid, id, 0, -EDQUOT), 0);
		assert_counts(id, i, 0);
		ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
	}
	ck_assert_uint_eq(send_until(sender->uid, id, 0, -EDQUOT), 1);
	ck_assert_uint_eq(drain(id), 10);
}
END_TEST

START_TEST(p1_without_any_bytes_what_waits_is_received)
{
	int id = fresh_id(), i;

	for (i = 0; i < 10; i++)
		send_number(id, i);
	limit_set("max_bytes", 0);
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EAGAIN);
	ASSERT_OK(ke_nack(&ke, lease_number(&ke, id, 0, 0)));
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(receive_number(id), i);
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EAGAIN);
	limits_restore();
	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(limits_out_of_range_are_refused)
{
	static const char *const names[] = { "max_bytes", "user_max_bytes" };
	static const char *const values[] = {
		"-1", "text", " ", "64k", "18446744073709551615", "99999999999999999999999",
	};
	static const char *const switches[] = {
		"2", "-1", "10", "1x", "01x", "yes, please", "Y", "on", " ",
	};
	struct ke_limits before = limits_now(), after;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		for (j = 0; j < ARRAY_SIZE(values); j++)
			ck_assert_int_lt(parameter_set(names[i], values[j]), 0);
	for (i = 0; i < ARRAY_SIZE(switches); i++)
		ASSERT_RESULT(parameter_set("strict", switches[i]), -EINVAL);
	after = limits_now();
	ck_assert(!memcmp(&before, &after, offsetof(struct ke_limits, bytes)));
}
END_TEST

START_TEST(strict_reads_as_it_is_written)
{
	ck_assert_int_eq(parameter_get("strict"), 0);
	limit_set("strict", 1);
	ck_assert_int_eq(parameter_get("strict"), 1);
	ASSERT_OK(parameter_set("strict", "0"));
	ck_assert_int_eq(parameter_get("strict"), 0);
	limits_restore();
}
END_TEST

START_TEST(the_limits_are_at_first_as_documented)
{
	struct ke_limits limits = limits_now();
	struct sysinfo info;
	uint64_t eighth;

	ASSERT_SYS(sysinfo(&info));
	eighth = (uint64_t)info.totalram * info.mem_unit / 8;
	ck_assert_uint_eq(limits.max_event_size, 65536);
	/* The kernel may free memory of its own after the module was loaded. */
	ck_assert_uint_le(limits.max_bytes, 256 << 20);
	ck_assert_uint_le(limits.max_bytes, eighth);
	if (limits.max_bytes < 256 << 20)
		ck_assert_uint_ge(limits.max_bytes, eighth / 10 * 9);
	ck_assert_uint_eq(limits.user_max_bytes, 32 << 20);
	ck_assert_uint_eq(limits.strict, 0);
}
END_TEST

TESTS(90, WITH_CLIENT,
      p5_a_user_holds_user_max_bytes_to_the_byte,
      p5_what_is_received_makes_space_for_as_much,
      p5_all_hold_max_bytes_to_the_byte,
      p5_an_account_holds_a_quarter_of_what_is_free_to_the_byte,
      p5_something_is_left_for_the_next_user_however_many_take_all_they_can,
      the_first_limit_that_is_met_is_told,
      claims_and_watches_meet_the_same_limits,
      p5_event_watch_and_claim_are_charged_with_a_queue_each,
      p5_an_idle_id_costs_nobody,
      p5_an_open_file_and_a_receiver_that_waits_cost_nothing,
      root_passes_the_limits_of_users,
      a_client_keeps_the_capability_it_was_opened_with,
      p5_sixteen_senders_do_not_overshoot_user_max_bytes,
      p5_sixteen_senders_do_not_overshoot_max_bytes,
      p5_sixteen_users_hold_a_quarter_of_what_is_free,
      p1_a_limit_lowered_below_the_use_drops_nothing,
      p1_without_any_bytes_what_waits_is_received,
      limits_out_of_range_are_refused,
      strict_reads_as_it_is_written,
      the_limits_are_at_first_as_documented)
