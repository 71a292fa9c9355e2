/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread that makes one system call, which may block. */
#ifndef CALL_H
#define CALL_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/types.h>

struct call {
	long (*function)(struct call *call);
	int fd;
	void *buffer;
	size_t size;
	struct epoll_event event;	/* result of epoll_wait() */
	long result;			/* of the system call, or -errno */
	pid_t tid;
	bool done;
	pthread_t thread;
};

struct call call_read(int fd, void *buffer, size_t size);
struct call call_write(int fd, const void *buffer, size_t size);
struct call call_poll(int fd);
struct call call_epoll(int epoll);

void call_start(struct call *call);

/* Starts the thread and returns when it sleeps in its system call. */
void call_block(struct call *call);

bool call_is_asleep(const struct call *call);
bool call_is_done(const struct call *call);

/* Returns the result of the call. Fails the test if it does not end soon. */
long call_join(struct call *call);

#endif /* CALL_H */
