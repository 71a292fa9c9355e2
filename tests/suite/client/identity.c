// SPDX-License-Identifier: GPL-2.0-only
/* Whose rights count, and who is charged: the user that opened the file, for every call. */
#include <errno.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/user.h"

#define LIMIT 10

/* A file of an ordinary user, in the hands of root. */
static kevents_ctx hers;

/* An ID that root has claimed for itself alone. */
static int claim_for_root(void)
{
	int id = fresh_id();

	ASSERT_OK(ke_claim(&ke, id, 0600));
	return id;
}

static void strike(int id)
{
	ASSERT_OK(ke_close(&hers));
	ASSERT_OK(ke_unclaim(&ke, id));
}

START_TEST(a_privileged_write_to_anothers_file_passes_no_claim)
{
	int id = claim_for_root();
	const struct kevents_record record = { .id = id };

	user_open(&hers, fresh_user());
	ck_assert_int_eq(write(ke_fd(&hers), &record, sizeof(record)), -1);
	ck_assert_int_eq(errno, EPERM);
	assert_empty(id);
	strike(id);
}
END_TEST

START_TEST(a_privileged_send_through_anothers_file_passes_no_claim)
{
	int id = claim_for_root();
	struct ke_event ev = { .id = id };

	user_open(&hers, fresh_user());
	ASSERT_RESULT(ke_send(&hers, &ev, 0, 0), -EPERM);
	ASSERT_RESULT(ke_send(&hers, &ev, 0, -1), -EPERM);
	ASSERT_RESULT(ke_send_batch(&hers, &ev, 1, 0), -EPERM);
	assert_empty(id);
	strike(id);
}
END_TEST

START_TEST(a_privileged_receive_through_anothers_file_passes_no_claim)
{
	int id = claim_for_root();
	struct ke_event ev = { .size = 0 };

	user_open(&hers, fresh_user());
	send_number(id, 1);
	ASSERT_RESULT(ke_receive(&hers, id, &ev, 0, 0), -EPERM);
	ASSERT_RESULT(ke_receive(&hers, id, &ev, 0, -1), -EPERM);
	ASSERT_RESULT(ke_receive(&hers, id, &ev, KE_PEEK, 0), -EPERM);
	ASSERT_RESULT(ke_receive(&hers, id, &ev, KE_LEASE, 0), -EPERM);
	ASSERT_RESULT(ke_purge(&hers, id), -EPERM);
	ck_assert_uint_eq(receive_number(id), 1);
	strike(id);
}
END_TEST

START_TEST(a_privileged_look_through_anothers_file_passes_no_claim)
{
	int id = claim_for_root(), ids[64], count;
	struct ke_stat stat;

	user_open(&hers, fresh_user());
	ASSERT_RESULT(ke_poll_event(&hers, id), -EPERM);
	ASSERT_RESULT(ke_stat(&hers, id, &stat), -EPERM);
	count = ke_list(&hers, ids, ARRAY_SIZE(ids));
	ck_assert_int_ge(count, 0);
	for (count = count < 64 ? count : 64; count; count--)
		ck_assert_int_ne(ids[count - 1], id);
	strike(id);
}
END_TEST

START_TEST(a_privileged_claim_through_anothers_file_is_busy)
{
	int id = claim_for_root();

	user_open(&hers, fresh_user());
	ASSERT_RESULT(ke_claim(&hers, id, 0666), -EBUSY);
	ASSERT_RESULT(ke_unclaim(&hers, id), -EPERM);
	ck_assert_uint_eq(stat_of(id).mode, 0600);
	strike(id);
}
END_TEST

START_TEST(a_claim_through_anothers_file_is_that_users)
{
	const uid_t uid = fresh_user();
	int id = fresh_id();

	user_open(&hers, uid);
	ASSERT_OK(ke_claim(&hers, id, 0600));
	ck_assert_uint_eq(stat_of(id).owner_uid, uid);
	ck_assert_uint_eq(stat_of(id).owner_gid, uid);
	strike(id);
}
END_TEST

/* Fills hers with events as far as a limit of 10 lets it; returns how many went. */
static unsigned int fill(int id)
{
	unsigned int sent = 0;
	int err = 0;

	while (sent <= LIMIT) {
		err = ke_send_event(&hers, id, NULL, 0);
		if (err)
			break;
		sent++;
	}
	ck_assert(!err || err == -EDQUOT);
	return sent;
}

START_TEST(p5_a_privileged_send_through_anothers_file_passes_no_limit)
{
	int id = fresh_id();

	limit_events(LIMIT, 0);
	user_open(&hers, fresh_user());
	ck_assert_uint_eq(fill(id), LIMIT);
	ASSERT_OK(ke_close(&hers));
	ck_assert_uint_eq(drain(id), LIMIT);
}
END_TEST

