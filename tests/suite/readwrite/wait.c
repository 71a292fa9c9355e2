// SPDX-License-Identifier: GPL-2.0-only
/* read() and write() that wait, for an event or for room. */
#include <fcntl.h>
#include <stdio.h>

#include "lib/call.h"
#include "lib/harness.h"
#include "lib/module.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/watch.h"

#define RECORD sizeof(struct number_record)

static void set_nonblocking(void)
{
	ASSERT_SYS(fcntl(device(), F_SETFL, O_NONBLOCK));
}

START_TEST(without_blocking_there_is_eagain)
{
	struct number_record record;
	int id = watched_id();

	set_nonblocking();
	ASSERT_ERROR(read(device(), &record, RECORD), EAGAIN);
	record = number_record(id, 5);
	ASSERT_COUNT(write(device(), &record, RECORD), RECORD);
	ASSERT_COUNT(read(device(), &record, RECORD), RECORD);
	assert_number_record(&record, id, 5);
	ASSERT_ERROR(read(device(), &record, RECORD), EAGAIN);
}
END_TEST

START_TEST(p9_a_read_waits_for_the_first_record_only)
{
	struct number_record records[4];
	struct call reader = call_read(device(), records, sizeof(records));
	int id = watched_id(), i;

	for (i = 0; i < 3; i++) {
		call_block(&reader);
		send_number(id, i);
		ASSERT_COUNT(call_join(&reader), RECORD);
		assert_number_record(&records[0], id, i);
		reader = call_read(device(), records, sizeof(records));
	}
}
END_TEST

START_TEST(p9_a_read_with_nothing_watched_waits)
{
	struct number_record record;
	struct call reader = call_read(device(), &record, RECORD);
	int id = fresh_id();

	send_number(id, 1);
	call_block(&reader);
	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_COUNT(call_join(&reader), RECORD);
	assert_number_record(&record, id, 1);
}
END_TEST

START_TEST(p3_a_signal_ends_a_read_that_waits)
{
	struct number_record record;
	struct call reader = call_read(device(), &record, RECORD);
	int id = watched_id();

	signal_handle(SIGUSR1, 0);
	call_block(&reader);
	signal_thread(reader.tid, SIGUSR1);
	ck_assert_int_eq(call_join(&reader), -EINTR);
	send_number(id, 1);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

/* Root has no limit but max_bytes. */
static char *leave_little_room(void)
{
	struct ke_limits limits;
	char *few, *usual;

	ck_assert_int_ge(asprintf(&usual, "%ld", parameter_get("max_bytes")), 0);
	ASSERT_OK(ke_limits(&ke, &limits));
	ck_assert_int_ge(asprintf(&few, "%llu", (unsigned long long)limits.bytes + 2000), 0);
	ASSERT_OK(parameter_set("max_bytes", few));
	free(few);
	return usual;
}

START_TEST(p5_a_write_waits_for_room_for_each_record)
{
	struct number_record records[50];
	struct call writer = call_write(device(), records, sizeof(records));
	int id = watched_id(), i;
	char *usual;

	for (i = 0; i < 50; i++)
		records[i] = number_record(id, i);
	usual = leave_little_room();
	call_block(&writer);
	for (i = 0; i < 50; i++) {
		WAIT_UNTIL(ke_poll_event(&ke, id) == 1);
		ck_assert_uint_eq(receive_watched(&ke), i);
	}
	ASSERT_COUNT(call_join(&writer), sizeof(records));

	set_nonblocking();
	i = (int)(write(device(), records, sizeof(records)) / (ssize_t)RECORD);
	ck_assert_int_gt(i, 0);
	ck_assert_int_lt(i, 50);
	ASSERT_ERROR(write(device(), records, sizeof(records)), EAGAIN);
	ck_assert_uint_eq(drain(id), i);

	/* A signal while it waits: what has gone is told. */
	ASSERT_SYS(fcntl(device(), F_SETFL, 0));
	signal_handle(SIGUSR1, 0);
	writer = call_write(device(), records, sizeof(records));
	call_block(&writer);
	signal_thread(writer.tid, SIGUSR1);
	ASSERT_COUNT(call_join(&writer), i * RECORD);
	ck_assert_uint_eq(drain(id), i);
	ASSERT_OK(parameter_set("max_bytes", usual));
	free(usual);
}
END_TEST

static int send_for_ever(void *arg)
{
	struct ke_event ev = { .id = *(int *)arg };

	return ke_send(&ke, &ev, 0, -1);
}

/* Room for the event, but not for the queue that it needs: no reason to spin. */
START_TEST(p9_who_waits_for_room_for_a_queue_sleeps)
{
	int id = fresh_id();
	char *usual = leave_little_room(), *few;
	struct ke_limits limits;
	bool sleeps = true;
	uint64_t end;
	int more;
	pid_t pid;

	ASSERT_OK(ke_limits(&ke, &limits));
	for (more = 0; more < 700 && sleeps; more += 100) {
		ck_assert_int_ge(asprintf(&few, "%llu",
					  (unsigned long long)limits.bytes + more), 0);
		ASSERT_OK(parameter_set("max_bytes", few));
		free(few);
		pid = child_start(send_for_ever, &id);
		for (end = now_ns() + 2000000000, sleeps = false; !sleeps && now_ns() < end;) {
			sleeps = task_is_blocked(pid) || ke_poll_event(&ke, id) == 1;
			sched_yield();
		}
		ASSERT_SYS(kill(pid, SIGKILL));
		if (!sleeps)
			ASSERT_OK(parameter_set("max_bytes", usual));
		child_join(pid);
		drain(id);
	}
	ASSERT_OK(parameter_set("max_bytes", usual));
	free(usual);
	ck_assert_msg(sleeps, "it spins with room for %d bytes", more - 100);
}
END_TEST

TESTS(60, WITH_CLIENT,
      without_blocking_there_is_eagain,
      p9_a_read_waits_for_the_first_record_only,
      p9_a_read_with_nothing_watched_waits,
      p3_a_signal_ends_a_read_that_waits,
      p5_a_write_waits_for_room_for_each_record,
      p9_who_waits_for_room_for_a_queue_sleeps)
