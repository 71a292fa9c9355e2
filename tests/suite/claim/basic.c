// SPDX-License-Identifier: GPL-2.0-only
/* Claims: who owns an ID, and what its mode lets whom do. */
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"

/* Children that act as somebody. */
struct person {
	uid_t uid;
	gid_t gid;
	gid_t other;		/* one more group; 0: none */
	int id;
	mode_t mode;		/* to claim with */
	bool may_send;
	bool may_receive;
};

static void become(const struct person *person)
{
	if (person->other)
		user_become_member(person->uid, person->gid, person->other);
	else
		user_become(person->uid, person->gid);
}

static int claim_as(void *arg)
{
	const struct person *person = arg;

	become(person);
	return -ke_claim(&ke, person->id, person->mode);
}

static int unclaim_as(void *arg)
{
	const struct person *person = arg;

	become(person);
	return -ke_unclaim(&ke, person->id);
}

static struct person stranger(int id)
{
	struct person person = { .uid = fresh_user(), .id = id, .mode = 0600 };

	person.gid = person.uid;
	return person;
}

/* Returns 0 or the positive errno. */
static int run(int (*function)(void *arg), struct person *person)
{
	return child_join(child_start(function, person));
}

START_TEST(a_claim_says_who_owns_the_id_until_it_ends)
{
	struct person owner = stranger(fresh_id());
	struct ke_stat stat;

	owner.mode = 0640;
	ck_assert_int_eq(stat_of(owner.id).claimed, 0);
	ck_assert_int_eq(run(claim_as, &owner), 0);
	stat = stat_of(owner.id);
	ck_assert_int_eq(stat.claimed, 1);
	ck_assert_uint_eq(stat.owner_uid, owner.uid);
	ck_assert_uint_eq(stat.owner_gid, owner.gid);
	ck_assert_uint_eq(stat.mode, 0640);
	ck_assert_int_eq(run(unclaim_as, &owner), 0);
	stat = stat_of(owner.id);
	ck_assert_int_eq(stat.claimed, 0);
	ck_assert_uint_eq(stat.owner_uid, 0);
	ck_assert_uint_eq(stat.owner_gid, 0);
	ck_assert_uint_eq(stat.mode, 0);
	ASSERT_RESULT(ke_unclaim(&ke, owner.id), -ENOENT);
	ASSERT_RESULT(ke_unclaim(&ke, fresh_id()), -ENOENT);
}
END_TEST

START_TEST(a_claim_outlives_its_owner_and_its_events)
{
	struct person owner = stranger(fresh_id()), other = stranger(owner.id);

	ck_assert_int_eq(run(claim_as, &owner), 0);
	send_number(owner.id, 1);
	ck_assert_uint_eq(receive_number(owner.id), 1);
	replace_idle_queues();
	ck_assert_int_eq(run(claim_as, &other), EBUSY);
	ck_assert_int_eq(stat_of(owner.id).claimed, 1);
	ASSERT_OK(ke_unclaim(&ke, owner.id));
}
END_TEST

START_TEST(another_users_claim_is_busy)
{
	struct person owner = stranger(fresh_id()), other = stranger(owner.id);

	ck_assert_int_eq(run(claim_as, &owner), 0);
	other.mode = 0666;
	ck_assert_int_eq(run(claim_as, &other), EBUSY);
	ck_assert_int_eq(run(unclaim_as, &other), EPERM);
	ck_assert_uint_eq(stat_of(owner.id).owner_uid, owner.uid);
	ck_assert_uint_eq(stat_of(owner.id).mode, 0600);
	ck_assert_int_eq(run(unclaim_as, &owner), 0);
	ck_assert_int_eq(run(unclaim_as, &other), ENOENT);
	ck_assert_int_eq(run(claim_as, &other), 0);
	ck_assert_int_eq(run(unclaim_as, &other), 0);
}
END_TEST

