// SPDX-License-Identifier: GPL-2.0-only
/* P9: room for an ID: because another one is not in use any more, or others use this one. */
#include "harness.h"
#include "limits.h"
#include "readiness.h"
#include "task.h"
#include "user.h"

#define TRIES 9
#define SOON UINT64_C(100000000)	/* ns; IDs that nobody wants stay for a second or two */

static char payload[60000];

/* A user that may have one ID and is refused another one. */
struct seeker {
	uid_t uid;
	int wanted;		/* the ID */
	bool blocked;
	uint64_t ended;		/* now_ns() when it got the ID */
};

static struct seeker *new_seeker(void)
{
	struct seeker *seeker = shared_memory(sizeof(*seeker));

	seeker->uid = fresh_user();
	seeker->wanted = fresh_id();
	return seeker;
}

static int wait_for_id(void *arg)
{
	struct seeker *seeker = arg;
	struct ke_event ev = { .id = seeker->wanted };

	user_become(seeker->uid, seeker->uid);
	ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), -EDQUOT);
	__atomic_store_n(&seeker->blocked, true, __ATOMIC_RELEASE);
	ASSERT_OK(ke_send(&ke, &ev, 0, -1));
	seeker->ended = now_ns();
	return 0;
}

static int poll_for_id(void *arg)
{
	struct seeker *seeker = arg;

	user_become(seeker->uid, seeker->uid);
	ASSERT_RESULT(ke_send_event(&ke, seeker->wanted, NULL, 0), -EDQUOT);
	ck_assert(!is_writable(20));
	__atomic_store_n(&seeker->blocked, true, __ATOMIC_RELEASE);
	ck_assert(is_writable((int)(patience() * 1000)));
	ASSERT_OK(ke_send_event(&ke, seeker->wanted, NULL, 0));
	seeker->ended = now_ns();
	return 0;
}

/* Returns when the child has been refused its ID, and asleep if it waits in a send. */
static pid_t start_seeking(int (*seek)(void *), struct seeker *seeker)
{
	pid_t pid = child_start(seek, seeker);

	WAIT_UNTIL(__atomic_load_n(&seeker->blocked, __ATOMIC_ACQUIRE));
	if (seek == wait_for_id)
		task_wait_blocked(pid);
	return pid;
}

static int claim_one(void *arg)
{
	const int *of = arg;

	user_become((uid_t)of[0], (gid_t)of[0]);
	return -ke_claim(&ke, of[1], 0600);
}

/* Returns how long it took the user to get the ID after its other one was given up. */
static uint64_t unclaim_and_seek(int (*seek)(void *))
{
	struct seeker *seeker = new_seeker();
	int of[2] = { (int)seeker->uid, fresh_id() };
	uint64_t begin;
	pid_t pid;

	child_run(claim_one, of);
	pid = start_seeking(seek, seeker);
	begin = now_ns();
	ASSERT_OK(ke_unclaim(&ke, of[1]));
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(seeker->wanted), 1);
	return seeker->ended - begin;
}

/* Only the receive ends: a process that does gives more back than an ID. */
static int receive_until_signalled(void *arg)
{
	const int *of = arg;
	struct ke_event ev = { .size = 0 };

	user_become((uid_t)of[0], (gid_t)of[0]);
	signal_handle(SIGUSR1, 0);
	ASSERT_RESULT(ke_receive(&ke, of[1], &ev, 0, -1), -EINTR);
	for (;;)
		pause();
}

static uint64_t stop_receiving_and_seek(int (*seek)(void *))
{
	struct seeker *seeker = new_seeker();
	int of[2] = { (int)seeker->uid, fresh_id() };
	uint64_t begin;
	pid_t receiver, pid;

	receiver = child_start(receive_until_signalled, of);
	task_wait_blocked(receiver);
	pid = start_seeking(seek, seeker);
	begin = now_ns();
	ASSERT_SYS(kill(receiver, SIGUSR1));
	ck_assert_int_eq(child_join(pid), 0);
	ASSERT_SYS(kill(receiver, SIGKILL));
	ck_assert_int_eq(child_join(receiver), 128 + SIGKILL);
	ck_assert_uint_eq(drain(seeker->wanted), 1);
	return seeker->ended - begin;
}

