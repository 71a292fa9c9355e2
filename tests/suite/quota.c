// SPDX-License-Identifier: GPL-2.0-only
/* P5: what a user, and all together, may hold. */
#include <linux/capability.h>
#include <stdio.h>

#include "harness.h"
#include "held.h"
#include "limits.h"
#include "memory.h"
#include "module.h"
#include "task.h"
#include "user.h"

/* A child that sends as a user until it is refused. */
struct sender {
	uid_t uid;
	int id;
	size_t size;
	unsigned int most;	/* events it tries to send */
	int step;		/* from ID to ID */
	unsigned int sent;
	int refusal;
	struct ke_limits use;	/* in the end, of the user */
};

static char payload[65536];

static int send_as_user(void *arg)
{
	struct sender *sender = arg;
	int id = sender->id;

	if (sender->uid)
		user_become(sender->uid, sender->uid);
	while (sender->sent < sender->most) {
		sender->refusal = ke_send_event(&ke, id, payload, sender->size);
		if (sender->refusal)
			break;
		sender->sent++;
		id += sender->step;
	}
	sender->use = limits_now();
	return 0;
}

static struct sender *new_sender(uid_t uid, int id, unsigned int most)
{
	struct sender *sender = shared_memory(sizeof(*sender));

	sender->uid = uid;
	sender->id = id;
	sender->most = most;
	return sender;
}

START_TEST(p5_a_user_holds_no_more_events_than_user_max_events)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id, 20), *again;

	limit_set("user_max_events", 10);
	child_run(send_as_user, sender);
	ck_assert_uint_eq(sender->sent, 10);
	ASSERT_RESULT(sender->refusal, -EDQUOT);

	ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
	again = new_sender(sender->uid, id, 20);
	child_run(send_as_user, again);
	ck_assert_uint_eq(again->sent, 1);
	ck_assert_uint_eq(drain(id), 10);
}
END_TEST

START_TEST(p5_a_user_holds_no_more_bytes_than_user_max_bytes)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id, 1000);

	limit_set("user_max_bytes", 100000);
	sender->size = 800;
	child_run(send_as_user, sender);
	ASSERT_RESULT(sender->refusal, -EDQUOT);
	ck_assert_uint_gt(sender->sent, 50);
	ck_assert_uint_lt(sender->sent, 100);
	ck_assert_uint_le(sender->use.user_bytes, 100000);
	ck_assert_uint_ge(sender->use.user_bytes, sender->sent * 800);
	ck_assert_uint_eq(drain(id), sender->sent);
}
END_TEST

START_TEST(p5_bookkeeping_is_charged)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id, 10000);

	limit_set("user_max_bytes", 100000);
	child_run(send_as_user, sender);
	ASSERT_RESULT(sender->refusal, -EDQUOT);
	ck_assert_uint_lt(sender->sent, 100000 / 64);
	ck_assert_uint_eq(drain(id), sender->sent);
}
END_TEST

START_TEST(p5_a_user_brings_no_more_ids_into_being_than_user_max_ids)
{
	int id = fresh_id(), i;
	struct sender *sender = new_sender(fresh_user(), id, 20), *again;

	for (i = 1; i < 10; i++)
		fresh_id();
	limit_set("user_max_ids", 5);
	sender->step = 1;
	child_run(send_as_user, sender);
	ck_assert_uint_eq(sender->sent, 5);
	ASSERT_RESULT(sender->refusal, -EDQUOT);

	/* Under an ID that there is, more have room; and one that is empty goes. */
	again = new_sender(sender->uid, id + 4, 3);
	child_run(send_as_user, again);
	ck_assert_uint_eq(again->sent, 3);
	ck_assert_uint_eq(drain(id), 1);
	again = new_sender(sender->uid, id + 7, 1);
	child_run(send_as_user, again);
	ck_assert_uint_eq(again->sent, 1);
	for (i = 1; i < 8; i++)
		drain(id + i);
}
END_TEST

START_TEST(p5_an_id_is_charged_to_who_brought_it_into_being)
{
	int id = fresh_id();
	struct sender *sender = new_sender(fresh_user(), id, 1);

	send_number(id, 1);
	limit_set("user_max_ids", 0);
	child_run(send_as_user, sender);
	ck_assert_uint_eq(sender->sent, 1);
	ck_assert_uint_eq(drain(id), 2);
}
END_TEST