START_TEST(the_owner_changes_the_mode_and_so_does_root)
{
	struct person owner = stranger(fresh_id());

	ck_assert_int_eq(run(claim_as, &owner), 0);
	owner.mode = 0604;
	ck_assert_int_eq(run(claim_as, &owner), 0);
	ck_assert_uint_eq(stat_of(owner.id).mode, 0604);
	ASSERT_OK(ke_claim(&ke, owner.id, 0));
	ck_assert_uint_eq(stat_of(owner.id).mode, 0);
	ck_assert_uint_eq(stat_of(owner.id).owner_uid, owner.uid);
	ck_assert_uint_eq(stat_of(owner.id).owner_gid, owner.gid);
	ASSERT_OK(ke_unclaim(&ke, owner.id));
}
END_TEST

START_TEST(p8_a_mode_is_read_and_write_bits)
{
	static const mode_t modes[] = { 01000, 0700, 0111, 0667, 04600, 010000, ~0U };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		ASSERT_RESULT(ke_claim(&ke, id, modes[i]), -EINVAL);
	ck_assert_int_eq(stat_of(id).claimed, 0);
}
END_TEST

/* Tries all that the mode decides about; one event waits, and one is left. */
static int use(void *arg)
{
	const struct person *person = arg;
	int denied = person->may_receive ? 0 : -EPERM, id = person->id;
	uint64_t number = 1;
	struct ke_event ev = { .id = id, .data = &number, .len = 8, .size = 8 };
	struct ke_stat stat;

	become(person);
	ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), person->may_send ? 0 : -EPERM);
	ASSERT_RESULT(ke_send_event(&ke, id, &number, 8), person->may_send ? 0 : -EPERM);

	ASSERT_RESULT(ke_poll_event(&ke, id), denied ? denied : 1);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_PEEK, 0), denied);
	ASSERT_RESULT(ke_stat(&ke, id, &stat), denied);
	ck_assert_int_eq(is_listed(id), person->may_receive);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, KE_LEASE, 0), denied);
	if (!denied)
		ASSERT_OK(ke_nack(&ke, ev.seq));
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, -1), denied);
	if (denied) {
		ASSERT_RESULT(ke_get_event(&ke, id, &number, 8), -EPERM);
		ASSERT_RESULT(ke_purge(&ke, id), -EPERM);
	} else {
		ASSERT_RESULT(ke_purge(&ke, id), person->may_send ? 2 : 0);
		ASSERT_RESULT(ke_get_event(&ke, id, &number, 8), -ENOMSG);
	}
	return 0;
}

/* As somebody whose bits of the mode are these. */
static void try_mode(struct person *person, mode_t mode, mode_t bits)
{
	ASSERT_OK(ke_claim(&ke, person->id, mode));
	send_number(person->id, 1);
	person->may_send = bits & 2;
	person->may_receive = bits & 4;
	ck_assert_msg(run(use, person) == 0, "mode %o of %u, %u", mode, person->uid,
		      person->gid);
	drain(person->id);
}

START_TEST(the_mode_decides_as_a_files_does)
{
	static const mode_t modes[] = {
		0, 0600, 0060, 0006, 0400, 0200, 0040, 0020, 0004, 0002, 0642, 0266, 0606,
	};
	struct person owner = stranger(fresh_id()), group = stranger(owner.id);
	struct person member = stranger(owner.id), other = stranger(owner.id);
	size_t i;

	group.gid = owner.gid;
	member.other = owner.gid;
	ck_assert_int_eq(run(claim_as, &owner), 0);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		try_mode(&owner, modes[i], modes[i] >> 6);
		try_mode(&group, modes[i], modes[i] >> 3);
		try_mode(&member, modes[i], modes[i] >> 3);
		try_mode(&other, modes[i], modes[i]);
	}
	ASSERT_OK(ke_unclaim(&ke, owner.id));
}
END_TEST

static int lease_until_refused(void *arg)
{
	struct person *person = arg;
	uint64_t number, seq;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	seq = lease_number(&ke, person->id, 1, 0);
	become(person);
	ASSERT_RESULT(ke_receive(&ke, person->id, &ev, 0, 0), -EPERM);
	ASSERT_RESULT(ke_ack(&ke, seq), -ENOENT);
	return 0;
}

