// SPDX-License-Identifier: GPL-2.0-only
/* P5, P9: what a user's account itself takes, and gives back when it ends. */
#include "call.h"
#include "harness.h"
#include "limits.h"
#include "record.h"
#include "task.h"
#include "user.h"

#define USERS 300	/* more than the table of accounts has places */

/* A child that opens a number of clients as a user, and closes them when told. */
struct opener {
	uid_t uid;
	int count;
	bool open;
	bool close;
};

static int open_and_close(void *arg)
{
	struct opener *opener = arg;
	kevents_ctx clients[2];
	int i;

	user_change(opener->uid, opener->uid);
	for (i = 0; i < opener->count; i++)
		ASSERT_OK(ke_init(&clients[i]));
	__atomic_store_n(&opener->open, true, __ATOMIC_RELEASE);
	WAIT_UNTIL(__atomic_load_n(&opener->close, __ATOMIC_ACQUIRE));
	for (i = 0; i < opener->count; i++)
		ASSERT_OK(ke_close(&clients[i]));
	return 0;
}

static pid_t opener_start(struct opener *opener)
{
	pid_t pid = child_start(open_and_close, opener);

	WAIT_UNTIL(__atomic_load_n(&opener->open, __ATOMIC_ACQUIRE));
	return pid;
}

static void opener_end(struct opener *opener, pid_t pid)
{
	__atomic_store_n(&opener->close, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(child_join(pid), 0);
}

static struct opener *new_opener(int count)
{
	struct opener *opener = shared_memory(sizeof(*opener));

	opener->uid = fresh_user();
	opener->count = count;
	return opener;
}

/* What a new user with so many clients takes, in bytes. */
static unsigned long price_of(int clients)
{
	struct opener *opener = new_opener(clients);
	unsigned long before = limits_now().bytes, taken;
	pid_t pid = opener_start(opener);

	taken = limits_now().bytes - before;
	opener_end(opener, pid);
	ck_assert_uint_eq(limits_now().bytes, before);
	return taken;
}

static unsigned long price_of_event(int id)
{
	unsigned long before = limits_now().bytes, taken;

	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	taken = limits_now().bytes - before;
	ASSERT_OK(ke_get_event(&ke, id, NULL, 0));
	return taken;
}

/*
 * There is room for the other user's account, but not for its client, which is
 * not charged then; so nothing but the account gives back what the sender needs.
 */
START_TEST(p9_the_end_of_an_account_makes_room_for_a_sender_that_waits)
{
	int id = fresh_id();
	const struct kevents_record record = { .id = id };
	unsigned long event, client, account, left;
	struct opener *opener = new_opener(1);
	struct call sender = call_write(ke_fd(&ke), &record, sizeof(record));
	pid_t pid;

	/* An ID that is watched keeps its queue. */
	ASSERT_OK(ke_watch(&ke, id));
	limits_after_sending(id);
	event = price_of_event(id);
	client = price_of(2) - price_of(1);
	account = price_of(1) - client;
	ck_assert_uint_gt(account, 0);
	left = (client < event ? client : event) - 1;
	ck_assert_uint_ge(left + account, event);

	limit_set("max_bytes", limits_now().bytes + account + left);
	pid = opener_start(opener);
	call_block(&sender);
	opener_end(opener, pid);
	ck_assert_int_eq(call_join(&sender), sizeof(record));
	limits_restore();
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p5_many_users_have_an_account_each)
{
	const uid_t first = 200000000;
	static kevents_ctx clients[USERS];
	int id = fresh_id();
	struct ke_limits limits;
	uint64_t with_event;
	uid_t i;

	for (i = 0; i < USERS; i++) {
		ASSERT_SYS(setreuid(first + i, -1));
		ASSERT_OK(ke_init(&clients[i]));
		ASSERT_OK(ke_send_event(&clients[i], id, NULL, 0));
	}
	ASSERT_SYS(setreuid(0, -1));
	for (i = 0; i < USERS; i++) {
		struct ke_event ev = { .size = 0 };

		ASSERT_OK(ke_limits(&clients[i], &limits));
		with_event = limits.user_bytes;
		ASSERT_OK(ke_receive(&clients[i], id, &ev, 0, 0));
		ck_assert_uint_eq(ev.uid, first + i);
		ASSERT_OK(ke_limits(&clients[i], &limits));
		ck_assert_uint_lt(limits.user_bytes, with_event);
	}
	for (i = 0; i < USERS; i++)
		ASSERT_OK(ke_close(&clients[i]));
}
END_TEST

TESTS(account, 30, WITH_CLIENT,
      p9_the_end_of_an_account_makes_room_for_a_sender_that_waits,
      p5_many_users_have_an_account_each)