/* Mostly: a machine that has other things to do may take its time. */
static void assert_soon(uint64_t (*seek_by)(int (*)(void *)), int (*seek)(void *))
{
	int i, soon = 0;

	limit_set("user_max_ids", 1);
	for (i = 0; i < TRIES; i++)
		soon += seek_by(seek) <= SOON;
	ck_assert_int_gt(soon, TRIES / 2);
}

START_TEST(p9_the_end_of_a_claim_makes_room_for_an_id_at_once)
{
	assert_soon(unclaim_and_seek, wait_for_id);
}
END_TEST

START_TEST(p9_the_end_of_a_receive_makes_room_for_an_id_at_once)
{
	assert_soon(stop_receiving_and_seek, wait_for_id);
}
END_TEST

START_TEST(p9_writable_at_once_when_there_is_room_for_an_id)
{
	assert_soon(unclaim_and_seek, poll_for_id);
	assert_soon(stop_receiving_and_seek, poll_for_id);
}
END_TEST

static int be_refused_at_unused_ids(void *arg)
{
	struct seeker *seeker = arg;
	int i;

	user_become(seeker->uid, seeker->uid);
	for (i = 0; i < 3; i++)
		ASSERT_OK(ke_send_event(&ke, seeker->wanted, payload, sizeof(payload)));
	/* The second time to each ID, too. */
	for (i = 2; i < 20; i++) {
		ASSERT_RESULT(ke_send_event(&ke, seeker->wanted + i / 2, payload,
					    sizeof(payload)), -EDQUOT);
		ck_assert(!is_writable(0));
		ck_assert(!is_writable(5));
	}
	return 0;
}

START_TEST(p9_an_id_that_a_refused_send_gives_back_is_no_room)
{
	struct seeker *seeker = new_seeker();
	int i;

	for (i = 1; i < 10; i++)
		fresh_id();
	limit_set("user_max_bytes", 200000);
	child_run(be_refused_at_unused_ids, seeker);
	ck_assert_uint_eq(drain(seeker->wanted), 3);
}
END_TEST

static void send_there(int id)
{
	send_number(id, 0);
}

static void watch_there(int id)
{
	ASSERT_OK(ke_watch(&ke, id));
}

static void claim_there(int id)
{
	ASSERT_OK(ke_claim(&ke, id, 0666));
}

static int own_an_event(void *arg)
{
	const int *of = arg;

	user_become((uid_t)of[0], (gid_t)of[0]);
	send_number(of[1], 0);
	return 0;
}

/* The user keeps the only ID that it may have, and gets another that costs it nothing. */
static void use_what_is_sought(void (*use)(int id), int (*seek)(void *))
{
	struct seeker *seeker = new_seeker();
	int of[2] = { (int)seeker->uid, fresh_id() };
	pid_t pid;

	limit_set("user_max_ids", 1);
	child_run(own_an_event, of);
	pid = start_seeking(seek, seeker);
	use(seeker->wanted);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_ge(drain(seeker->wanted), 1);
	ck_assert_uint_eq(drain(of[1]), 1);
	ke_unwatch(&ke, seeker->wanted);
	ke_unclaim(&ke, seeker->wanted);
}

START_TEST(p9_who_waits_for_an_id_goes_on_when_others_use_it)
{
	use_what_is_sought(send_there, wait_for_id);
	use_what_is_sought(watch_there, wait_for_id);
	use_what_is_sought(claim_there, wait_for_id);
}
END_TEST

START_TEST(p9_writable_when_others_use_the_id_that_was_refused)
{
	use_what_is_sought(send_there, poll_for_id);
	use_what_is_sought(watch_there, poll_for_id);
	use_what_is_sought(claim_there, poll_for_id);
}
END_TEST

/* A process that has an ID and waits there for room for the event. */
static int wait_for_room_there(void *arg)
{
	const int *of = arg;
	struct ke_event ev = { .id = of[1], .data = payload, .len = sizeof(payload) };

	user_become((uid_t)of[0], (gid_t)of[0]);
	ASSERT_OK(ke_send_event(&ke, of[2], payload, sizeof(payload)));
	return -ke_send(&ke, &ev, 0, -1);
}

