// SPDX-License-Identifier: GPL-2.0-only
#include "readiness.h"

#include <poll.h>
#include <sys/epoll.h>

#include "harness.h"

static void control(int epoll, int operation, const kevents_ctx *client, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = ke_fd(client) };

	ASSERT_SYS(epoll_ctl(epoll, operation, ke_fd(client), &event));
}

int epoll_of(const kevents_ctx *client, uint32_t events)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_SYS(epoll);
	control(epoll, EPOLL_CTL_ADD, client, events);
	return epoll;
}

void epoll_change(int epoll, const kevents_ctx *client, uint32_t events)
{
	control(epoll, EPOLL_CTL_MOD, client, events);
}

uint32_t told(int epoll)
{
	struct epoll_event event = { .events = 0 };

	ASSERT_SYS(epoll_wait(epoll, &event, 1, 0));
	return event.events;
}

bool is_writable(int timeout_ms)
{
	struct pollfd fd = { .fd = ke_fd(&ke), .events = POLLOUT };
	int ready = poll(&fd, 1, timeout_ms);

	ASSERT_SYS(ready);
	ck_assert_int_eq(fd.revents, ready ? POLLOUT : 0);
	return ready;
}