START_TEST(root_passes_the_limits_of_users)
{
	int id = fresh_id(), i;

	limit_set("user_max_events", 0);
	limit_set("user_max_bytes", 0);
	limit_set("user_max_ids", 0);
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

	limit_set("user_max_events", 1);
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

START_TEST(p5_nobody_passes_max_bytes)
{
	int id = fresh_id();
	struct sender *root = new_sender(0, id, 1000);
	struct sender *user = new_sender(fresh_user(), id, 1000);
	unsigned long bytes, limit;

	ASSERT_OK(ke_send_event(&ke, id, payload, 16384));
	bytes = stat_of(id).bytes;
	ASSERT_RESULT(ke_purge(&ke, id), 1);
	/* Half an event is more than what goes and comes beside events. */
	limit = limits_now().bytes + 50 * bytes + bytes / 2;
	limit_set("max_bytes", limit);
	root->size = 16384;
	child_run(send_as_user, root);
	ASSERT_RESULT(root->refusal, -EAGAIN);
	ck_assert_uint_eq(root->sent, 50);
	ck_assert_uint_le(root->use.bytes, limit);
	user->size = 16384;
	child_run(send_as_user, user);
	ck_assert_uint_eq(user->sent, 0);
	ASSERT_RESULT(user->refusal, -EAGAIN);
	ck_assert_uint_eq(drain(id), root->sent);
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

	user_become(crowd->senders[0].uid, crowd->senders[0].uid);
	while (!__atomic_load_n(&crowd->stop, __ATOMIC_ACQUIRE)) {
		now = limits_now();
		ck_assert_uint_le(now.user_bytes, now.user_max_bytes);
		ck_assert_uint_le(now.bytes, now.max_bytes);
	}
	return 0;
}

/* All as one user or, without a uid, each as its own; returns how many went. */
static unsigned int send_in_numbers(uid_t uid, int id, size_t size, int step, int refusal)
{
	struct crowd *crowd = shared_memory(sizeof(*crowd));
	unsigned int i, sent = 0;
	pid_t pids[SENDERS], watcher;

	for (i = 0; i < SENDERS; i++) {
		struct place place = { crowd, i };

		crowd->senders[i].uid = uid ? uid : fresh_user();
		crowd->senders[i].id = id + (step ? (int)i : 0);
		crowd->senders[i].step = step;
		crowd->senders[i].size = size;
		crowd->senders[i].most = 2000;
		pids[i] = child_start(send_in_crowd, &place);
	}
	watcher = child_start(watch_use, crowd);
	WAIT_UNTIL(__atomic_load_n(&crowd->ready, __ATOMIC_ACQUIRE) == SENDERS);
	__atomic_store_n(&crowd->go, true, __ATOMIC_RELEASE);
	for (i = 0; i < SENDERS; i++) {
		ck_assert_int_eq(child_join(pids[i]), 0);
		ASSERT_RESULT(crowd->senders[i].refusal, refusal);
		sent += crowd->senders[i].sent;
	}
	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(watcher), 0);
	return sent;
}

START_TEST(p5_sixteen_senders_do_not_overshoot_user_max_events)
{
	int id = fresh_id(), round;

	limit_set("user_max_events", 100);
	for (round = 0; round < 5; round++) {
		ck_assert_uint_eq(send_in_numbers(fresh_user(), id, 8, 0, -EDQUOT), 100);
		ck_assert_uint_eq(drain(id), 100);
	}
}
END_TEST

START_TEST(p5_sixteen_senders_do_not_overshoot_user_max_bytes)
{
	int id = fresh_id(), round;
	unsigned int sent;

	limit_set("user_max_bytes", 200000);
	for (round = 0; round < 5; round++) {
		sent = send_in_numbers(fresh_user(), id, 1000, 0, -EDQUOT);
		ck_assert_uint_lt(sent, 200);
		ck_assert_uint_eq(drain(id), sent);
	}
}
END_TEST

START_TEST(p5_sixteen_users_do_not_overshoot_max_bytes)
{
	int id = fresh_id();
	unsigned int sent;

	limit_set("max_bytes", limits_now().bytes + 200000);
	sent = send_in_numbers(0, id, 1000, 0, -EAGAIN);
	ck_assert_uint_gt(sent, 50);
	ck_assert_uint_lt(sent, 200);
	ck_assert_uint_eq(drain(id), sent);
}
END_TEST

