// SPDX-License-Identifier: GPL-2.0-only
#include "workers.h"

#include "harness.h"
#include "limits.h"
#include "task.h"
#include "user.h"

void workers_init(struct workers *workers)
{
	workers->uid = fresh_user();
	workers->id = fresh_id();
}

struct workers *workers_new(void)
{
	struct workers *workers = shared_memory(sizeof(*workers));

	workers_init(workers);
	return workers;
}

void workers_enter(const struct workers *workers)
{
	user_become(workers->uid, workers->uid);
}

void workers_say_ready(struct workers *workers)
{
	workers_count(&workers->ready);
}

void workers_wait_ready(const struct workers *workers, unsigned int count)
{
	WAIT_UNTIL(workers_counted(&workers->ready) >= count);
}

void workers_count(unsigned int *number)
{
	__atomic_fetch_add(number, 1, __ATOMIC_RELEASE);
}

unsigned int workers_counted(const unsigned int *number)
{
	return __atomic_load_n(number, __ATOMIC_ACQUIRE);
}

void stay(void)
{
	for (;;)
		pause();
}

void start_all(pid_t *pids, int count, int (*work)(void *arg), void *arg)
{
	for (int i = 0; i < count; i++)
		pids[i] = child_start(work, arg);
}

void kill_and_join(pid_t pid)
{
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
}

void kill_and_join_all(const pid_t *pids, int count)
{
	for (int i = 0; i < count; i++)
		kill_and_join(pids[i]);
}

int quiet_id(struct ke_limits *before)
{
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	*before = limits_after_sending(id);
	return id;
}

void assert_traffic(int id)
{
	unsigned int i, count = event_count(1000) / 4;

	for (i = 0; i < count; i++)
		send_number(id, i);
	for (i = 0; i < count; i++)
		ck_assert_uint_eq(receive_number(id), i);
	assert_empty(id);
}
