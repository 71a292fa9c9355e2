// SPDX-License-Identifier: GPL-2.0-only
/* P3, P6: everything else with every allocation and copy failing in turn. */
#include <fcntl.h>

#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/inject-ids.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "lib/module.h"
#include "lib/user.h"

static int outcome(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

static int ack(void)
{
	return ke_ack(&ke, ids_lease);
}

static void lease_again(int result)
{
	(void)result;
	send_number(ids[LEASED], 5);
	ids_lease = lease_number(&ke, ids[LEASED], 5, 0);
}

static int nack(void)
{
	return ke_nack(&ke, ids_lease);
}

static uint64_t expired_lease;

/* False if it has expired. */
static bool lease_if_there(int id, uint64_t *seq)
{
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };
	int err = ke_receive(&ke, id, &ev, KE_LEASE, 0);

	ck_assert_msg(!err || err == -ENOMSG, "%d", err);
	*seq = ev.seq;
	return !err;
}

static void lease_returned(int result)
{
	(void)result;
	ids_lease = lease_number(&ke, ids[LEASED], 5, 0);
}

/* Leased, but its time is over, so that to give it back is to end it. */
static void hold_expired(int result)
{
	const uint32_t ttl_ms = 20;

	(void)result;
	do
		send_number_for(ids[EMPTY], 6, ttl_ms);
	while (!lease_if_there(ids[EMPTY], &expired_lease));
	spin_ns(ttl_ms * UINT64_C(1000000));
}

static int nack_expired(void)
{
	return ke_nack(&ke, expired_lease);
}

static int poll_id(void)
{
	return ke_poll_event(&ke, ids[FULL]);
}

static struct ke_stat stat;
static struct ke_limits found_limits, true_limits;
static struct kevents_info info;

static void forget_answers(void)
{
	memset(&stat, PAINT, sizeof(stat));
	memset(&found_limits, PAINT, sizeof(found_limits));
	memset(&info, PAINT, sizeof(info));
	true_limits = limits_now();
}

static int stat_id(void)
{
	return ke_stat(&ke, ids[FULL], &stat);
}

static void is_stat(int result)
{
	(void)result;
	ck_assert_int_eq(stat.id, ids[FULL]);
	ck_assert_uint_eq(stat.pending, 3);
	ck_assert_uint_eq(stat.sent, 3);
	ck_assert_uint_eq(stat.received + stat.expired + stat.leased, 0);
}

static int stat_unused(void)
{
	return ke_stat(&ke, ids[UNUSED], &stat);
}

static void is_stat_of_nothing(int result)
{
	const struct ke_stat nothing = { .id = ids[UNUSED] };

	(void)result;
	assert_same_bytes(&stat, &nothing, sizeof(stat));
}

static int limits(void)
{
	return ke_limits(&ke, &found_limits);
}

/* What others hold may go meanwhile. */
static void are_limits(int result)
{
	(void)result;
	ck_assert_uint_le(found_limits.bytes, true_limits.bytes);
	found_limits.bytes = true_limits.bytes;
	assert_same_bytes(&found_limits, &true_limits, sizeof(found_limits));
}

static int ask_info(void)
{
	return abi_call(KEVENTS_IOC_INFO, &info);
}

static void is_info(int result)
{
	(void)result;
	ck_assert_uint_eq(info.abi_version, KEVENTS_ABI_VERSION);
	ck_assert_uint_eq(info.max_event_size, true_limits.max_event_size);
}

static int purge(void)
{
	return ke_purge(&ke, ids[SINGLE]);
}

START_TEST(p3_leases_and_looking)
{
	PREPARE_IDS();
	FAIL("ack", ack, lease_again, 0);
	FAIL("nack", nack, lease_returned, 0);
	FAIL("poll", poll_id, NULL, 1);
	FAIL("stat", stat_id, NULL, 0, forget_answers, is_stat);
	FAIL("stat of an ID not in use", stat_unused, NULL, 0, forget_answers, is_stat_of_nothing);
	FAIL("limits", limits, NULL, 0, forget_answers, are_limits);
	FAIL("info", ask_info, NULL, 0, forget_answers, is_info);
	FAIL("purge", purge, ids_refill, 1);
	hold_expired(0);
	FAIL("nack of what has expired", nack_expired, hold_expired, 0);
	ASSERT_OK(ke_ack(&ke, expired_lease));
	ids_check_and_drain();
}
END_TEST

/* Held by claims, in a namespace of the test's own; more than are listed at a time. */
#define FIRST_LISTED 1
#define LISTED 100

static int listed[LISTED + 1];

static int list(void)
{
	memset(listed, PAINT, sizeof(listed));
	return ke_list(&ke, listed, LISTED);
}

static void is_list(int result)
{
	int i;

	for (i = 0; i < result; i++)
		ck_assert_int_eq(listed[i], FIRST_LISTED + i);
	ck_assert(abi_is_painted(&listed[LISTED], sizeof(*listed)));
}

static int list_into_little(void)
{
	memset(listed, PAINT, sizeof(listed));
	return ke_list(&ke, listed, 1);
}

