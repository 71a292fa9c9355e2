/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads that receive, child processes, and the state of tasks. */
#ifndef TASK_H
#define TASK_H

#include <kevents.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A thread that makes one ke_receive(). RECEIVER() initialises it. */
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

/* Starts the thread and returns when it sleeps in the call. */
void receiver_block(struct receiver *receiver);

/* Joins the thread. Fails the test if it does not end soon. */
void receiver_join(struct receiver *receiver);

/* Joins the thread, which must have received this number. */
void receiver_expect(struct receiver *receiver, uint64_t number);

bool receiver_is_done(const struct receiver *receiver);

/* Starts a child process that exits with the result of function(arg). */
pid_t child_start(int (*function)(void *arg), void *arg);

/* Returns the exit status of the child, or 128 plus the signal that ended it. */
int child_join(pid_t pid);

/* Starts and joins a child, which must return 0. */
void child_run(int (*function)(void *arg), void *arg);

/* Returns zeroed memory that is shared with children, until the test ends. */
void *shared_memory(size_t size);

/* Waits until the task sleeps in an ioctl. Fails the test if the task ends instead. */
void task_wait_blocked(pid_t tid);

/* Returns whether the task sleeps in this system call (SYS_*) now. */
bool task_sleeps_in(pid_t tid, long call);

/* Likewise for an ioctl. task_is_stuck() includes page faults. */
bool task_is_blocked(pid_t tid);
bool task_is_stuck(pid_t tid);

/* A thread that calls act() once its creator sleeps in a system call. */
struct meanwhile {
	long call;		/* SYS_* */
	void (*act)(void);
	pid_t sleeper;
	bool over;
	bool acted;
	pthread_t thread;
};

void meanwhile_begin(struct meanwhile *meanwhile);

/* Joins the thread. Returns whether it called act(). */
bool meanwhile_end(struct meanwhile *meanwhile);

/* Returns how often the task has gone to sleep. */
long task_sleeps(pid_t tid);

/*
 * task_pin() keeps the calling thread, and those that it starts from then on, on one CPU.
 * task_rule() gives the thread priority there, so that a task it wakes does not run before
 * task_yield_rule() or before the thread sleeps.
 */
void task_pin(void);
void task_rule(void);
void task_yield_rule(void);

/* Installs a handler that increments signal_count, which starts from 0. */
void signal_handle(int signal, int sa_flags);
extern volatile sig_atomic_t signal_count;

void signal_thread(pid_t tid, int signal);

#endif /* TASK_H */