START_TEST(p9_who_waits_for_an_id_goes_on_when_another_waits_for_room_there)
{
	struct seeker *seeker = new_seeker();
	int own[2] = { (int)seeker->uid, fresh_id() };
	int of[3] = { (int)fresh_user(), seeker->wanted, fresh_id() };
	pid_t pid, waits;

	limit_set("user_max_ids", 1);
	limit_set("user_max_bytes", 100000);
	send_number(of[2], 0);
	child_run(own_an_event, own);
	pid = start_seeking(wait_for_id, seeker);
	waits = child_start(wait_for_room_there, of);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(of[2]), 2);
	ck_assert_int_eq(child_join(waits), 0);
	ck_assert_uint_eq(drain(seeker->wanted), 2);
	ck_assert_uint_eq(drain(own[1]), 1);
}
END_TEST

static int receive_one(void *arg)
{
	const struct seeker *seeker = arg;
	struct ke_event ev = { .size = 0 };

	user_become(seeker->uid, seeker->uid);
	return -ke_receive(&ke, seeker->wanted, &ev, 0, -1);
}

/* It receives there, which costs nothing as long as who brought the ID into being does. */
static void come_to_be_charged_for_what_is_sought(int (*seek)(void *))
{
	struct seeker *seeker = new_seeker();
	struct receiver first = RECEIVER(seeker->wanted);
	int own[2] = { (int)seeker->uid, fresh_id() };
	pid_t receives, seeks;

	limit_set("user_max_ids", 1);
	child_run(own_an_event, own);
	signal_handle(SIGUSR1, 0);
	receiver_block(&first);
	receives = child_start(receive_one, seeker);
	task_wait_blocked(receives);
	seeks = start_seeking(seek, seeker);
	signal_thread(first.tid, SIGUSR1);
	receiver_join(&first);
	ASSERT_RESULT(first.result, -EINTR);
	ck_assert_int_eq(child_join(seeks), 0);
	ck_assert_int_eq(child_join(receives), 0);
	ck_assert_uint_eq(drain(own[1]), 1);
}

START_TEST(p9_who_waits_for_an_id_goes_on_when_it_comes_to_be_charged_for_it)
{
	come_to_be_charged_for_what_is_sought(wait_for_id);
}
END_TEST

START_TEST(p9_writable_when_one_comes_to_be_charged_for_the_id_that_was_refused)
{
	come_to_be_charged_for_what_is_sought(poll_for_id);
}
END_TEST

/* Charged to the seeker, whose limits do not hold for it. */
static int receive_for_seeker(void *arg)
{
	const struct seeker *seeker = arg;
	struct ke_event ev = { .size = 0 };

	ASSERT_SYS(setresuid(seeker->uid, -1, -1));
	user_reopen();
	return -ke_receive(&ke, seeker->wanted, &ev, 0, -1);
}

START_TEST(p9_who_waits_for_an_id_goes_on_when_a_receive_brings_it_into_being_for_it)
{
	struct seeker *seeker = new_seeker();
	int own[2] = { (int)seeker->uid, fresh_id() };
	pid_t receives, seeks;

	limit_set("user_max_ids", 1);
	child_run(own_an_event, own);
	seeks = start_seeking(wait_for_id, seeker);
	receives = child_start(receive_for_seeker, seeker);
	ck_assert_int_eq(child_join(seeks), 0);
	ck_assert_int_eq(child_join(receives), 0);
	ck_assert_uint_eq(drain(own[1]), 1);
}
END_TEST

TESTS(quota_ids, 60, WITH_CLIENT,
      p9_the_end_of_a_claim_makes_room_for_an_id_at_once,
      p9_the_end_of_a_receive_makes_room_for_an_id_at_once,
      p9_writable_at_once_when_there_is_room_for_an_id,
      p9_an_id_that_a_refused_send_gives_back_is_no_room,
      p9_who_waits_for_an_id_goes_on_when_others_use_it,
      p9_writable_when_others_use_the_id_that_was_refused,
      p9_who_waits_for_an_id_goes_on_when_another_waits_for_room_there,
      p9_who_waits_for_an_id_goes_on_when_it_comes_to_be_charged_for_it,
      p9_writable_when_one_comes_to_be_charged_for_the_id_that_was_refused,
      p9_who_waits_for_an_id_goes_on_when_a_receive_brings_it_into_being_for_it)
