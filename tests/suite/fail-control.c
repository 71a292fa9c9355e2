// SPDX-License-Identifier: GPL-2.0-only
/* P3, P6: everything else with every allocation and copy failing in turn. */
#include <fcntl.h>

#include "harness.h"
#include "held.h"
#include "module.h"
#include "scene.h"
#include "user.h"

static int outcome(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

static int ack(void)
{
	return ke_ack(&ke, scene_lease);
}

static void lease_again(int result)
{
	(void)result;
	send_number(ids[LEASED], 5);
	scene_lease = lease_number(&ke, ids[LEASED], 5, 0);
}

static int nack(void)
{
	return ke_nack(&ke, scene_lease);
}

static void lease_returned(int result)
{
	(void)result;
	scene_lease = lease_number(&ke, ids[LEASED], 5, 0);
}

static int poll_id(void)
{
	return ke_poll_event(&ke, ids[FULL]);
}

static int stat_id(void)
{
	struct ke_stat stat;

	return ke_stat(&ke, ids[FULL], &stat);
}

static int limits(void)
{
	struct ke_limits found;

	return ke_limits(&ke, &found);
}

static int purge(void)
{
	return ke_purge(&ke, ids[SINGLE]);
}

START_TEST(p3_leases_and_looking)
{
	SET_SCENE();
	FAIL("ack", ack, lease_again, 0);
	FAIL("nack", nack, lease_returned, 0);
	FAIL("poll", poll_id, NULL, 1);
	FAIL("stat", stat_id, NULL, 0);
	FAIL("limits", limits, NULL, 0);
	FAIL("purge", purge, scene_refill, 1);
	scene_strike();
}
END_TEST

static int list(void)
{
	int found[64];

	return ke_list(&ke, found, ARRAY_SIZE(found));
}

START_TEST(p3_listing)
{
	SET_SCENE();
	outlast_reaper(0);
	FAIL("list", list, NULL, list());
	scene_strike();
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

static void unwatch(int result)
{
	ke_unwatch(&ke, ids[FULL]);
	ke_unwatch(&ke, ids[UNUSED]);
	(void)result;
}

static int claim(void)
{
	return ke_claim(&ke, ids[UNUSED], 0600);
}

static void unclaim(int result)
{
	(void)result;
	ASSERT_OK(ke_unclaim(&ke, ids[UNUSED]));
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
	SET_SCENE();
	FAIL("watch", watch_used, unwatch, 0);
	FAIL("watch of a new ID", watch_unused, unwatch, 0);
	FAIL("claim", claim, unclaim, 0);
	ASSERT_OK(claim());
	FAIL("claim with another mode", claim, NULL, 0);
	FAIL("unclaim", end_claim, claim_again, 0);
	ASSERT_OK(ke_unclaim(&ke, ids[UNUSED]));
	ASSERT_OK(ke_watch(&ke, ids[FULL]));
	FAIL("watch again", watch_used, NULL, 0);
	scene_strike();
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
	SET_SCENE();
	FAIL("init", open_client, close_client, 0);
	FAIL("open for reading", open_read_only, close_read_only, 0);
	FAIL("open for writing", open_write_only, close_write_only, 0);
	scene_strike();
}
END_TEST

START_TEST(p3_whatever_a_new_user_begins_with)
{
	SET_SCENE();
	ASSERT_SYS(setreuid(fresh_user(), -1));
	FAIL("init of a new user", open_client, close_client, 0);
	FAIL("limits of a new user", limits, NULL, 0);
	FAIL("claim of a new user", claim, unclaim, 0);
	ASSERT_SYS(setreuid(0, -1));
	scene_strike();
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
	SET_SCENE();
	send_number(ids[EMPTY], 6);
	open_with_lease(0);
	FAIL("close", close_with_lease, open_with_lease, 0);
	ASSERT_OK(ke_close(&second));
	ck_assert_uint_eq(receive_number(ids[EMPTY]), 6);
	scene_strike();
}
END_TEST

TESTS(fail_control, 120, WITH_CLIENT,
      p3_leases_and_looking,
      p3_listing,
      p3_watching_and_claiming,
      opening_the_device,
      p6_closing_a_client_with_leases,
      p3_whatever_a_new_user_begins_with)