START_TEST(p6_a_lease_returns_to_an_id_that_its_holder_may_not_use)
{
	struct person person = stranger(fresh_id());

	ASSERT_OK(ke_claim(&ke, person.id, 0600));
	send_number(person.id, 1);
	ck_assert_int_eq(run(lease_until_refused, &person), 0);
	assert_counts(person.id, 0, 1);	/* the test has the client, too */
	ASSERT_OK(ke_close(&ke));
	ASSERT_OK(ke_init(&ke));
	ck_assert_uint_eq(receive_number(person.id), 1);
	ASSERT_OK(ke_unclaim(&ke, person.id));
}
END_TEST

/* Whose lease is begun goes on with it after the right to more is gone. */
static int acknowledge_later(void *arg)
{
	struct person *person = arg;
	uint64_t first, second;

	become(person);
	first = lease_number(&ke, person->id, 1, 0);
	second = lease_number(&ke, person->id, 2, 0);
	WAIT_UNTIL(ke_poll_event(&ke, person->id) == -EPERM);
	ASSERT_OK(ke_ack(&ke, first));
	ASSERT_OK(ke_nack(&ke, second));
	return 0;
}

START_TEST(who_loses_the_right_may_end_its_leases)
{
	struct person person = stranger(fresh_id());
	pid_t pid;

	send_number(person.id, 1);
	send_number(person.id, 2);
	pid = child_start(acknowledge_later, &person);
	WAIT_UNTIL(stat_of(person.id).leased == 2);
	ASSERT_OK(ke_claim(&ke, person.id, 0600));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(receive_number(person.id), 2);
	ck_assert_uint_eq(stat_of(person.id).received, 2);
	ASSERT_OK(ke_unclaim(&ke, person.id));
}
END_TEST

struct rush {
	int id;
	bool go;
	unsigned int won;
	uid_t uids[8];
	unsigned int next;
};

static int claim_in_rush(void *arg)
{
	struct rush *rush = arg;
	uid_t uid = rush->uids[__atomic_fetch_add(&rush->next, 1, __ATOMIC_RELAXED)];
	int err;

	user_become(uid, uid);
	WAIT_UNTIL(__atomic_load_n(&rush->go, __ATOMIC_ACQUIRE));
	err = ke_claim(&ke, rush->id, 0600);
	if (!err) {
		__atomic_fetch_add(&rush->won, 1, __ATOMIC_RELAXED);
		return 0;
	}
	ASSERT_RESULT(err, -EBUSY);
	return 0;
}

START_TEST(of_many_who_claim_one_wins)
{
	struct rush *rush = shared_memory(sizeof(*rush));
	pid_t pids[ARRAY_SIZE(rush->uids)];
	size_t i;

	rush->id = fresh_id();
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		rush->uids[i] = fresh_user();
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = child_start(claim_in_rush, rush);
	WAIT_UNTIL(__atomic_load_n(&rush->next, __ATOMIC_ACQUIRE) == ARRAY_SIZE(pids));
	__atomic_store_n(&rush->go, true, __ATOMIC_RELEASE);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		ck_assert_int_eq(child_join(pids[i]), 0);
	ck_assert_uint_eq(rush->won, 1);
	ASSERT_OK(ke_unclaim(&ke, rush->id));
}
END_TEST

TESTS(60, WITH_CLIENT,
      a_claim_says_who_owns_the_id_until_it_ends,
      a_claim_outlives_its_owner_and_its_events,
      another_users_claim_is_busy,
      the_owner_changes_the_mode_and_so_does_root,
      p8_a_mode_is_read_and_write_bits,
      the_mode_decides_as_a_files_does,
      p6_a_lease_returns_to_an_id_that_its_holder_may_not_use,
      who_loses_the_right_may_end_its_leases,
      of_many_who_claim_one_wins)
