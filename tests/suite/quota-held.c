// SPDX-License-Identifier: GPL-2.0-only
/* P5: what is charged, for how long, and to whom. */
#include <linux/capability.h>
#include <sys/fsuid.h>

#include "harness.h"
#include "held.h"
#include "limits.h"
#include "memory.h"
#include "module.h"
#include "task.h"
#include "user.h"

#define NAMESPACES 100
#define MS UINT64_C(1000000)

static char payload[65536];

/* A child that acts as a user and tells what came of it. */
struct actor {
	uid_t uid;
	int id;
	unsigned int done;
	uint64_t bytes;		/* charged to it at most */
	int refusal;
};

static struct actor *new_actor(uid_t uid, int id)
{
	struct actor *actor = shared_memory(sizeof(*actor));

	actor->uid = uid;
	actor->id = id;
	return actor;
}

static int send_ten(void *arg)
{
	struct actor *actor = arg;

	user_become(actor->uid, actor->uid);
	for (actor->done = 0; actor->done < 10; actor->done++) {
		actor->refusal = ke_send_event(&ke, actor->id, payload, 10);
		if (actor->refusal)
			break;
	}
	return 0;
}

/* How many of ten events the user has room for. */
static unsigned int room_for_events(struct actor *actor)
{
	child_run(send_ten, actor);
	if (actor->done < 10)
		ASSERT_RESULT(actor->refusal, -EDQUOT);
	return actor->done;
}

START_TEST(p5_leased_events_stay_charged_to_their_sender)
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());
	uint64_t seqs[10];
	int i;

	limit_set("user_max_events", 10);
	ck_assert_uint_eq(room_for_events(actor), 10);
	for (i = 0; i < 10; i++) {
		struct ke_event ev = { .data = payload, .size = 10 };

		ASSERT_OK(ke_receive(&ke, actor->id, &ev, KE_LEASE, 0));
		seqs[i] = ev.seq;
	}
	assert_held(actor->id, 0, 10);
	ck_assert_uint_eq(room_for_events(actor), 0);
	ASSERT_OK(ke_nack(&ke, seqs[0]));
	ck_assert_uint_eq(room_for_events(actor), 0);
	for (i = 1; i < 4; i++)
		ASSERT_OK(ke_ack(&ke, seqs[i]));
	ck_assert_uint_eq(room_for_events(actor), 3);
	for (i = 4; i < 10; i++)
		ASSERT_OK(ke_ack(&ke, seqs[i]));
	ck_assert_uint_eq(drain(actor->id), 4);
}
END_TEST

/* Opens a client of the user in each of many namespaces, sends one event through each. */
static int send_everywhere(void *arg)
{
	static kevents_ctx clients[NAMESPACES];
	struct actor *actor = arg;
	size_t i;
	int err;

	for (i = 0; i < NAMESPACES; i++) {
		ASSERT_SYS(unshare(CLONE_NEWNET));
		user_open(&clients[i], actor->uid);
	}
	for (i = 0; i < NAMESPACES; i++) {
		err = ke_send_event(&clients[i], actor->id, payload, 10);
		if (!err)
			actor->done++;
		else
			ASSERT_RESULT(err, -EDQUOT);
	}
	return 0;
}

START_TEST(p5_a_user_in_a_hundred_network_namespaces_is_one_user)
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());

	limit_set("user_max_events", NAMESPACES / 2);
	child_run(send_everywhere, actor);
	ck_assert_uint_eq(actor->done, NAMESPACES / 2);
	limits_restore();
	limit_set("user_max_ids", 10);
	actor = new_actor(fresh_user(), fresh_id());
	child_run(send_everywhere, actor);
	ck_assert_uint_eq(actor->done, 10);
}
END_TEST