START_TEST(p5_a_privileged_watch_or_claim_through_anothers_file_passes_no_limit)
{
	int id = fresh_id();

	user_open(&hers, fresh_user());
	limit_set("user_max_bytes", 0);
	ASSERT_RESULT(ke_claim(&hers, id, 0600), -EDQUOT);
	ASSERT_RESULT(ke_watch(&hers, id), -EDQUOT);
	ASSERT_OK(ke_close(&hers));
}
END_TEST

/* A child of another user that shares root's file. */
struct heir {
	uid_t uid;
	int id;
};

static int use_claimed_id(void *arg)
{
	struct heir *heir = arg;

	user_change(heir->uid, heir->uid);
	send_number(heir->id, 1);
	ck_assert_uint_eq(receive_number(heir->id), 1);
	ASSERT_OK(ke_claim(&ke, heir->id, 0640));
	return 0;
}

START_TEST(who_shares_a_file_of_root_has_its_rights)
{
	struct heir heir = { .uid = fresh_user(), .id = claim_for_root() };

	child_run(use_claimed_id, &heir);
	ck_assert_uint_eq(stat_of(heir.id).mode, 0640);
	ASSERT_OK(ke_unclaim(&ke, heir.id));
}
END_TEST

static int send_beyond_limit(void *arg)
{
	struct heir *heir = arg;
	unsigned int i;

	user_change(heir->uid, heir->uid);
	for (i = 0; i <= LIMIT; i++)
		ASSERT_OK(ke_send_event(&ke, heir->id, NULL, 0));
	return 0;
}

START_TEST(p5_root_is_charged_for_what_others_send_through_its_file)
{
	struct heir heir = { .uid = fresh_user(), .id = fresh_id() };
	uint64_t before = limits_now().user_bytes;

	limit_events(LIMIT, 0);
	child_run(send_beyond_limit, &heir);
	ck_assert_uint_eq(limits_now().user_bytes, before + stat_of(heir.id).bytes);
	ck_assert_uint_eq(drain(heir.id), LIMIT + 1);
}
END_TEST

static int send_through_hers(void *arg)
{
	struct heir *heir = arg;

	user_change(heir->uid, heir->uid);
	return -ke_send_event(&hers, heir->id, NULL, 0);
}

START_TEST(p5_many_users_that_share_a_file_are_one_account)
{
	struct heir heir = { .id = fresh_id() };
	int i;

	limit_events(LIMIT, 0);
	user_open(&hers, fresh_user());
	for (i = 0; i < LIMIT; i++) {
		heir.uid = fresh_user();
		child_run(send_through_hers, &heir);
	}
	heir.uid = fresh_user();
	ck_assert_int_eq(child_join(child_start(send_through_hers, &heir)), EDQUOT);
	ASSERT_OK(ke_close(&hers));
	ck_assert_uint_eq(drain(heir.id), LIMIT);
}
END_TEST

START_TEST(p11_who_sends_is_named_though_another_is_charged)
{
	struct heir heir = { .uid = fresh_user(), .id = fresh_id() };
	struct ke_limits before, after;
	struct ke_event ev = { .size = 0 };
	pid_t pid;

	user_open(&hers, fresh_user());
	ASSERT_OK(ke_limits(&hers, &before));
	pid = child_start(send_through_hers, &heir);
	ck_assert_int_eq(child_join(pid), 0);
	ASSERT_OK(ke_limits(&hers, &after));
	ck_assert_uint_eq(after.user_bytes, before.user_bytes + stat_of(heir.id).bytes);
	ASSERT_OK(ke_receive(&ke, heir.id, &ev, 0, 0));
	ck_assert_int_eq(ev.pid, pid);
	ck_assert_uint_eq(ev.uid, heir.uid);
	ck_assert_uint_eq(ev.gid, heir.uid);
	ASSERT_OK(ke_close(&hers));
}
END_TEST

TESTS(60, WITH_CLIENT,
      a_privileged_write_to_anothers_file_passes_no_claim,
      a_privileged_send_through_anothers_file_passes_no_claim,
      a_privileged_receive_through_anothers_file_passes_no_claim,
      a_privileged_look_through_anothers_file_passes_no_claim,
      a_privileged_claim_through_anothers_file_is_busy,
      a_claim_through_anothers_file_is_that_users,
      p5_a_privileged_send_through_anothers_file_passes_no_limit,
      p5_a_privileged_watch_or_claim_through_anothers_file_passes_no_limit,
      who_shares_a_file_of_root_has_its_rights,
      p5_root_is_charged_for_what_others_send_through_its_file,
      p5_many_users_that_share_a_file_are_one_account,
      p11_who_sends_is_named_though_another_is_charged)
