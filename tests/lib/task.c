// SPDX-License-Identifier: GPL-2.0-only
#include "task.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "harness.h"

volatile sig_atomic_t signal_count;

static void *receive(void *arg)
{
	struct receiver *receiver = arg;
	kevents_ctx *client = receiver->client ? receiver->client : &ke;

	__atomic_store_n(&receiver->tid, gettid(), __ATOMIC_RELEASE);
	receiver->result = ke_receive(client, receiver->id, &receiver->ev, receiver->flags,
				      receiver->timeout_ms);
	__atomic_store_n(&receiver->done, true, __ATOMIC_RELEASE);
	return NULL;
}

void receiver_start(struct receiver *receiver)
{
	receiver->ev.data = receiver->data ? receiver->data : &receiver->number;
	receiver->ev.size = receiver->data ? receiver->size : sizeof(receiver->number);
	ck_assert_int_eq(pthread_create(&receiver->thread, NULL, receive, receiver), 0);
	while (!__atomic_load_n(&receiver->tid, __ATOMIC_ACQUIRE))
		sched_yield();
}

void receiver_block(struct receiver *receiver)
{
	receiver_start(receiver);
	while (!task_is_blocked(receiver->tid)) {
		ck_assert_msg(!receiver_is_done(receiver),
			      "a receive of ID %d that should wait returns %d, with number %llu",
			      receiver->id, receiver->result,
			      (unsigned long long)receiver->number);
		sched_yield();
	}
}

bool receiver_is_done(const struct receiver *receiver)
{
	return __atomic_load_n(&receiver->done, __ATOMIC_ACQUIRE);
}

void receiver_join(struct receiver *receiver)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += (time_t)patience();
	ck_assert_msg(pthread_timedjoin_np(receiver->thread, NULL, &limit) == 0,
		      "a receive of ID %d does not end", receiver->id);
}

void receiver_expect(struct receiver *receiver, uint64_t number)
{
	receiver_join(receiver);
	ASSERT_OK(receiver->result);
	ck_assert_uint_eq(receiver->number, number);
}

pid_t child_start(int (*function)(void *arg), void *arg)
{
	pid_t pid = fork();

	ASSERT_SYS(pid);
	if (!pid)
		_exit(function(arg));
	return pid;
}

int child_join(pid_t pid)
{
	int status;

	ASSERT_SYS(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void child_run(int (*function)(void *arg), void *arg)
{
	ck_assert_msg(child_join(child_start(function, arg)) == 0, "a child failed");
}

void *shared_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

/* Reads a file of /proc/TID. Returns false if there is no such task. */
static bool read_proc(pid_t tid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static char state(pid_t tid)
{
	char text[512], *end;

	if (!read_proc(tid, "stat", text, sizeof(text)))
		return 'X';
	end = strrchr(text, ')');
	return end ? end[2] : 'X';
}

/* The file has no number for a task that is running. */
static bool is_in(pid_t tid, long call)
{
	char text[256];

	return read_proc(tid, "syscall", text, sizeof(text)) && strtol(text, NULL, 10) == call;
}

bool task_sleeps_in(pid_t tid, long call)
{
	return is_in(tid, call) && state(tid) == 'S';
}

bool task_is_blocked(pid_t tid)
{
	return task_sleeps_in(tid, SYS_ioctl);
}

bool task_is_stuck(pid_t tid)
{
	return is_in(tid, SYS_ioctl) && strchr("SD", state(tid));
}

void task_wait_blocked(pid_t tid)
{
	char now;

	while (!task_is_blocked(tid)) {
		now = state(tid);
		ck_assert_msg(!strchr("XZ", now), "a task ended that should wait");
		sched_yield();
	}
}

static void *act_meanwhile(void *arg)
{
	struct meanwhile *meanwhile = arg;

	while (!__atomic_load_n(&meanwhile->over, __ATOMIC_ACQUIRE)) {
		if (task_sleeps_in(meanwhile->sleeper, meanwhile->call)) {
			meanwhile->act();
			meanwhile->acted = true;
			break;
		}
		sched_yield();
	}
	return NULL;
}

void meanwhile_begin(struct meanwhile *meanwhile)
{
	meanwhile->sleeper = gettid();
	meanwhile->over = false;
	meanwhile->acted = false;
	ck_assert_int_eq(pthread_create(&meanwhile->thread, NULL, act_meanwhile, meanwhile), 0);
}

bool meanwhile_end(struct meanwhile *meanwhile)
{
	__atomic_store_n(&meanwhile->over, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(pthread_join(meanwhile->thread, NULL), 0);
	return meanwhile->acted;
}

long task_sleeps(pid_t tid)
{
	static const char field[] = "\nvoluntary_ctxt_switches:";
	char text[4096], *found;

	ck_assert(read_proc(tid, "status", text, sizeof(text)));
	found = strstr(text, field);
	ck_assert_ptr_nonnull(found);
	return strtol(found + sizeof(field) - 1, NULL, 10);
}

void task_pin(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ASSERT_SYS(sched_setaffinity(0, sizeof(first), &first));
}

static void schedule_as(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	ASSERT_SYS(sched_setscheduler(0, policy, &param));
}

void task_rule(void)
{
	schedule_as(SCHED_FIFO, 50);
}

void task_yield_rule(void)
{
	schedule_as(SCHED_OTHER, 0);
}

static void count_signal(int signal)
{
	(void)signal;
	signal_count++;
}

void signal_handle(int signal, int sa_flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = sa_flags };

	signal_count = 0;
	ASSERT_SYS(sigaction(signal, &action, NULL));
}

void signal_thread(pid_t tid, int signal)
{
	ASSERT_SYS(tgkill(getpid(), tid, signal));
}