static int send_as_root_of_nothing(void *arg)
{
	struct actor *actor = arg;

	user_become(actor->uid, actor->uid);
	user_enter_own_namespaces();
	ck_assert_int_eq(getuid(), 0);
	user_reopen();
	while (actor->done < 100) {
		actor->refusal = ke_send_event(&ke, actor->id, payload, 10);
		if (actor->refusal)
			break;
		actor->done++;
	}
	return 0;
}

START_TEST(p5_root_of_a_user_namespace_passes_no_limit)
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());

	limit_set("user_max_events", 10);
	child_run(send_as_root_of_nothing, actor);
	ck_assert_uint_eq(actor->done, 10);
	ASSERT_RESULT(actor->refusal, -EDQUOT);
}
END_TEST

static int send_without_resource(void *arg)
{
	user_drop(CAP_SYS_RESOURCE);
	user_reopen();
	return -ke_send_event(&ke, *(int *)arg, NULL, 0);
}

static int send_with_nothing_else(void *arg)
{
	user_drop(CAP_IPC_OWNER);
	user_drop(CAP_SYS_ADMIN);
	user_reopen();
	return -ke_send_event(&ke, *(int *)arg, NULL, 0);
}

START_TEST(cap_sys_resource_passes_user_limits)
{
	int id = fresh_id();

	limit_set("user_max_events", 0);
	ck_assert_int_eq(child_join(child_start(send_without_resource, &id)), EDQUOT);
	ck_assert_int_eq(child_join(child_start(send_with_nothing_else, &id)), 0);
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

static int send_with_other_effective_user(void *arg)
{
	struct actor *actor = arg;

	ASSERT_SYS(setresuid(actor->uid, actor->uid + 1, 0));
	setfsuid(0);	/* may open the device */
	user_reopen();
	while (!(actor->refusal = ke_send_event(&ke, actor->id, payload, 10)))
		actor->done++;
	return 0;
}

START_TEST(p5_the_real_user_is_charged)
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());

	limit_set("user_max_events", 10);
	ck_assert_uint_eq(room_for_events(actor), 10);
	actor->done = 0;
	fresh_user();
	child_run(send_with_other_effective_user, actor);
	ck_assert_uint_eq(actor->done, 0);
	ASSERT_RESULT(actor->refusal, -EDQUOT);
	ck_assert_uint_eq(drain(actor->id), 10);
}
END_TEST

/* Everything that is charged, and gives it all back. */
static void use_everything(int first)
{
	struct ke_event ev = { .size = 0 };
	kevents_ctx other;
	int i;

	ASSERT_OK(ke_init(&other));
	for (i = 0; i < 20; i++) {
		int id = first + i;

		ASSERT_OK(ke_claim(&ke, id, 0600));
		ASSERT_OK(ke_watch(&other, id));
		ASSERT_OK(ke_watch(&ke, id + 5));
		send_number(id, 1);
		send_number(id, 2);
		send_number_for(id, 3, 1000000);
		ASSERT_OK(ke_send_event(&ke, id, payload, 3000 * i));
		lease_number(&other, id, 1, i % 2 ? 1000000 : 0);
		ASSERT_OK(ke_ack(&ke, lease_number(&ke, id, 2, 1000000)));
		ASSERT_RESULT(ke_receive(&ke, id + 1, &ev, 0, 1), -ETIMEDOUT);
		ASSERT_RESULT(ke_purge(&ke, id), 2);
		ASSERT_OK(ke_unclaim(&ke, id));
		ASSERT_OK(ke_unwatch(&ke, id + 5));
	}
	ASSERT_OK(ke_close(&other));
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(receive_number(first + i), 1);
}

START_TEST(p5_all_that_was_charged_is_given_back)
{
	struct ke_limits before;
	int id = fresh_id(), i;

	for (i = 1; i < 30; i++)
		fresh_id();
	before = limits_after_sending(id);
	use_everything(id);
	limits_wait_back_to(&before);
	use_everything(id);
	limits_wait_back_to(&before);
}
END_TEST

