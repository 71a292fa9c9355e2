// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "harness.h"

int watched_id(void)
{
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	return id;
}

uint64_t receive_watched_of(kevents_ctx *client, int *id)
{
	uint64_t number = 0;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	ASSERT_OK(ke_receive(client, 0, &ev, KE_WATCHED, 0));
	ck_assert_uint_eq(ev.len, sizeof(number));
	*id = ev.id;
	return number;
}

uint64_t receive_watched(kevents_ctx *client)
{
	int id;

	return receive_watched_of(client, &id);
}

static bool poll_says(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN | POLLRDNORM };

	ASSERT_SYS(poll(&poll_fd, 1, 0));
	if (poll_fd.revents)
		ck_assert_int_eq(poll_fd.revents, POLLIN | POLLRDNORM);
	return poll_fd.revents;
}

static bool select_says(int fd)
{
	struct timeval no_time = { 0 };
	fd_set fds;

	FD_ZERO(&fds);
	FD_SET(fd, &fds);
	ASSERT_SYS(select(fd + 1, &fds, NULL, NULL, &no_time));
	return FD_ISSET(fd, &fds);
}

static bool epoll_says(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC), count;

	ASSERT_SYS(epoll);
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	count = epoll_wait(epoll, &event, 1, 0);
	ASSERT_SYS(count);
	close(epoll);
	return count;
}

bool is_readable(const kevents_ctx *client)
{
	int fd = ke_fd(client);
	bool readable = poll_says(fd);

	ck_assert_int_eq(select_says(fd), readable);
	ck_assert_int_eq(epoll_says(fd), readable);
	return readable;
}

void assert_nothing_watched(kevents_ctx *client)
{
	struct ke_event ev = { .size = 0 };

	ck_assert(!is_readable(client));
	ASSERT_RESULT(ke_receive(client, 0, &ev, KE_WATCHED, 0), -ENOMSG);
	ck_assert(!is_readable(client));
}

void assert_watched(kevents_ctx *client, uint64_t number)
{
	uint64_t found = 0;
	struct ke_event ev = { .data = &found, .size = sizeof(found) };

	ck_assert(is_readable(client));
	ASSERT_OK(ke_receive(client, 0, &ev, KE_WATCHED | KE_PEEK, 0));
	ck_assert_uint_eq(found, number);
}