START_TEST(p5_sixteen_senders_do_not_overshoot_user_max_ids)
{
	int id = fresh_id(), i, total = 0;

	for (i = 1; i < SENDERS + 2 * 40; i++)
		fresh_id();
	limit_set("user_max_ids", 40);
	send_in_numbers(fresh_user(), id, 8, 2, -EDQUOT);
	for (i = 0; i < SENDERS + 2 * 40; i++)
		total += drain(id + i) > 0;
	ck_assert_int_eq(total, 40);
}
END_TEST

START_TEST(p1_a_limit_lowered_below_the_use_drops_nothing)
{
	int id = fresh_id(), i;
	struct sender *sender = new_sender(fresh_user(), id, 20), *again;

	child_run(send_as_user, sender);
	ck_assert_uint_eq(sender->sent, 20);
	limit_set("user_max_events", 10);
	again = new_sender(sender->uid, id, 1);
	for (i = 20; i >= 10; i--) {
		child_run(send_as_user, again);
		ASSERT_RESULT(again->refusal, -EDQUOT);
		assert_held(id, i, 0);
		ASSERT_OK(ke_get_event(&ke, id, payload, sizeof(payload)));
	}
	child_run(send_as_user, again);
	ck_assert_uint_eq(again->sent, 1);
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

START_TEST(p5_who_passes_the_limits_of_users_does_not_pass_that_of_all)
{
	int id = fresh_id();
	struct ke_limits before = limits_after_sending(id);

	limit_set("user_max_bytes", 0);
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	limit_set("max_bytes", limits_now().bytes);
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EAGAIN);
	ck_assert_uint_eq(drain(id), 1);
	limits_restore();
	limits_wait_back_to(&before);
}
END_TEST

START_TEST(limits_out_of_range_are_refused)
{
	static const char *const names[] = {
		"max_bytes", "user_max_bytes", "user_max_events", "user_max_ids",
	};
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

	ck_assert_uint_eq(limits.max_event_size, 65536);
	ck_assert_uint_eq(limits.max_bytes, 64 << 20);
	ck_assert_uint_eq(limits.user_max_bytes, 16 << 20);
	ck_assert_uint_eq(limits.strict, 0);
}
END_TEST

START_TEST(p5_memory_that_a_sender_keeps_is_charged_until_its_client_closes)
{
	struct ke_limits before = limits_now(), idle;
	long events = slab_objects(EVENTS);
	kevents_ctx other;
	int id = fresh_id();

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_send_event(&other, id, NULL, 0));
	ASSERT_OK(ke_get_event(&other, id, NULL, 0));
	idle = limits_now();
	/* 64 bytes of payload and what the smallest event has beside it. */
	ck_assert_uint_ge(idle.user_bytes, before.user_bytes + 64 + 100);
	ASSERT_OK(ke_send_event(&other, id, NULL, 0));
	ck_assert_uint_ge(limits_now().user_bytes, idle.user_bytes + 64 + 100);
	ASSERT_OK(ke_get_event(&other, id, NULL, 0));
	ASSERT_OK(ke_close(&other));
	slab_wait_down_to(EVENTS, events);
	limits_wait_back_to(&before);
}
END_TEST

TESTS(quota, 90, WITH_CLIENT,
      p5_a_user_holds_no_more_events_than_user_max_events,
      p5_a_user_holds_no_more_bytes_than_user_max_bytes,
      p5_bookkeeping_is_charged,
      p5_a_user_brings_no_more_ids_into_being_than_user_max_ids,
      p5_an_id_is_charged_to_who_brought_it_into_being,
      root_passes_the_limits_of_users,
      a_client_keeps_the_capability_it_was_opened_with,
      p5_nobody_passes_max_bytes,
      p5_memory_that_a_sender_keeps_is_charged_until_its_client_closes,
      p5_sixteen_senders_do_not_overshoot_user_max_events,
      p5_sixteen_senders_do_not_overshoot_user_max_bytes,
      p5_sixteen_users_do_not_overshoot_max_bytes,
      p5_sixteen_senders_do_not_overshoot_user_max_ids,
      p1_a_limit_lowered_below_the_use_drops_nothing,
      p1_without_any_bytes_what_waits_is_received,
      limits_out_of_range_are_refused,
      strict_reads_as_it_is_written,
      the_limits_are_at_first_as_documented,
      p5_who_passes_the_limits_of_users_does_not_pass_that_of_all)
