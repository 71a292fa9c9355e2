// SPDX-License-Identifier: GPL-2.0-only
/* P9: one file, polled for events and for room, the one or the other in turn. */
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

#include "lib/call.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/readiness.h"

static char payload[4096];

/* Sends until no room is left. */
static void fill(int id)
{
	int err;

	limit_set("max_bytes", limits_now().bytes + 65536);
	while (!(err = ke_send_event(&ke, id, payload, sizeof(payload))))
		;
	ASSERT_RESULT(err, -EAGAIN);
}

/* Returns what epoll tells after it has waited for the event, or for the room. */
static uint32_t told_later(int epoll, int watched, int full)
{
	struct call sleeper = call_epoll(epoll);

	call_block(&sleeper);
	if (full)
		ck_assert_uint_gt(drain(full), 0);
	else
		send_number(watched, 1);
	ck_assert_int_eq(call_join(&sleeper), 1);
	return sleeper.event.events;
}

/* What is wanted in the end is told, whatever was wanted when the file was added. */
static void assert_told_after_change(uint32_t first, uint32_t then, uint32_t flags)
{
	int watched = fresh_id(), full = then & EPOLLOUT ? fresh_id() : 0, epoll;

	ASSERT_OK(ke_watch(&ke, watched));
	if (full)
		fill(full);
	epoll = epoll_of(&ke, first | flags);
	epoll_change(epoll, &ke, then | flags);
	ck_assert_uint_eq(told_later(epoll, watched, full), full ? EPOLLOUT : EPOLLIN);
	ASSERT_SYS(close(epoll));
	ck_assert_uint_eq(drain(watched), !full);
	ASSERT_OK(ke_unwatch(&ke, watched));
}

static const uint32_t triggers[] = { 0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT };

START_TEST(p9_room_is_told_to_who_asks_for_it_later)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(triggers); i++) {
		assert_told_after_change(EPOLLIN, EPOLLIN | EPOLLOUT, triggers[i]);
		assert_told_after_change(EPOLLIN, EPOLLOUT, triggers[i]);
		assert_told_after_change(0, EPOLLOUT, triggers[i]);
	}
}
END_TEST

START_TEST(p9_an_event_is_told_to_who_asks_for_it_later)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(triggers); i++) {
		assert_told_after_change(EPOLLOUT, EPOLLIN, triggers[i]);
		assert_told_after_change(0, EPOLLIN, triggers[i]);
	}
}
END_TEST

START_TEST(p9_epolloneshot_armed_for_something_else_tells_that)
{
	int watched = fresh_id(), full = fresh_id(), epoll = epoll_of(&ke, EPOLLIN | EPOLLONESHOT);

	ASSERT_OK(ke_watch(&ke, watched));
	ck_assert_uint_eq(told_later(epoll, watched, 0), EPOLLIN);
	fill(full);
	epoll_change(epoll, &ke, EPOLLOUT | EPOLLONESHOT);
	ck_assert_uint_eq(told_later(epoll, watched, full), EPOLLOUT);
	ck_assert_uint_eq(drain(watched), 1);
	epoll_change(epoll, &ke, EPOLLIN | EPOLLONESHOT);
	ck_assert_uint_eq(told_later(epoll, watched, 0), EPOLLIN);
	ck_assert_uint_eq(drain(watched), 1);
}
END_TEST

START_TEST(p9_an_edge_comes_with_the_room_that_was_refused)
{
	int full = fresh_id(), epoll = epoll_of(&ke, EPOLLIN | EPOLLOUT | EPOLLET), i;

	ck_assert_uint_eq(told(epoll), EPOLLOUT);
	for (i = 0; i < 3; i++) {
		fill(full);
		ck_assert_uint_eq(told(epoll), 0);
		ck_assert_uint_eq(told_later(epoll, 0, full), EPOLLOUT);
		ck_assert_uint_eq(told(epoll), 0);
	}
}
END_TEST

START_TEST(p9_who_polls_for_room_gets_no_wake_up_of_an_event)
{
	struct call writer, reader;
	int watched = fresh_id(), full = fresh_id();
	uint64_t seq;

	ASSERT_OK(ke_watch(&ke, watched));
	send_number(watched, 1);
	seq = lease_number(&ke, watched, 1, 0);
	fill(full);
	writer = call_epoll(epoll_of(&ke, EPOLLOUT | EPOLLEXCLUSIVE));
	call_block(&writer);
	reader = call_epoll(epoll_of(&ke, EPOLLIN | EPOLLEXCLUSIVE));
	call_block(&reader);
	ASSERT_OK(ke_nack(&ke, seq));
	ck_assert_int_eq(call_join(&reader), 1);
	ck_assert(call_is_asleep(&writer));
	ck_assert_uint_eq(drain(watched), 1);
	ck_assert_uint_gt(drain(full), 0);
	ck_assert_int_eq(call_join(&writer), 1);
	ck_assert_uint_eq(writer.event.events, EPOLLOUT);
}
END_TEST

static aio_context_t aio;

static bool aio_create(void)
{
	long err = syscall(SYS_io_setup, 1, &aio);

	if (err && errno == ENOSYS)
		return false;
	ASSERT_SYS(err);
	return true;
}

/* Waits for events by libaio's means; returns what it tells when something was done. */
static int64_t aio_told_later(short events, int watched, int full)
{
	struct iocb poll = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = ke_fd(&ke),
			     .aio_buf = (uint64_t)events };
	struct timespec limit = { 0 };
	struct iocb *polls[] = { &poll };
	struct io_event event;

	ck_assert_int_eq(syscall(SYS_io_submit, aio, 1, polls), 1);
	ck_assert_int_eq(syscall(SYS_io_getevents, aio, 1, 1, &event, &limit), 0);
	if (full)
		drain(full);
	else
		send_number(watched, 1);
	limit.tv_sec = (time_t)patience();
	ck_assert_int_eq(syscall(SYS_io_getevents, aio, 1, 1, &event, &limit), 1);
	return event.res;
}

START_TEST(p9_libaio_can_poll_for_both)
{
	int watched = fresh_id(), full = fresh_id();
	uint64_t seq;

	if (!aio_create())
		SKIP("this kernel has no libaio");
	ASSERT_OK(ke_watch(&ke, watched));
	ck_assert_int_eq(aio_told_later(POLLIN, watched, 0) & (POLLIN | POLLOUT), POLLIN);
	seq = lease_number(&ke, watched, 1, 0);
	fill(full);
	ck_assert_int_eq(aio_told_later(POLLIN | POLLOUT, watched, full) & (POLLIN | POLLOUT),
			 POLLOUT);
	ASSERT_OK(ke_ack(&ke, seq));
	assert_empty(watched);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_room_is_told_to_who_asks_for_it_later,
      p9_an_event_is_told_to_who_asks_for_it_later,
      p9_epolloneshot_armed_for_something_else_tells_that,
      p9_an_edge_comes_with_the_room_that_was_refused,
      p9_who_polls_for_room_gets_no_wake_up_of_an_event,
      p9_libaio_can_poll_for_both)
