// SPDX-License-Identifier: GPL-2.0-only
#include "call.h"

#include <stdio.h>
#include <time.h>

#include "harness.h"
#include "task.h"

static long outcome(ssize_t result)
{
	return result < 0 ? -errno : result;
}

static long do_read(struct call *call)
{
	return outcome(read(call->fd, call->buffer, call->size));
}

static long do_write(struct call *call)
{
	return outcome(write(call->fd, call->buffer, call->size));
}

static long do_poll(struct call *call)
{
	struct pollfd poll_fd = { .fd = call->fd, .events = POLLIN };

	return outcome(poll(&poll_fd, 1, -1));
}

static long do_epoll(struct call *call)
{
	return outcome(epoll_wait(call->fd, &call->event, 1, -1));
}

struct call call_read(int fd, void *buffer, size_t size)
{
	return (struct call){ .function = do_read, .fd = fd, .buffer = buffer, .size = size };
}

struct call call_write(int fd, const void *buffer, size_t size)
{
	return (struct call){
		.function = do_write, .fd = fd, .buffer = (void *)(uintptr_t)buffer,
		.size = size,
	};
}

struct call call_poll(int fd)
{
	return (struct call){ .function = do_poll, .fd = fd };
}

struct call call_epoll(int epoll)
{
	return (struct call){ .function = do_epoll, .fd = epoll };
}

static void *run(void *arg)
{
	struct call *call = arg;

	__atomic_store_n(&call->tid, gettid(), __ATOMIC_RELEASE);
	call->result = call->function(call);
	__atomic_store_n(&call->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The thread makes no other system call, so it sleeps in that one. */
bool call_is_asleep(const struct call *call)
{
	char path[64], text[512] = "";
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", call->tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	end = fgets(text, sizeof(text), file) ? strrchr(text, ')') : NULL;
	fclose(file);
	return end && end[2] == 'S';
}

bool call_is_done(const struct call *call)
{
	return __atomic_load_n(&call->done, __ATOMIC_ACQUIRE);
}

void call_start(struct call *call)
{
	ck_assert_int_eq(pthread_create(&call->thread, NULL, run, call), 0);
}

void call_block(struct call *call)
{
	call_start(call);
	WAIT_UNTIL(__atomic_load_n(&call->tid, __ATOMIC_ACQUIRE));
	while (!call_is_asleep(call)) {
		ck_assert_msg(!call_is_done(call), "a call ended with %ld that should wait",
			      call->result);
		sched_yield();
	}
}

long call_join(struct call *call)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += (time_t)patience();
	ck_assert_msg(pthread_timedjoin_np(call->thread, NULL, &limit) == 0,
		      "a call does not end");
	return call->result;
}