static void is_first_of_list(int result)
{
	(void)result;
	ck_assert_int_eq(listed[0], FIRST_LISTED);
	ck_assert(abi_is_painted(&listed[1], sizeof(*listed)));
}

START_TEST(p3_listing)
{
	int i;

	if (!faults_available())
		SKIP("this kernel injects no faults");
	user_enter_own_netns();
	for (i = 0; i < LISTED; i++)
		ASSERT_OK(ke_claim(&ke, FIRST_LISTED + i, 0600));
	FAIL("list", list, NULL, LISTED, NULL, is_list);
	FAIL("list into little room", list_into_little, NULL, LISTED, NULL, is_first_of_list);
}
END_TEST

static int watch_used(void)
{
	return ke_watch(&ke, ids[FULL]);
}

static int watch_unused(void)
{
	return ke_watch(&ke, ids[UNUSED]);
}

/* A queue stays for reuse after the first call, so the next call needs another ID to make one. */
static void choose_unused(void)
{
	ids[UNUSED] = fresh_id();
}

static void unwatch(int result)
{
	ke_unwatch(&ke, ids[FULL]);
	ke_unwatch(&ke, ids[UNUSED]);
	choose_unused();
	(void)result;
}

static int end_watch(void)
{
	return ke_unwatch(&ke, ids[FULL]);
}

static void watch_anew(int result)
{
	(void)result;
	ASSERT_OK(watch_used());
}

static int claim(void)
{
	return ke_claim(&ke, ids[UNUSED], 0600);
}

static void unclaim(int result)
{
	(void)result;
	ASSERT_OK(ke_unclaim(&ke, ids[UNUSED]));
	choose_unused();
}

static int end_claim(void)
{
	return ke_unclaim(&ke, ids[UNUSED]);
}

static void claim_again(int result)
{
	(void)result;
	ASSERT_OK(claim());
}

START_TEST(p3_watching_and_claiming)
{
	PREPARE_IDS();
	FAIL("watch", watch_used, unwatch, 0);
	FAIL("watch of a new ID", watch_unused, unwatch, 0);
	FAIL("claim", claim, unclaim, 0);
	ASSERT_OK(claim());
	FAIL("claim with another mode", claim, NULL, 0);
	FAIL("unclaim", end_claim, claim_again, 0);
	ASSERT_OK(ke_unclaim(&ke, ids[UNUSED]));
	ASSERT_OK(ke_watch(&ke, ids[FULL]));
	FAIL("watch again", watch_used, NULL, 0);
	FAIL("unwatch", end_watch, watch_anew, 0);
	ids_check_and_drain();
}
END_TEST

static kevents_ctx second;

static int open_client(void)
{
	return ke_init(&second);
}

static void close_client(int result)
{
	(void)result;
	ASSERT_OK(ke_close(&second));
}

static int open_device(int mode)
{
	return outcome(open("/dev/kevents", mode | O_CLOEXEC));
}

static int read_only, write_only;

static int open_read_only(void)
{
	read_only = open_device(O_RDONLY);
	return read_only < 0 ? read_only : 0;
}

static void close_read_only(int result)
{
	(void)result;
	close(read_only);
}

static int open_write_only(void)
{
	write_only = open_device(O_WRONLY | O_NONBLOCK);
	return write_only < 0 ? write_only : 0;
}

static void close_write_only(int result)
{
	(void)result;
	close(write_only);
}

START_TEST(opening_the_device)
{
	PREPARE_IDS();
	FAIL("init", open_client, close_client, 0);
	FAIL("open for reading", open_read_only, close_read_only, 0);
	FAIL("open for writing", open_write_only, close_write_only, 0);
	ids_check_and_drain();
}
END_TEST

START_TEST(p3_the_first_client_of_a_user)
{
	uid_t was;

	PREPARE_IDS();
	was = getuid();
	ASSERT_SYS(setreuid(fresh_user(), -1));
	FAIL("init of a new user", open_client, close_client, 0);
	ASSERT_SYS(setreuid(was, -1));
	ids_check_and_drain();
}
END_TEST

static void open_with_lease(int result)
{
	(void)result;
	ASSERT_OK(ke_init(&second));
	ASSERT_OK(ke_watch(&second, ids[FULL]));
	lease_number(&second, ids[SINGLE], 4, 0);
	lease_number(&second, ids[EMPTY], 6, 3600000);
}

static int close_with_lease(void)
{
	return ke_close(&second);
}

START_TEST(p6_closing_a_client_with_leases)
{
	PREPARE_IDS();
	send_number(ids[EMPTY], 6);
	open_with_lease(0);
	FAIL("close", close_with_lease, open_with_lease, 0);
	ASSERT_OK(ke_close(&second));
	ck_assert_uint_eq(receive_number(ids[EMPTY]), 6);
	ids_check_and_drain();
}
END_TEST

TESTS(120, WITH_CLIENT,
      p3_leases_and_looking,
      p3_listing,
      p3_watching_and_claiming,
      opening_the_device,
      p6_closing_a_client_with_leases,
      p3_the_first_client_of_a_user)