static int fail_as_user(void *arg)
{
	struct actor *actor = arg;
	struct ke_limits before;
	char *page = memory_map(1, 0);
	int i;

	user_become(actor->uid, actor->uid);
	before = limits_after_sending(actor->id);
	for (i = 0; i < 100; i++) {
		struct ke_event ev = { .id = actor->id + i % 50, .data = page, .len = 100 };

		ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), -EFAULT);
		ev.ttl_ms = 1000;
		ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), -EFAULT);
		ev.len = 70000;
		ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), -EMSGSIZE);
		ev = (struct ke_event){ .lease_ms = 1000 };
		ASSERT_RESULT(ke_receive(&ke, actor->id + i % 50, &ev, KE_LEASE, 0), -ENOMSG);
	}
	limits_wait_back_to(&before);
	return 0;
}

START_TEST(p5_what_fails_charges_nothing)
{
	int id = fresh_id(), i;

	for (i = 1; i < 50; i++)
		fresh_id();
	child_run(fail_as_user, new_actor(fresh_user(), id));
}
END_TEST

/* The limits on bytes are met by everything that takes some. */
static int take_without_room(void *arg)
{
	struct actor *actor = arg;
	struct ke_event ev = { .data = payload, .size = 8 };

	user_become(actor->uid, actor->uid);
	ASSERT_RESULT(ke_watch(&ke, actor->id), -EDQUOT);
	ASSERT_RESULT(ke_claim(&ke, actor->id + 1, 0600), -EDQUOT);
	ASSERT_RESULT(ke_receive(&ke, actor->id + 1, &ev, 0, 10), -EDQUOT);
	ASSERT_OK(ke_receive(&ke, actor->id, &ev, KE_LEASE, 0));
	ASSERT_OK(ke_nack(&ke, ev.seq));
	return 0;
}

START_TEST(p5_watches_claims_and_waits_need_room)
{
	int id = fresh_id();

	fresh_id();
	send_number(id, 7);
	limit_set("user_max_bytes", 0);
	child_run(take_without_room, new_actor(fresh_user(), id));
	ck_assert_uint_eq(receive_number(id), 7);
}
END_TEST

START_TEST(p5_a_watch_is_charged_once)
{
	int id = fresh_id();
	struct ke_limits before, after;
	uint64_t watched;

	send_number(id, 1);
	before = limits_now();
	ASSERT_OK(ke_watch(&ke, id));
	after = limits_now();
	ck_assert_uint_gt(after.user_bytes, before.user_bytes);
	ck_assert_uint_gt(after.bytes, before.bytes);
	ASSERT_OK(ke_watch(&ke, id));
	before = after;
	after = limits_now();
	ck_assert_uint_eq(after.user_bytes, before.user_bytes);
	watched = after.user_bytes;
	ASSERT_OK(ke_unwatch(&ke, id));
	WAIT_UNTIL(limits_now().user_bytes < watched);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

static int watch_once(void *arg)
{
	struct actor *actor = arg;

	user_become(actor->uid, actor->uid);
	actor->refusal = ke_watch(&ke, actor->id);
	return 0;
}

/* The ID has a queue that holds nothing, because somebody waits. */
START_TEST(p5_who_watches_an_id_is_charged_for_it)
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());
	struct receiver receiver = RECEIVER(actor->id);

	receiver_block(&receiver);
	limit_set("user_max_ids", 0);
	child_run(watch_once, actor);
	ASSERT_RESULT(actor->refusal, -EDQUOT);
	limit_set("user_max_ids", 1);
	child_run(watch_once, actor);
	ASSERT_OK(actor->refusal);
	send_number(actor->id, 1);
	receiver_expect(&receiver, 1);
}
END_TEST

/* A client that is charged to another user than ke is. */
static kevents_ctx stranger;

static void open_stranger(const struct actor *actor)
{
	ASSERT_SYS(setresuid(actor->uid + 1, -1, -1));
	ASSERT_OK(ke_init(&stranger));
}

