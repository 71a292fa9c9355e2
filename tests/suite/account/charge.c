// SPDX-License-Identifier: GPL-2.0-only
/* P5: what is charged, for how long, and to which account. */
#include <linux/capability.h>
#include <stdio.h>
#include <sys/fsuid.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/user.h"

#define NAMESPACES 100

static char payload[65536];

/* A child that acts as a user and tells what came of it. */
struct actor {
	uid_t uid;
	int id;
	unsigned int done;
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

/* How many of ten events the user has space for. */
static unsigned int space_for_events(struct actor *actor)
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

	limit_events(10, 10);
	ck_assert_uint_eq(space_for_events(actor), 10);
	for (i = 0; i < 10; i++) {
		struct ke_event ev = { .data = payload, .size = 10 };

		ASSERT_OK(ke_receive(&ke, actor->id, &ev, KE_LEASE, 0));
		seqs[i] = ev.seq;
	}
	assert_counts(actor->id, 0, 10);
	ck_assert_uint_eq(space_for_events(actor), 0);
	ASSERT_OK(ke_nack(&ke, seqs[0]));
	ck_assert_uint_eq(space_for_events(actor), 0);
	for (i = 1; i < 4; i++)
		ASSERT_OK(ke_ack(&ke, seqs[i]));
	ck_assert_uint_eq(space_for_events(actor), 3);
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

	limit_events(NAMESPACES / 2, 10);
	child_run(send_everywhere, actor);
	ck_assert_uint_eq(actor->done, NAMESPACES / 2);
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

	limit_events(10, 10);
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

	limit_set("user_max_bytes", 0);
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

	limit_events(10, 10);
	ck_assert_uint_eq(space_for_events(actor), 10);
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
	before = limits_now();
	ck_assert_uint_eq(before.user_bytes, 0);
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

/* What costs nothing goes on, too. */
static int take_without_space(void *arg)
{
	struct actor *actor = arg;
	struct ke_event ev = { .data = payload, .size = 8 };

	user_become(actor->uid, actor->uid);
	ASSERT_RESULT(ke_watch(&ke, actor->id), -EDQUOT);
	ASSERT_RESULT(ke_claim(&ke, actor->id + 1, 0600), -EDQUOT);
	ASSERT_RESULT(ke_receive(&ke, actor->id + 1, &ev, 0, 10), -ETIMEDOUT);
	ASSERT_OK(ke_receive(&ke, actor->id, &ev, KE_LEASE, 0));
	ASSERT_OK(ke_nack(&ke, ev.seq));
	return 0;
}

START_TEST(p5_a_user_without_space_receives_and_waits_but_watches_and_claims_nothing)
{
	int id = fresh_id();

	fresh_id();
	send_number(id, 7);
	limit_set("user_max_bytes", 0);
	child_run(take_without_space, new_actor(fresh_user(), id));
	ck_assert_uint_eq(receive_number(id), 7);
}
END_TEST

START_TEST(p5_a_watch_is_charged_once)
{
	int id = fresh_id();
	uint64_t before, watched;

	send_number(id, 1);
	before = limits_now().user_bytes;
	ASSERT_OK(ke_watch(&ke, id));
	watched = limits_now().user_bytes;
	ck_assert_uint_gt(watched, before);
	ASSERT_OK(ke_watch(&ke, id));
	ck_assert_uint_eq(limits_now().user_bytes, watched);
	ASSERT_OK(ke_unwatch(&ke, id));
	ck_assert_uint_eq(limits_now().user_bytes, before);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

/* Maps 65,536 users of the caller's user namespace from @outside on into that of its child. */
static void map_users(pid_t pid, uid_t outside)
{
	static const char *const files[] = { "uid_map", "gid_map" };
	char path[64];
	FILE *file;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		file = fopen(path, "we");
		ck_assert_ptr_nonnull(file);
		fprintf(file, "0 %u 65536", outside);
		ck_assert_int_eq(fclose(file), 0);
	}
}

/* A user namespace, and what some users in it have sent. */
struct container {
	uid_t maker;		/* that makes the namespace */
	uid_t outside;		/* first of its users */
	int id;
	bool made, mapped;
	unsigned int sent[3];	/* by its users 1, 2, 3 */
};

static int send_in_container(void *arg)
{
	struct container *container = arg;
	kevents_ctx client;
	uid_t uid;

	user_change(container->maker, container->maker);
	ASSERT_SYS(unshare(CLONE_NEWUSER));
	__atomic_store_n(&container->made, true, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&container->mapped, __ATOMIC_ACQUIRE));
	ASSERT_SYS(setresuid(0, 0, 0));
	for (uid = 1; uid <= ARRAY_SIZE(container->sent); uid++) {
		ASSERT_SYS(setresuid(uid, uid, 0));
		ASSERT_OK(ke_init(&client));
		while (!ke_send_event(&client, container->id, NULL, 0))
			container->sent[uid - 1]++;
		ASSERT_OK(ke_close(&client));
		ASSERT_SYS(setresuid(0, 0, 0));
	}
	return 0;
}

