// SPDX-License-Identifier: GPL-2.0-only
/* Claims: what changes while others wait, who passes them, and what they cost. */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/fsuid.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/watch.h"

/* A child that receives as somebody. */
struct waiter {
	uid_t uid;
	int id;
	uint64_t number;
};

static int wait_as_user(void *arg)
{
	struct waiter *waiter = arg;
	struct ke_event ev = { .data = &waiter->number, .size = sizeof(waiter->number) };

	user_become(waiter->uid, waiter->uid);
	return -ke_receive(&ke, waiter->id, &ev, 0, -1);
}

static pid_t waiter_block(struct waiter *waiter)
{
	pid_t pid = child_start(wait_as_user, waiter);

	task_wait_blocked(pid);
	return pid;
}

static struct waiter *new_waiter(int id)
{
	struct waiter *waiter = shared_memory(sizeof(*waiter));

	waiter->uid = fresh_user();
	waiter->id = id;
	return waiter;
}

START_TEST(p9_a_claim_ends_the_wait_of_who_may_not_receive_any_more)
{
	int id = fresh_id();
	pid_t pid = waiter_block(new_waiter(id));

	ASSERT_OK(ke_claim(&ke, id, 0600));
	ck_assert_int_eq(child_join(pid), EPERM);
	ck_assert_uint_eq(stat_of(id).waiters, 0);
	ASSERT_OK(ke_unclaim(&ke, id));
}
END_TEST

START_TEST(p9_a_change_of_mode_ends_the_wait_of_who_may_not_receive_any_more)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);
	pid_t first, last;

	ASSERT_OK(ke_claim(&ke, id, 0666));
	first = waiter_block(new_waiter(id));
	receiver_block(&receiver);
	last = waiter_block(new_waiter(id));
	ASSERT_OK(ke_claim(&ke, id, 0664));
	task_wait_blocked(first);
	task_wait_blocked(last);
	ASSERT_OK(ke_claim(&ke, id, 0662));
	ck_assert_int_eq(child_join(first), EPERM);
	ck_assert_int_eq(child_join(last), EPERM);
	task_wait_blocked(receiver.tid);
	ck_assert_uint_eq(stat_of(id).waiters, 1);
	send_number(id, 7);
	receiver_expect(&receiver, 7);
	ASSERT_OK(ke_unclaim(&ke, id));
}
END_TEST

/* The first cannot run between the hand-over and the loss of its right. */
START_TEST(p9_a_claim_does_not_take_back_what_was_handed_over)
{
	int id = fresh_id();
	struct receiver receiver = RECEIVER(id);
	struct waiter *waiter = new_waiter(id);
	pid_t pid;

	task_pin();
	pid = waiter_block(waiter);
	receiver_block(&receiver);
	task_rule();
	send_number(id, 7);
	ASSERT_OK(ke_claim(&ke, id, 0600));
	send_number(id, 8);
	task_yield_rule();
	receiver_expect(&receiver, 8);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(waiter->number, 7);
	ASSERT_OK(ke_unclaim(&ke, id));
}
END_TEST

enum { CROWD = 40 };

/* More than one step of the module judges: none stays that may not, none goes that may. */
START_TEST(p9_a_claim_judges_all_who_wait)
{
	struct receiver receivers[CROWD];
	kevents_ctx denied;
	int id = fresh_id();
	size_t i;

	user_open(&denied, fresh_user());
	for (i = 0; i < CROWD; i++) {
		receivers[i] = RECEIVER(id);
		receivers[i].client = i % 4 == 3 ? &ke : &denied;
		receiver_block(&receivers[i]);
	}
	ASSERT_OK(ke_claim(&ke, id, 0600));
	/* An event at once makes no difference. */
	send_number(id, 3);
	for (i = 0; i < CROWD; i++)
		if (i % 4 != 3) {
			receiver_join(&receivers[i]);
			ASSERT_RESULT(receivers[i].result, -EPERM);
		}
	receiver_expect(&receivers[3], 3);
	ck_assert_uint_eq(stat_of(id).waiters, CROWD / 4 - 1);
	for (i = 7; i < CROWD; i += 4) {
		send_number(id, i);
		receiver_expect(&receivers[i], i);
	}
	assert_empty(id);
	ASSERT_OK(ke_unclaim(&ke, id));
	ASSERT_OK(ke_close(&denied));
}
END_TEST

