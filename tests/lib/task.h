/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that receive, child processes, and what the kernel says they are at. */
#ifndef TASK_H
#define TASK_H

#include <kevents.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A thread that makes one ke_receive(); start it with RECEIVER() and the like. */
struct receiver {
	kevents_ctx *client;	/* NULL: ke */
	int id;
	unsigned int flags;
	int timeout_ms;
	void *data;		/* NULL: number */
	size_t size;
	uint64_t number;
	struct ke_event ev;	/* what it received */
	int result;
	pid_t tid;
	bool done;
	pthread_t thread;
};

#define RECEIVER(of_id) ((struct receiver){ .id = (of_id), .timeout_ms = -1 })

void receiver_start(struct receiver *receiver);

/* Starts it and returns when it is asleep in the call. */
void receiver_block(struct receiver *receiver);

/* Fails the test if it does not end soon. */
void receiver_join(struct receiver *receiver);

/* Joins it; it must have received this number. */
void receiver_expect(struct receiver *receiver, uint64_t number);

bool receiver_is_done(const struct receiver *receiver);

/* A child process that runs function(arg) and exits with what that returns. */
pid_t child_start(int (*function)(void *arg), void *arg);

/* Its exit status, or 128 and the signal that ended it. */
int child_join(pid_t pid);

/* Starts and joins a child, which must return 0. */
void child_run(int (*function)(void *arg), void *arg);

/* Zeroed memory that the children share, gone with the test. */
void *shared_memory(size_t size);

/* Returns when the task sleeps in an ioctl; fails the test if it ends instead. */
void task_wait_blocked(pid_t tid);

/* Whether it sleeps in this system call (SYS_*) at this moment. */
bool task_sleeps_in(pid_t tid, long call);

/* The same for an ioctl; stuck: in a page fault, too. */
bool task_is_blocked(pid_t tid);
bool task_is_stuck(pid_t tid);

/* A thread that acts once, when the one that begins it sleeps in a system call. */
struct meanwhile {
	long call;		/* SYS_* */
	void (*act)(void);
	pid_t sleeper;
	bool over;
	bool acted;
	pthread_t thread;
};

void meanwhile_begin(struct meanwhile *meanwhile);

/* Returns whether it has acted, which it does not from now on. */
bool meanwhile_end(struct meanwhile *meanwhile);

/* How often the task has gone to sleep. */
long task_sleeps(pid_t tid);

/*
 * Keeps the calling thread, and those that it starts from now on, on one CPU;
 * task_rule() makes it run there before all others, so that whoever it wakes
 * stands still until task_yield_rule().
 */
void task_pin(void);
void task_rule(void);
void task_yield_rule(void);

/* Installs a handler that counts in signal_count. */
void signal_handle(int signal, int sa_flags);
extern volatile sig_atomic_t signal_count;

void signal_thread(pid_t tid, int signal);

#endif /* TASK_H */
