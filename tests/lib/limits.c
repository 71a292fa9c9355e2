// SPDX-License-Identifier: GPL-2.0-only
#include "limits.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"
#include "module.h"

#define LOCK "/tmp/kevents-limits"	/* held while a test changes limits */

static const char *const names[] = {
	"max_event_size", "max_bytes", "user_max_bytes", "strict",
};

static char values[ARRAY_SIZE(names)][32];
static pid_t saver, guardian;

static void save(size_t i)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/kevents/parameters/%s", names[i]);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%31s", values[i]), 1);
	fclose(file);
}

void limits_restore(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		parameter_set(names[i], values[i]);
}

/* Children run this at exit as well. */
static void restore_at_exit(void)
{
	if (getpid() != saver)
		return;
	kill(guardian, SIGKILL);
	waitpid(guardian, NULL, 0);
	limits_restore();
}

/*
 * A test that fails or is killed does not run restore_at_exit(). The guardian needs a
 * session of its own, because Check kills the process group of a test that has ended.
 */
static void guard(pid_t test, int ready)
{
	struct pollfd death = { .events = POLLIN };

	setsid();
	close(ke_fd(&ke));
	death.fd = (int)syscall(SYS_pidfd_open, test, 0);
	close(ready);
	if (death.fd >= 0 && getppid() == test)
		poll(&death, 1, -1);
	limits_restore();
	_exit(EXIT_SUCCESS);
}

static void start_guardian(void)
{
	pid_t test = getpid();
	int ready[2];
	char byte;

	ASSERT_SYS(pipe2(ready, O_CLOEXEC));
	guardian = fork();
	ASSERT_SYS(guardian);
	if (!guardian)
		guard(test, ready[1]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
}

static void begin(void)
{
	size_t i;
	int lock;

	lock = open(LOCK, O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
	ASSERT_SYS(lock);
	ASSERT_SYS(flock(lock, LOCK_EX));
	for (i = 0; i < ARRAY_SIZE(names); i++)
		save(i);
	start_guardian();
	saver = getpid();
	ck_assert_int_eq(atexit(restore_at_exit), 0);
}

void limit_set(const char *name, unsigned long value)
{
	char text[32];

	if (!saver)
		begin();
	snprintf(text, sizeof(text), "%lu", value);
	ASSERT_OK(parameter_set(name, text));
}

struct ke_limits limits_now(void)
{
	struct ke_limits limits;

	ASSERT_OK(ke_limits(&ke, &limits));
	return limits;
}

struct ke_limits limits_after_sending(int id)
{
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ASSERT_OK(ke_get_event(&ke, id, NULL, 0));
	return limits_now();
}

unsigned long event_bytes(size_t len)
{
	static const char payload[1 << 20];
	struct ke_stat stat;
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, payload, len));
	ASSERT_OK(ke_stat(&ke, id, &stat));
	ASSERT_RESULT(ke_purge(&ke, id), 1);
	return stat.bytes;
}

unsigned long watch_bytes(void)
{
	unsigned long before = limits_now().user_bytes, watched;
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	watched = limits_now().user_bytes;
	ASSERT_OK(ke_unwatch(&ke, id));
	return watched - before;
}

unsigned long claim_bytes(void)
{
	unsigned long before = limits_now().user_bytes, claimed;
	int id = fresh_id();

	ASSERT_OK(ke_claim(&ke, id, 0600));
	claimed = limits_now().user_bytes;
	ASSERT_OK(ke_unclaim(&ke, id));
	return claimed - before;
}

void limit_events(unsigned int count, size_t len)
{
	limit_set("user_max_bytes", count * event_bytes(len));
}

void limits_wait_for_nothing(void)
{
	WAIT_UNTIL(!limits_now().bytes);
}

/* Events of other users, or of root in other namespaces, may go away meanwhile. */
static bool is_back(const struct ke_limits *then)
{
	struct ke_limits now = limits_now();

	if (getuid() && now.user_bytes != then->user_bytes)
		return false;
	return now.broker_bytes == then->broker_bytes &&
	       now.broker_events == then->broker_events && now.bytes <= then->bytes &&
	       now.user_bytes <= then->user_bytes;
}

void limits_wait_back_to(const struct ke_limits *then)
{
	WAIT_UNTIL(is_back(then));
}