START_TEST(who_may_receive_again_does)
{
	int id = fresh_id();
	struct waiter *waiter = new_waiter(id);

	ASSERT_OK(ke_claim(&ke, id, 0600));
	send_number(id, 7);
	ck_assert_int_eq(child_join(child_start(wait_as_user, waiter)), EPERM);
	ASSERT_OK(ke_claim(&ke, id, 0604));
	child_run(wait_as_user, waiter);
	ck_assert_uint_eq(waiter->number, 7);
	ASSERT_OK(ke_unclaim(&ke, id));
}
END_TEST

static void assert_strict(int id)
{
	struct ke_event ev = { .size = 0 };
	struct ke_stat stat;

	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EPERM);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -EPERM);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), -EPERM);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, -1), -EPERM);
	ASSERT_RESULT(ke_poll_event(&ke, id), -EPERM);
	ASSERT_RESULT(ke_stat(&ke, id, &stat), -EPERM);
	ASSERT_RESULT(ke_purge(&ke, id), -EPERM);
}

START_TEST(strict_lets_only_claimed_ids_be_used)
{
	int used = fresh_id(), unused = fresh_id(), claimed = fresh_id(), i, count;
	static int ids[10000];

	send_number(used, 1);
	limit_set("strict", 1);
	ck_assert_uint_eq(limits_now().strict, 1);
	assert_strict(used);
	assert_strict(unused);
	count = ke_list(&ke, ids, ARRAY_SIZE(ids));
	for (i = 0; i < count; i++)
		ck_assert_int_ne(ids[i], used);

	ASSERT_OK(ke_claim(&ke, claimed, 0600));
	send_number(claimed, 2);
	ck_assert_uint_eq(receive_number(claimed), 2);
	ASSERT_OK(ke_claim(&ke, used, 0600));
	ck_assert_uint_eq(receive_number(used), 1);
	ASSERT_OK(ke_unclaim(&ke, used));
	assert_strict(used);
	ASSERT_OK(ke_unclaim(&ke, claimed));
	limits_restore();
	assert_empty(used);
	send_number(used, 3);
	ck_assert_uint_eq(receive_number(used), 3);
}
END_TEST

START_TEST(strict_forbids_what_nobody_has_used_yet)
{
	struct ke_event ev = { .size = 0 };
	struct ke_stat stat;

	limit_set("strict", 1);
	ASSERT_RESULT(ke_receive(&ke, fresh_id(), &ev, 0, 0), -EPERM);
	ASSERT_RESULT(ke_poll_event(&ke, fresh_id()), -EPERM);
	ASSERT_RESULT(ke_stat(&ke, fresh_id(), &stat), -EPERM);
	ASSERT_RESULT(ke_purge(&ke, fresh_id()), -EPERM);
	limits_restore();
}
END_TEST

/* Every way to use an ID that would make it, however long it may wait. */
static void assert_forbidden(int id)
{
	static const int timeouts[] = { 0, 1000, -1 };
	struct ke_event ev = { .id = id };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		ASSERT_RESULT(ke_send(&ke, &ev, 0, timeouts[i]), -EPERM);
		ASSERT_RESULT(ke_send_batch(&ke, &ev, 1, timeouts[i]), -EPERM);
		ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, timeouts[i]), -EPERM);
	}
}

static int use_what_none_has_claimed(void *arg)
{
	struct waiter *waiter = arg;

	user_become(waiter->uid, waiter->uid);
	ASSERT_OK(ke_claim(&ke, waiter->id, 0600));
	assert_forbidden(waiter->id + 1);
	ASSERT_RESULT(ke_claim(&ke, waiter->id + 1, 0600), -EDQUOT);
	ASSERT_OK(ke_unclaim(&ke, waiter->id));
	return 0;
}

START_TEST(strict_forbids_an_id_before_there_is_no_room_for_it)
{
	struct waiter *waiter = new_waiter(fresh_id());

	fresh_id();
	limit_set("user_max_bytes", claim_bytes());
	limit_set("strict", 1);
	child_run(use_what_none_has_claimed, waiter);
	limit_set("max_bytes", 0);
	assert_forbidden(fresh_id());
	limits_restore();
}
END_TEST

static int use_what_another_has_claimed(void *arg)
{
	struct waiter *waiter = arg;

	user_become(waiter->uid, waiter->uid);
	assert_forbidden(waiter->id);
	return 0;
}

