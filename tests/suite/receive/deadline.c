// SPDX-License-Identifier: GPL-2.0-only
/* P9: until when a call waits, whatever interrupts it meanwhile. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/watch.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define MS UINT64_C(1000000)
#define NO_TIME_NAMESPACES "this kernel has no time namespaces"
#define SKIPPED 77

/* Each returns what comes of a call that waits so long for what does not come. */
static int wait_for_event(int id, int timeout_ms)
{
	struct ke_event ev = { .size = 0 };

	return ke_receive(&ke, id, &ev, 0, timeout_ms);
}

static int wait_for_watched(int id, int timeout_ms)
{
	struct ke_event ev = { .size = 0 };

	(void)id;
	return ke_receive(&ke, 0, &ev, KE_WATCHED, timeout_ms);
}

static int wait_for_batch(int id, int timeout_ms)
{
	struct ke_event ev = { .size = 0 };

	(void)id;
	return ke_receive_batch(&ke, &ev, 1, 0, timeout_ms);
}

static int wait_for_room(int id, int timeout_ms)
{
	struct ke_event ev = { .id = id };

	return ke_send(&ke, &ev, 0, timeout_ms);
}

static int wait_for_room_for_batch(int id, int timeout_ms)
{
	struct ke_event ev = { .id = id };

	return ke_send_batch(&ke, &ev, 1, timeout_ms);
}

static int (*const waits[])(int id, int timeout_ms) = {
	wait_for_event, wait_for_watched, wait_for_batch, wait_for_room, wait_for_room_for_batch,
};

#define FIRST_SEND 3

/* A child that waits in one of these ways. */
struct waiter {
	int (*wait)(int id, int timeout_ms);
	int id;
	int timeout_ms;
	int sa_flags;		/* of its handler of SIGUSR1 */
	int result;
	uint64_t took;		/* ns */
};

static int wait_in_time(void *arg)
{
	struct waiter *waiter = arg;

	signal_handle(SIGUSR1, waiter->sa_flags);
	waiter->took = now_ns();
	waiter->result = waiter->wait(waiter->id, waiter->timeout_ms);
	waiter->took = now_ns() - waiter->took;
	return 0;
}

/* Starts it where no event comes and no room, and returns when it waits. */
static struct waiter *waiter_block(size_t how, int timeout_ms, int sa_flags, pid_t *pid)
{
	struct waiter *waiter = shared_memory(sizeof(*waiter));

	if (how == FIRST_SEND)
		limit_set("max_bytes", 0);
	waiter->wait = waits[how];
	waiter->id = fresh_id();
	waiter->timeout_ms = timeout_ms;
	waiter->sa_flags = sa_flags;
	*pid = child_start(wait_in_time, waiter);
	task_wait_blocked(*pid);
	return waiter;
}

static void assert_waited(const struct waiter *waiter)
{
	ASSERT_RESULT(waiter->result, -ETIMEDOUT);
	ck_assert_uint_ge(waiter->took, waiter->timeout_ms * MS);
}

static bool has_ended(pid_t pid)
{
	int status;
	pid_t ended = waitpid(pid, &status, WNOHANG);

	ASSERT_SYS(ended);
	ck_assert(!ended || (WIFEXITED(status) && !WEXITSTATUS(status)));
	return ended;
}

/* If an interruption began the time anew, there would be no end to these waits. */
START_TEST(p9_a_wait_that_signals_restart_ends_at_its_deadline)
{
	const struct timespec pause = { .tv_nsec = 2 * MS };
	struct waiter *waiter;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		waiter = waiter_block(i, 500, SA_RESTART, &pid);
		while (!has_ended(pid)) {
			ASSERT_SYS(kill(pid, SIGUSR1));
			nanosleep(&pause, NULL);
		}
		assert_waited(waiter);
	}
}
END_TEST

START_TEST(p9_a_wait_that_is_stopped_and_continued_ends_at_its_deadline)
{
	struct waiter *waiter;
	int status;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		waiter = waiter_block(i, 100, 0, &pid);
		for (;;) {
			ASSERT_SYS(kill(pid, SIGSTOP));
			ASSERT_SYS(waitpid(pid, &status, WUNTRACED));
			if (!WIFSTOPPED(status))
				break;
			ASSERT_SYS(kill(pid, SIGCONT));
		}
		ck_assert(WIFEXITED(status) && !WEXITSTATUS(status));
		assert_waited(waiter);
	}
}
END_TEST