/* Opens it, and becomes the actor. */
static void act_beside_a_stranger(const struct actor *actor)
{
	open_stranger(actor);
	ASSERT_SYS(setresuid(0, -1, -1));
	user_become(actor->uid, actor->uid);
}

/* The actor may have one ID, and has a second user and a second ID behind its own. */
static struct actor *run_beside_a_stranger(int (*act)(void *actor))
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());

	fresh_user();
	fresh_id();
	limit_set("user_max_ids", 1);
	child_run(act, actor);
	return actor;
}

/* How many IDs are charged to the user: those that it can still claim are not. */
static unsigned int ids_of_mine(void)
{
	const int first = INT_MAX - 10;
	int room = 0, i;

	while (!ke_claim(&ke, first + room, 0600))
		room++;
	for (i = 0; i < room; i++)
		ASSERT_OK(ke_unclaim(&ke, first + i));
	return (unsigned int)(parameter_get("user_max_ids") - room);
}

/* Soon: the module's own worker may be about to look at what nobody uses. */
static void wait_for_ids_of_mine(unsigned int n)
{
	WAIT_UNTIL(ids_of_mine() == n);
}

static int have_a_stranger_watch(void *arg)
{
	const struct actor *actor = arg;
	const int id = actor->id, other = id + 1;

	act_beside_a_stranger(actor);
	ASSERT_OK(ke_claim(&ke, id, 0600));
	ASSERT_OK(ke_watch(&stranger, id));
	wait_for_ids_of_mine(1);
	ASSERT_OK(ke_unclaim(&ke, id));
	wait_for_ids_of_mine(0);
	ASSERT_OK(ke_claim(&ke, other, 0600));
	ASSERT_OK(ke_unclaim(&ke, other));
	wait_for_ids_of_mine(0);

	ASSERT_OK(ke_claim(&ke, id, 0666));
	wait_for_ids_of_mine(1);
	ASSERT_OK(ke_unclaim(&ke, id));
	wait_for_ids_of_mine(0);

	send_number(other, 1);
	ASSERT_OK(ke_watch(&stranger, other));
	wait_for_ids_of_mine(1);
	ck_assert_uint_eq(receive_number(other), 1);
	wait_for_ids_of_mine(0);
	return 0;
}

START_TEST(p5_an_id_that_watches_keep_is_charged_to_who_watches)
{
	run_beside_a_stranger(have_a_stranger_watch);
}
END_TEST

static int watch_beside_a_stranger(void *arg)
{
	const struct actor *actor = arg;
	kevents_ctx second;

	act_beside_a_stranger(actor);
	ASSERT_OK(ke_init(&second));
	ASSERT_OK(ke_claim(&ke, actor->id, 0600));
	ASSERT_OK(ke_watch(&stranger, actor->id));
	ASSERT_OK(ke_watch(&ke, actor->id));
	ASSERT_OK(ke_watch(&second, actor->id));
	ASSERT_OK(ke_unclaim(&ke, actor->id));
	ASSERT_OK(ke_unwatch(&second, actor->id));
	wait_for_ids_of_mine(1);
	ASSERT_RESULT(ke_claim(&ke, actor->id + 1, 0600), -EDQUOT);
	ASSERT_OK(ke_unwatch(&ke, actor->id));
	wait_for_ids_of_mine(0);
	ASSERT_OK(ke_watch(&ke, actor->id));
	ASSERT_OK(ke_close(&stranger));
	wait_for_ids_of_mine(1);
	return 0;
}

START_TEST(p5_who_is_charged_for_an_id_is_so_as_long_as_it_watches)
{
	run_beside_a_stranger(watch_beside_a_stranger);
}
END_TEST

static int watch_what_a_stranger_watches(void *arg)
{
	const struct actor *actor = arg;

	act_beside_a_stranger(actor);
	ASSERT_OK(ke_claim(&ke, actor->id + 1, 0600));
	ASSERT_OK(ke_watch(&stranger, actor->id));
	ASSERT_OK(ke_watch(&ke, actor->id));
	wait_for_ids_of_mine(1);
	ASSERT_OK(ke_unclaim(&ke, actor->id + 1));
	return 0;
}