START_TEST(a_claim_forbids_an_id_before_there_is_no_room_at_all)
{
	struct waiter *waiter = new_waiter(fresh_id());

	ASSERT_OK(ke_claim(&ke, waiter->id, 0));
	limit_set("max_bytes", 0);
	child_run(use_what_another_has_claimed, waiter);
	limits_restore();
	ASSERT_OK(ke_unclaim(&ke, waiter->id));
}
END_TEST

START_TEST(strict_lets_an_id_be_watched_until_it_is_claimed)
{
	int id = fresh_id();

	limit_set("strict", 1);
	ASSERT_OK(ke_watch(&ke, id));
	assert_forbidden(id);
	ASSERT_OK(ke_claim(&ke, id, 0600));
	send_number(id, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
	ASSERT_OK(ke_unclaim(&ke, id));
	ASSERT_OK(ke_unwatch(&ke, id));
	limits_restore();
}
END_TEST

START_TEST(strict_ends_the_wait_for_any_id)
{
	static const int ids[] = { INT_MIN, 0, INT_MAX };
	struct receiver receivers[ARRAY_SIZE(ids)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		receivers[i] = RECEIVER(ids[i]);
		receiver_block(&receivers[i]);
	}
	limit_set("strict", 1);
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		receiver_join(&receivers[i]);
		ASSERT_RESULT(receivers[i].result, -EPERM);
	}
}
END_TEST

START_TEST(a_lease_ends_while_strict_forbids_the_id)
{
	int id = fresh_id();
	uint64_t first, second;

	send_number(id, 1);
	send_number(id, 2);
	first = lease_number(&ke, id, 1, 0);
	second = lease_number(&ke, id, 2, 0);
	limit_set("strict", 1);
	ASSERT_OK(ke_ack(&ke, first));
	ASSERT_OK(ke_nack(&ke, second));
	limits_restore();
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

/* What a child in namespaces of its own and the test tell each other. */
struct visit {
	int id;
	uid_t uid;
	bool here;		/* the child is there */
	bool claimed;		/* root has claimed the ID there */
};

static int pass_claim_at_home(void *arg)
{
	struct visit *visit = arg;
	struct ke_event ev = { .size = 0 };

	user_become(visit->uid, visit->uid);
	user_enter_own_user_namespace();
	user_reopen();
	/* This client is of the first namespace, which is not this user's. */
	ASSERT_RESULT(ke_send_event(&ke, visit->id, NULL, 0), -EPERM);
	ASSERT_RESULT(ke_claim(&ke, visit->id, 0666), -EBUSY);
	ASSERT_RESULT(ke_unclaim(&ke, visit->id), -EPERM);
	user_enter_own_netns();
	__atomic_store_n(&visit->here, true, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&visit->claimed, __ATOMIC_ACQUIRE));
	ASSERT_OK(ke_send_event(&ke, visit->id, NULL, 0));
	ASSERT_OK(ke_receive(&ke, visit->id, &ev, 0, 0));
	ASSERT_OK(ke_claim(&ke, visit->id, 0));
	ck_assert_uint_eq(stat_of(visit->id).owner_uid, 65534);	/* root has no name there */
	ck_assert_uint_eq(stat_of(visit->id).owner_gid, 65534);
	user_drop(CAP_IPC_OWNER);
	user_reopen();
	ASSERT_RESULT(ke_send_event(&ke, visit->id, NULL, 0), -EPERM);
	ASSERT_RESULT(ke_unclaim(&ke, visit->id), -EPERM);
	return 0;
}

START_TEST(p10_cap_ipc_owner_counts_where_the_namespace_belongs)
{
	struct visit *visit = shared_memory(sizeof(*visit));
	kevents_ctx there;
	char path[64];
	pid_t pid;
	int fd;

	visit->id = fresh_id();
	visit->uid = fresh_user();
	ASSERT_OK(ke_claim(&ke, visit->id, 0600));
	pid = child_start(pass_claim_at_home, visit);
	WAIT_UNTIL(__atomic_load_n(&visit->here, __ATOMIC_ACQUIRE));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	ASSERT_SYS(setns(fd, CLONE_NEWNET));
	close(fd);
	ASSERT_OK(ke_init(&there));
	ASSERT_OK(ke_claim(&there, visit->id, 0600));
	__atomic_store_n(&visit->claimed, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(pid), 0);
	ASSERT_OK(ke_close(&there));
	ASSERT_OK(ke_unclaim(&ke, visit->id));
}
END_TEST