START_TEST(p9_a_wait_ends_with_a_handler_without_sa_restart)
{
	struct waiter *waiter;
	pid_t pid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		waiter = waiter_block(i, 1000000, 0, &pid);
		ASSERT_SYS(kill(pid, SIGUSR1));
		ck_assert_int_eq(child_join(pid), 0);
		ASSERT_RESULT(waiter->result, -EINTR);
	}
}
END_TEST

static int receive_until(int id, uint64_t deadline_ns)
{
	struct kevents_receive receive = abi_receive(id, NULL, 0);

	receive.deadline_ns = deadline_ns;
	return abi_call(KEVENTS_IOC_RECEIVE, &receive);
}

static int send_until(int id, uint64_t deadline_ns)
{
	struct kevents_send send = abi_send(id, NULL, 0);

	send.deadline_ns = deadline_ns;
	return abi_call(KEVENTS_IOC_SEND, &send);
}

START_TEST(a_deadline_that_has_passed_leaves_one_try)
{
	const uint64_t deadlines[] = { 1, now_ns() - 1, now_ns() };
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		ASSERT_RESULT(receive_until(id, deadlines[i]), -ETIMEDOUT);
		ASSERT_OK(send_until(id, deadlines[i]));
		ASSERT_OK(receive_until(id, deadlines[i]));
		limit_set("max_bytes", 0);
		ASSERT_RESULT(send_until(id, deadlines[i]), -ETIMEDOUT);
		ASSERT_RESULT(send_until(id, 0), -EAGAIN);
		limits_restore();
	}
	assert_empty(id);
}
END_TEST

struct until {
	int id;
	uint64_t deadline_ns;
};

static int receive_in_child(void *arg)
{
	const struct until *until = arg;

	return -receive_until(until->id, until->deadline_ns);
}

START_TEST(a_deadline_beyond_all_time_is_none)
{
	static const uint64_t deadlines[] = {
		INT64_MAX - 1, INT64_MAX, UINT64_C(1) << 63, KEVENTS_NO_DEADLINE,
	};
	struct until until = { .id = fresh_id() };
	size_t i;
	pid_t pid;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++) {
		until.deadline_ns = deadlines[i];
		pid = child_start(receive_in_child, &until);
		task_wait_blocked(pid);
		ASSERT_OK(ke_send_event(&ke, until.id, NULL, 0));
		ck_assert_int_eq(child_join(pid), 0);
	}
}
END_TEST

/* Seconds by which the clock differs. */
static bool enter_other_time(int seconds)
{
	char text[64];
	int fd, len = snprintf(text, sizeof(text), "monotonic %d 0", seconds);

	if (unshare(CLONE_NEWTIME))
		return false;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	ck_assert_int_eq(write(fd, text, len), len);
	close(fd);
	return true;
}

/* One of the waits where the clock differs by so many seconds. */
struct shift {
	size_t how;
	int seconds;
};

static int wait_in_other_time(void *arg)
{
	const struct shift *shift = arg;
	struct waiter waiter = { .wait = waits[shift->how], .id = fresh_id(), .timeout_ms = 30 };

	wait_in_time(&waiter);
	assert_waited(&waiter);
	return 0;
}

static int enter_and_wait(void *arg)
{
	if (!enter_other_time(((struct shift *)arg)->seconds))
		return SKIPPED;
	child_run(wait_in_other_time, arg);
	return 0;
}

START_TEST(a_deadline_is_of_the_time_namespace_of_the_caller)
{
	static const int shifts[] = { 1000000, -1 };
	struct shift shift;
	int status;
	size_t i;

	for (shift.how = 0; shift.how < ARRAY_SIZE(waits); shift.how++) {
		if (shift.how == FIRST_SEND)
			limit_set("max_bytes", 0);
		for (i = 0; i < ARRAY_SIZE(shifts); i++) {
			shift.seconds = shifts[i];
			status = child_join(child_start(enter_and_wait, &shift));
			if (status == SKIPPED)
				SKIP(NO_TIME_NAMESPACES);
			ck_assert_int_eq(status, 0);
		}
	}
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_a_wait_that_signals_restart_ends_at_its_deadline,
      p9_a_wait_that_is_stopped_and_continued_ends_at_its_deadline,
      p9_a_wait_ends_with_a_handler_without_sa_restart,
      a_deadline_that_has_passed_leaves_one_try,
      a_deadline_beyond_all_time_is_none,
      a_deadline_is_of_the_time_namespace_of_the_caller)