/* Whether they may receive there or not, as with strict. */
START_TEST(p5_who_watches_an_id_that_others_watch_is_not_charged_for_it)
{
	run_beside_a_stranger(watch_what_a_stranger_watches);
	limit_set("strict", 1);
	run_beside_a_stranger(watch_what_a_stranger_watches);
	limits_restore();
}
END_TEST

static int have_a_stranger_wait(void *arg)
{
	const struct actor *actor = arg;
	struct receiver receiver = RECEIVER(actor->id);

	act_beside_a_stranger(actor);
	receiver.client = &stranger;
	ASSERT_OK(ke_claim(&ke, actor->id, 0600));
	receiver_block(&receiver);
	wait_for_ids_of_mine(1);
	ASSERT_OK(ke_unclaim(&ke, actor->id));
	wait_for_ids_of_mine(0);
	ASSERT_OK(ke_claim(&ke, actor->id + 1, 0600));
	ASSERT_OK(ke_unclaim(&ke, actor->id + 1));
	wait_for_ids_of_mine(0);
	send_number(actor->id, 1);
	receiver_expect(&receiver, 1);
	wait_for_ids_of_mine(0);
	return 0;
}

START_TEST(p5_an_id_that_a_receiver_keeps_is_charged_to_who_receives)
{
	run_beside_a_stranger(have_a_stranger_wait);
}
END_TEST

static int wait_beside_a_stranger(void *arg)
{
	const struct actor *actor = arg;
	struct receiver mine = RECEIVER(actor->id), other = RECEIVER(actor->id);

	act_beside_a_stranger(actor);
	other.client = &stranger;
	ASSERT_OK(ke_claim(&ke, actor->id, 0600));
	receiver_block(&other);
	receiver_block(&mine);
	ASSERT_OK(ke_unclaim(&ke, actor->id));
	wait_for_ids_of_mine(1);
	ASSERT_RESULT(ke_claim(&ke, actor->id + 1, 0600), -EDQUOT);
	send_number(actor->id, 1);
	receiver_expect(&other, 1);
	wait_for_ids_of_mine(1);
	send_number(actor->id, 2);
	receiver_expect(&mine, 2);
	return 0;
}

static int stall_where_a_stranger_watched(void *arg)
{
	const struct actor *actor = arg;
	struct receiver stalled = RECEIVER(actor->id);
	struct stall stall;

	ck_assert(stall_create(&stall));
	act_beside_a_stranger(actor);
	stalled.data = stall.page;
	stalled.size = page_size();
	stalled.timeout_ms = 0;
	ASSERT_OK(ke_watch(&stranger, actor->id));
	send_number(actor->id, 1);
	ASSERT_OK(ke_unwatch(&stranger, actor->id));
	receiver_start(&stalled);
	stall_wait(&stall);
	ck_assert_uint_eq(ids_of_mine(), 0);
	ck_assert_uint_eq(receive_number(actor->id), 1);
	wait_for_ids_of_mine(1);
	stall_release(&stall);
	receiver_join(&stalled);
	ASSERT_RESULT(stalled.result, -ENOMSG);
	wait_for_ids_of_mine(0);
	return 0;
}

START_TEST(p5_an_id_that_a_stalled_receiver_keeps_is_charged_to_who_receives)
{
	struct stall stall;

	if (!stall_create(&stall))
		SKIP(NO_USERFAULTFD);
	run_beside_a_stranger(stall_where_a_stranger_watched);
}
END_TEST

START_TEST(p5_who_is_charged_for_an_id_is_so_as_long_as_it_receives_there)
{
	run_beside_a_stranger(wait_beside_a_stranger);
}
END_TEST