static int claim_without_owner(void *arg)
{
	int id = *(int *)arg;

	user_drop(CAP_IPC_OWNER);
	user_reopen();
	ASSERT_RESULT(ke_send_event(&ke, id, NULL, 0), -EPERM);
	ASSERT_RESULT(ke_claim(&ke, id, 0666), -EBUSY);
	ASSERT_RESULT(ke_unclaim(&ke, id), -EPERM);
	return 0;
}

/* The effective user counts, not the real one. */
static int claim_as_effective_user(void *arg)
{
	struct visit *visit = arg;
	gid_t gid = visit->uid + 1;

	ASSERT_SYS(setresgid(0, gid, 0));
	ASSERT_SYS(setresuid(0, visit->uid, 0));
	setfsuid(0);	/* may open the device */
	user_reopen();
	ASSERT_OK(ke_claim(&ke, visit->id, 0600));
	ASSERT_OK(ke_send_event(&ke, visit->id, NULL, 0));
	ASSERT_SYS(setresuid(visit->uid, 0, 0));
	user_drop(CAP_IPC_OWNER);
	user_reopen();
	ASSERT_RESULT(ke_send_event(&ke, visit->id, NULL, 0), -EPERM);
	return 0;
}

START_TEST(claims_look_at_the_effective_user_that_opened_the_file)
{
	struct visit visit = { .id = fresh_id(), .uid = fresh_user() };

	fresh_user();
	child_run(claim_as_effective_user, &visit);
	ck_assert_uint_eq(stat_of(visit.id).owner_uid, visit.uid);
	ck_assert_uint_eq(stat_of(visit.id).owner_gid, visit.uid + 1);
	child_run(claim_without_owner, &visit.id);
	ck_assert_uint_eq(drain(visit.id), 1);
	ASSERT_OK(ke_unclaim(&ke, visit.id));
}
END_TEST

static int claim_many(void *arg)
{
	struct visit *visit = arg;
	int id = visit->id, i;
	uint64_t held;

	user_become(visit->uid, visit->uid);
	for (i = 0; i < 5; i++)
		ASSERT_OK(ke_claim(&ke, id + i, 0600));
	held = limits_now().user_bytes;
	ASSERT_RESULT(ke_claim(&ke, id + 5, 0600), -EDQUOT);

	/* What is his already costs no more. */
	ASSERT_OK(ke_claim(&ke, id, 0666));
	ck_assert_uint_eq(limits_now().user_bytes, held);

	/* One that root uses already does. */
	ASSERT_RESULT(ke_claim(&ke, id + 6, 0600), -EDQUOT);
	ASSERT_OK(ke_unclaim(&ke, id));
	ASSERT_OK(ke_claim(&ke, id + 6, 0600));
	ck_assert_uint_eq(limits_now().user_bytes, held);
	ck_assert_uint_eq(drain(id + 6), 1);
	for (i = 1; i < 5; i++)
		ASSERT_OK(ke_unclaim(&ke, id + i));
	ASSERT_OK(ke_unclaim(&ke, id + 6));
	ck_assert_uint_eq(limits_now().user_bytes, 0);
	return 0;
}

START_TEST(p5_a_claim_is_charged_once)
{
	struct visit visit = { .id = fresh_id(), .uid = fresh_user() };
	int i;

	for (i = 1; i < 7; i++)
		fresh_id();
	send_number(visit.id + 6, 1);
	limit_set("user_max_bytes", 5 * claim_bytes());
	child_run(claim_many, &visit);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_a_claim_ends_the_wait_of_who_may_not_receive_any_more,
      p9_a_change_of_mode_ends_the_wait_of_who_may_not_receive_any_more,
      p9_a_claim_does_not_take_back_what_was_handed_over,
      p9_a_claim_judges_all_who_wait,
      who_may_receive_again_does,
      strict_lets_only_claimed_ids_be_used,
      a_lease_ends_while_strict_forbids_the_id,
      p10_cap_ipc_owner_counts_where_the_namespace_belongs,
      claims_look_at_the_effective_user_that_opened_the_file,
      p5_a_claim_is_charged_once,
      strict_forbids_what_nobody_has_used_yet,
      strict_forbids_an_id_before_there_is_no_room_for_it,
      a_claim_forbids_an_id_before_there_is_no_room_at_all,
      strict_lets_an_id_be_watched_until_it_is_claimed,
      strict_ends_the_wait_for_any_id)