static void run_container(struct container *container)
{
	pid_t pid = child_start(send_in_container, container);

	WAIT_UNTIL(__atomic_load_n(&container->made, __ATOMIC_ACQUIRE));
	map_users(pid, container->outside);
	__atomic_store_n(&container->mapped, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(pid), 0);
}

static struct container *new_container(uid_t maker, uid_t outside)
{
	struct container *container = shared_memory(sizeof(*container));

	container->maker = maker;
	container->outside = outside;
	container->id = fresh_id();
	return container;
}

#define SUBORDINATE 300000000	/* uids that nobody else has */

START_TEST(p5_subordinate_users_count_for_the_user_that_made_their_namespace)
{
	uid_t uid = fresh_user();
	struct container *container = new_container(uid, SUBORDINATE);
	struct actor *actor = new_actor(uid, fresh_id());

	limit_events(10, 10);
	run_container(container);
	ck_assert_uint_eq(container->sent[0], 10);
	ck_assert_uint_eq(container->sent[1] + container->sent[2], 0);
	ck_assert_uint_eq(space_for_events(actor), 0);
	ck_assert_uint_eq(drain(container->id), 10);
	ck_assert_uint_eq(space_for_events(actor), 10);
	ck_assert_uint_eq(drain(actor->id), 10);
}
END_TEST

START_TEST(p5_a_user_namespace_that_root_made_is_one_account)
{
	struct container *first = new_container(0, SUBORDINATE);
	struct container *second = new_container(0, SUBORDINATE);

	limit_events(10, 10);
	run_container(first);
	ck_assert_uint_eq(first->sent[0], 10);
	ck_assert_uint_eq(first->sent[1] + first->sent[2], 0);
	/* Another one is another account, of the same users or not. */
	run_container(second);
	ck_assert_uint_eq(second->sent[0], 10);
	ck_assert_uint_eq(drain(first->id) + drain(second->id), 20);
}
END_TEST

/* Events, leases, claims, and IDs that are idle. */
static int use_own_namespace(void *arg)
{
	const struct actor *actor = arg;
	int i;

	ASSERT_SYS(unshare(CLONE_NEWNET));
	user_become(actor->uid, actor->uid);
	for (i = 0; i < 100; i++) {
		send_number(i, i);
		ck_assert_uint_eq(receive_number(i), i);
		send_number(i % 50, i);
		ASSERT_OK(ke_claim(&ke, i % 70, 0600));
		ASSERT_OK(ke_watch(&ke, i));
	}
	lease_number(&ke, 0, 0, 0);
	ck_assert_uint_gt(limits_now().user_bytes, 0);
	return 0;
}

START_TEST(p5_a_namespace_that_goes_leaves_nothing_charged)
{
	struct actor *actor = new_actor(fresh_user(), 0);
	int i;

	for (i = 0; i < 20; i++)
		child_run(use_own_namespace, actor);
	limits_wait_for_nothing();
}
END_TEST

static uint64_t bytes_of(kevents_ctx *client)
{
	struct ke_limits limits;

	ASSERT_OK(ke_limits(client, &limits));
	return limits.user_bytes;
}

/* A purge frees events that are alike together; these differ in their accounts alone. */
START_TEST(p5_events_that_one_process_sends_as_two_users_are_given_back_to_each)
{
	int id = fresh_id(), i;
	kevents_ctx first, second;

	user_open(&first, fresh_user());
	user_open(&second, fresh_user());
	for (i = 0; i < 6; i++)
		ASSERT_OK(ke_send_event(i < 4 ? &first : &second, id, payload, 10));
	ck_assert_uint_eq(bytes_of(&first), 4 * event_bytes(10));
	ck_assert_uint_eq(bytes_of(&second), 2 * event_bytes(10));
	ASSERT_RESULT(ke_purge(&ke, id), 6);
	ck_assert_uint_eq(bytes_of(&first), 0);
	ck_assert_uint_eq(bytes_of(&second), 0);
	ASSERT_OK(ke_close(&first));
	ASSERT_OK(ke_close(&second));
}
END_TEST

TESTS(90, WITH_CLIENT,
      p5_leased_events_stay_charged_to_their_sender,
      p5_a_user_in_a_hundred_network_namespaces_is_one_user,
      p5_root_of_a_user_namespace_passes_no_limit,
      p5_subordinate_users_count_for_the_user_that_made_their_namespace,
      p5_a_user_namespace_that_root_made_is_one_account,
      cap_sys_resource_passes_user_limits,
      p5_the_real_user_is_charged,
      p5_all_that_was_charged_is_given_back,
      p5_events_that_one_process_sends_as_two_users_are_given_back_to_each,
      p5_what_fails_charges_nothing,
      p5_a_user_without_space_receives_and_waits_but_watches_and_claims_nothing,
      p5_a_watch_is_charged_once,
      p5_a_namespace_that_goes_leaves_nothing_charged)
