// SPDX-License-Identifier: GPL-2.0-only
/* P3, P9: receives of every kind with every allocation and copy failing in turn. */
#include <poll.h>
#include <sys/epoll.h>

#include "harness.h"
#include "record.h"
#include "scene.h"
#include "task.h"

static char room[60000];
static struct ke_event several[3];

static int outcome(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

static int get(void)
{
	return ke_get_event(&ke, ids[SINGLE], room, 9);
}

static int get_nothing(void)
{
	return ke_get_event(&ke, ids[EMPTY], room, 9);
}

static int get_too_much(void)
{
	return ke_get_event(&ke, ids[SINGLE], room, 1);
}

static int receive_any(int id, unsigned int flags, int timeout_ms, uint32_t lease_ms)
{
	struct ke_event ev = { .data = room, .size = sizeof(room), .lease_ms = lease_ms };
	int err = ke_receive(&ke, id, &ev, flags, timeout_ms);

	if (!err && flags & KE_LEASE)
		several[0].seq = ev.seq;
	return err;
}

static int receive(void)
{
	return receive_any(ids[SINGLE], 0, -1, 0);
}

static int peek(void)
{
	return receive_any(ids[FULL], KE_PEEK, 0, 0);
}

static int wait_in_vain(void)
{
	return receive_any(ids[EMPTY], 0, 1, 0);
}

static int wait_for_unused(void)
{
	return receive_any(ids[UNUSED], 0, 1, 0);
}

static int take_lease(void)
{
	return receive_any(ids[SINGLE], KE_LEASE, 0, 0);
}

static int take_limited_lease(void)
{
	return receive_any(ids[SINGLE], KE_LEASE, 0, 3600000);
}

static void nack_it(int result)
{
	if (result >= 0)
		ASSERT_OK(ke_nack(&ke, several[0].seq));
}

START_TEST(p3_receiving)
{
	SET_SCENE();
	FAIL("get", get, scene_refill, 0);
	FAIL("get of nothing", get_nothing, NULL, -ENOMSG);
	FAIL("get of too much", get_too_much, NULL, -EMSGSIZE);
	FAIL("receive", receive, scene_refill, 0);
	FAIL("peek", peek, NULL, 0);
	FAIL("receive that waits in vain", wait_in_vain, NULL, -ETIMEDOUT);
	FAIL("the same, of an ID not in use", wait_for_unused, NULL, -ETIMEDOUT);
	FAIL("lease", take_lease, nack_it, 0);
	FAIL("lease with a limit", take_limited_lease, nack_it, 0);
	scene_strike();
}
END_TEST

static int receive_watched_number(void)
{
	return receive_any(0, KE_WATCHED, 0, 0);
}

static int receive_several(unsigned int flags)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(several); i++)
		several[i] = (struct ke_event){ .data = room, .size = sizeof(room) };
	return ke_receive_batch(&ke, several, ARRAY_SIZE(several), flags, 0);
}

static int receive_batch(void)
{
	return receive_several(0);
}

static int lease_batch(void)
{
	return receive_several(KE_LEASE);
}

static void nack_several(int result)
{
	while (result-- > 0)
		ASSERT_OK(ke_nack(&ke, several[result].seq));
}

static int read_records(void)
{
	return outcome(read(ke_fd(&ke), room, sizeof(room)));
}

START_TEST(p3_receiving_from_watched_ids)
{
	SET_SCENE();
	ASSERT_OK(ke_watch(&ke, ids[SINGLE]));
	FAIL("receive of watched IDs", receive_watched_number, scene_refill, 0);
	FAIL("receive_batch", receive_batch, scene_refill, 1);
	FAIL("receive_batch with leases", lease_batch, nack_several, 1);
	FAIL("read", read_records, scene_refill, sizeof(struct number_record));
	scene_strike();
}
END_TEST

static int wait_watched_in_vain(void)
{
	return receive_any(0, KE_WATCHED, 1, 0);
}

static int poll_file(void)
{
	struct pollfd fd = { .fd = ke_fd(&ke), .events = POLLIN | POLLOUT };

	return outcome(poll(&fd, 1, 0));
}

static int epoll;

static int add_to_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

	return outcome(epoll_ctl(epoll, EPOLL_CTL_ADD, ke_fd(&ke), &event));
}

static void remove_from_epoll(int result)
{
	(void)result;
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_DEL, ke_fd(&ke), NULL));
}

static int wait_in_epoll(void)
{
	struct epoll_event event;

	return outcome(epoll_wait(epoll, &event, 1, 0));
}

START_TEST(p3_looking_and_waiting_for_readiness)
{
	SET_SCENE();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_SYS(epoll);
	ASSERT_OK(ke_watch(&ke, ids[EMPTY]));
	FAIL("receive of watched IDs in vain", wait_watched_in_vain, NULL, -ETIMEDOUT);
	FAIL("poll of the file", poll_file, NULL, 1);
	FAIL("epoll_ctl", add_to_epoll, remove_from_epoll, 0);
	ASSERT_OK(add_to_epoll());
	FAIL("epoll_wait", wait_in_epoll, NULL, 1);
	scene_strike();
}
END_TEST

/* A receiver that waits, and gets an event while its copies fail. */

static volatile bool over, sent;
static volatile pid_t waiting;

static void *send_when_asleep(void *arg)
{
	kevents_ctx *client = arg;
	uint64_t number = 7;

	while (!over && !task_is_blocked(waiting))
		sched_yield();
	if (!over) {
		ASSERT_OK(ke_send_event(client, ids[EMPTY], &number, sizeof(number)));
		sent = true;
	}
	return NULL;
}

START_TEST(p3_p9_an_event_that_comes_while_one_waits)
{
	unsigned int nth;
	bool failed = true;

	SET_SCENE();
	waiting = gettid();
	for (nth = 1; failed; nth++) {
		uint64_t number = 0;
		struct ke_event ev = { .data = &number, .size = sizeof(number) };
		pthread_t thread;
		int err;

		over = false;
		sent = false;
		ck_assert_int_eq(pthread_create(&thread, NULL, send_when_asleep, &ke), 0);
		fault_arm(nth);
		err = ke_receive(&ke, ids[EMPTY], &ev, 0, 60000);
		failed = fault_disarm();
		over = true;
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_msg(!err || (failed && (err == -EFAULT || err == -ENOMEM)),
			      "fault %u: %d", nth, err);
		if (err && sent)
			number = receive_number(ids[EMPTY]);
		ck_assert_uint_eq(number, sent ? 7 : 0);
		assert_empty(ids[EMPTY]);
	}
	scene_strike();
}
END_TEST

TESTS(fail_receive, 120, WITH_CLIENT,
      p3_receiving,
      p3_receiving_from_watched_ids,
      p3_looking_and_waiting_for_readiness,
      p3_p9_an_event_that_comes_while_one_waits)