/* Sends events that expire together, and has the receiver come just then. */
static void receive_at_expiry(struct receiver *receiver)
{
	uint64_t now, expiry = now_ns() + 100 * MS;
	int i;

	for (i = 0; i < 10000 && (now = now_ns()) < expiry - 2 * MS; i++)
		send_number_for(receiver->id, 1, (uint32_t)((expiry - now) / MS));
	while (now_ns() < expiry)
		;
	receiver_start(receiver);
	WAIT_UNTIL(receiver_is_done(receiver) || task_is_blocked(receiver->tid));
}

/* Part of them ends in the hands of the module's worker, while the receiver stands by. */
static int receive_behind_what_expires(void *arg)
{
	const struct actor *actor = arg;
	int round;

	act_beside_a_stranger(actor);
	for (round = 0; round < 15; round++) {
		struct receiver receiver = RECEIVER(actor->id);

		receiver.client = &stranger;
		receive_at_expiry(&receiver);
		/* It has found one if the machine stood still before that was sent. */
		if (!receiver_is_done(&receiver)) {
			wait_for_ids_of_mine(0);
			send_number(actor->id, 1);
		}
		receiver_expect(&receiver, 1);
		drain(actor->id);
	}
	return 0;
}

START_TEST(p5_an_id_whose_events_expire_is_charged_to_who_receives_there)
{
	run_beside_a_stranger(receive_behind_what_expires);
}
END_TEST

static int claim_for_all(void *arg)
{
	const struct actor *actor = arg;

	user_become(actor->uid, actor->uid);
	return -ke_claim(&ke, actor->id, 0666);
}

/* Of a user who may have one event. */
static int send_elsewhere_and_wait(void *arg)
{
	const struct actor *actor = arg;
	struct ke_event ev = { .id = actor->id };

	user_become(actor->uid + 1, actor->uid + 1);
	send_number(actor->id + 1, 1);
	return -ke_send(&ke, &ev, 0, -1);
}

static int unclaim_and_have_none(void *arg)
{
	const struct actor *actor = arg;

	user_become(actor->uid, actor->uid);
	wait_for_ids_of_mine(1);
	ASSERT_OK(ke_unclaim(&ke, actor->id));
	wait_for_ids_of_mine(0);
	return 0;
}

START_TEST(p5_an_id_that_a_sender_keeps_is_charged_to_who_sends)
{
	struct actor *actor = new_actor(fresh_user(), fresh_id());
	int other = fresh_id();
	pid_t pid;

	fresh_user();
	limit_set("user_max_events", 1);
	child_run(claim_for_all, actor);
	pid = child_start(send_elsewhere_and_wait, actor);
	task_wait_blocked(pid);
	child_run(unclaim_and_have_none, actor);
	ck_assert_uint_eq(drain(other), 1);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(actor->id), 1);
}
END_TEST

TESTS(quota_held, 90, WITH_CLIENT,
      p5_leased_events_stay_charged_to_their_sender,
      p5_a_user_in_a_hundred_network_namespaces_is_one_user,
      p5_root_of_a_user_namespace_passes_no_limit,
      cap_sys_resource_passes_user_limits,
      p5_the_real_user_is_charged,
      p5_all_that_was_charged_is_given_back,
      p5_what_fails_charges_nothing,
      p5_watches_claims_and_waits_need_room,
      p5_a_watch_is_charged_once,
      p5_who_watches_an_id_is_charged_for_it,
      p5_an_id_that_watches_keep_is_charged_to_who_watches,
      p5_who_is_charged_for_an_id_is_so_as_long_as_it_watches,
      p5_who_watches_an_id_that_others_watch_is_not_charged_for_it,
      p5_an_id_that_a_receiver_keeps_is_charged_to_who_receives,
      p5_an_id_that_a_stalled_receiver_keeps_is_charged_to_who_receives,
      p5_who_is_charged_for_an_id_is_so_as_long_as_it_receives_there,
      p5_an_id_whose_events_expire_is_charged_to_who_receives_there,
      p5_an_id_that_a_sender_keeps_is_charged_to_who_sends)
