// SPDX-License-Identifier: GPL-2.0-only
/* P11: who sent it and when, as the receiver may see it. */
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "lib/harness.h"
#include "lib/task.h"

#define OVERFLOW_ID 65534

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static struct ke_event receive_event(int id)
{
	struct ke_event ev = { .size = 0 };

	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	return ev;
}

static void send_event(int id)
{
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
}

static void assert_sender(const struct ke_event *ev, pid_t pid, uid_t uid, gid_t gid)
{
	ck_assert_int_eq(ev->pid, pid);
	ck_assert_uint_eq(ev->uid, uid);
	ck_assert_uint_eq(ev->gid, gid);
}

START_TEST(p11_an_event_names_its_sender)
{
	int id = fresh_id();
	struct ke_event ev;

	send_event(id);
	ev = receive_event(id);
	assert_sender(&ev, getpid(), getuid(), getgid());
}
END_TEST

static int send_from_child(void *arg)
{
	send_event(*(int *)arg);
	return 0;
}

START_TEST(p11_a_child_that_shares_the_client_is_named_itself)
{
	int id = fresh_id();
	struct ke_event ev;
	pid_t pid;

	pid = child_start(send_from_child, &id);
	ck_assert_int_eq(child_join(pid), 0);
	ev = receive_event(id);
	assert_sender(&ev, pid, 0, 0);
}
END_TEST

static void *send_from_thread(void *arg)
{
	send_event(*(int *)arg);
	return NULL;
}

START_TEST(p11_a_thread_is_named_as_its_process)
{
	int id = fresh_id();
	struct ke_event ev;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, send_from_thread, &id), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ev = receive_event(id);
	assert_sender(&ev, getpid(), 0, 0);
}
END_TEST

START_TEST(what_the_sender_writes_about_itself_is_not_heeded)
{
	int id = fresh_id();
	struct ke_event ev = {
		.id = id, .flags = ~0U, .size = 99, .seq = 1, .sent_ns = 2, .deliveries = 3,
		.pid = 4, .uid = 5, .gid = 6,
	};

	ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	ev = receive_event(id);
	assert_sender(&ev, getpid(), 0, 0);
	ck_assert_uint_eq(ev.flags, 0);
	ck_assert_uint_eq(ev.deliveries, 1);
	ck_assert_uint_gt(ev.sent_ns, 2);
}
END_TEST

static int send_with_ids(void *arg)
{
	ASSERT_SYS(setgroups(0, NULL));
	ASSERT_SYS(setresgid(1001, 1002, 1003));
	ASSERT_SYS(setresuid(2001, 2002, 2003));
	send_event(*(int *)arg);
	return 0;
}

START_TEST(p11_the_real_ids_are_told)
{
	int id = fresh_id();
	struct ke_event ev;
	pid_t pid;

	pid = child_start(send_with_ids, &id);
	ck_assert_int_eq(child_join(pid), 0);
	ev = receive_event(id);
	assert_sender(&ev, pid, 2001, 1001);
}
END_TEST

static int change_after_sending(void *arg)
{
	send_event(*(int *)arg);
	ASSERT_SYS(setresgid(1001, 1001, 1001));
	ASSERT_SYS(setresuid(2001, 2001, 2001));
	return 0;
}

START_TEST(p11_the_ids_are_those_of_the_time_of_sending)
{
	int id = fresh_id();
	struct ke_event ev;
	pid_t pid;

	pid = child_start(change_after_sending, &id);
	ck_assert_int_eq(child_join(pid), 0);
	ev = receive_event(id);
	assert_sender(&ev, pid, 0, 0);
}
END_TEST

/* In a new pid namespace: receives what root left, answers. */
static int be_process_one(void *arg)
{
	int id = *(int *)arg;
	struct ke_event ev;

	ck_assert_int_eq(getpid(), 1);
	ev = receive_event(id);
	assert_sender(&ev, 0, 0, 0);
	send_event(id);
	ev = receive_event(id);
	assert_sender(&ev, 1, 0, 0);
	send_event(id);
	return 0;
}

START_TEST(p11_a_process_that_changes_its_group_is_told_apart)
{
	int id = fresh_id(), i;
	struct ke_event ev;

	for (i = 0; i < 4; i++) {
		ASSERT_SYS(setregid(i % 2 ? 1234 : 0, -1));
		send_event(id);
	}
	ASSERT_SYS(setregid(0, -1));
	for (i = 0; i < 4; i++) {
		ev = receive_event(id);
		assert_sender(&ev, getpid(), 0, i % 2 ? 1234 : 0);
	}
}
END_TEST

START_TEST(p11_pids_are_translated_or_0)
{
	int id = fresh_id();
	struct ke_event ev;
	pid_t pid;

	send_event(id);
	ASSERT_SYS(unshare(CLONE_NEWPID));
	pid = child_start(be_process_one, &id);
	ck_assert_int_eq(child_join(pid), 0);
	ev = receive_event(id);
	assert_sender(&ev, pid, 0, 0);
}
END_TEST

static int receive_unmapped(void *arg)
{
	int id = *(int *)arg;
	struct ke_event ev;

	ASSERT_SYS(unshare(CLONE_NEWUSER));
	ev = receive_event(id);
	assert_sender(&ev, getppid(), OVERFLOW_ID, OVERFLOW_ID);
	send_event(id);
	return 0;
}

START_TEST(p11_ids_without_a_translation_are_the_overflow_ids)
{
	int id = fresh_id();
	struct ke_event ev;
	pid_t pid;

	send_event(id);
	pid = child_start(receive_unmapped, &id);
	ck_assert_int_eq(child_join(pid), 0);
	ev = receive_event(id);
	assert_sender(&ev, pid, 0, 0);
}
END_TEST

static void write_map(const char *path, const char *map)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ASSERT_SYS(fd);
	ASSERT_SYS(write(fd, map, strlen(map)));
	close(fd);
}

/* In a user namespace that knows 2001 and 1001 alone, as 7 and 8. */
static int receive_mapped(void *arg)
{
	const int *ids = arg;
	struct ke_event ev;

	ASSERT_SYS(setresgid(1001, 1001, 1001));
	ASSERT_SYS(setresuid(2001, 2001, 2001));
	ASSERT_SYS(prctl(PR_SET_DUMPABLE, 1));	/* else /proc/self is root's */
	ASSERT_SYS(unshare(CLONE_NEWUSER));
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/uid_map", "7 2001 1");
	write_map("/proc/self/gid_map", "8 1001 1");
	ev = receive_event(ids[0]);
	ck_assert_uint_eq(ev.uid, 7);
	ck_assert_uint_eq(ev.gid, 8);
	ev = receive_event(ids[1]);
	assert_sender(&ev, getppid(), OVERFLOW_ID, OVERFLOW_ID);
	send_event(ids[0]);
	return 0;
}

START_TEST(p11_ids_are_translated)
{
	int ids[2] = { fresh_id(), fresh_id() };
	struct ke_event ev;
	pid_t pid;

	child_run(send_with_ids, &ids[0]);
	send_event(ids[1]);
	pid = child_start(receive_mapped, ids);
	ck_assert_int_eq(child_join(pid), 0);
	ev = receive_event(ids[0]);
	assert_sender(&ev, pid, 2001, 1001);
}
END_TEST

START_TEST(an_event_says_when_it_was_sent)
{
	uint64_t before, after;
	int id = fresh_id();
	struct ke_event ev;

	before = now_ns();
	send_event(id);
	after = now_ns();
	ev = receive_event(id);
	ck_assert_uint_ge(ev.sent_ns, before);
	ck_assert_uint_le(ev.sent_ns, after);
}
END_TEST

START_TEST(later_events_were_sent_later)
{
	int id = fresh_id(), i;
	uint64_t last = 0;

	for (i = 0; i < 100; i++)
		send_event(id);
	for (i = 0; i < 100; i++) {
		struct ke_event ev = receive_event(id);

		ck_assert_uint_ge(ev.sent_ns, last);
		last = ev.sent_ns;
	}
}
END_TEST

#define CLOCK_SHIFT 1000000	/* seconds */

struct times {
	int id;
	uint64_t before, after;
};

static int receive_in_other_time(void *arg)
{
	struct times *times = arg;
	const uint64_t shift = CLOCK_SHIFT * UINT64_C(1000000000);
	struct ke_event ev;
	uint64_t before, after;

	ev = receive_event(times->id);
	ck_assert_uint_ge(ev.sent_ns, times->before + shift);
	ck_assert_uint_le(ev.sent_ns, times->after + shift);
	before = now_ns();
	send_event(times->id);
	after = now_ns();
	ev = receive_event(times->id);
	ck_assert_uint_ge(ev.sent_ns, before);
	ck_assert_uint_le(ev.sent_ns, after);
	return 0;
}

START_TEST(the_time_is_that_of_the_receivers_time_namespace)
{
	struct times times = { .id = fresh_id() };
	char offset[64];

	if (unshare(CLONE_NEWTIME))
		SKIP("this kernel has no time namespaces");
	snprintf(offset, sizeof(offset), "monotonic %d 0", CLOCK_SHIFT);
	write_map("/proc/self/timens_offsets", offset);
	times.before = now_ns();
	send_event(times.id);
	times.after = now_ns();
	child_run(receive_in_other_time, &times);
}
END_TEST

TESTS(20, WITH_CLIENT,
      p11_an_event_names_its_sender,
      p11_a_child_that_shares_the_client_is_named_itself,
      p11_a_thread_is_named_as_its_process,
      what_the_sender_writes_about_itself_is_not_heeded,
      p11_the_real_ids_are_told,
      p11_the_ids_are_those_of_the_time_of_sending,
      p11_pids_are_translated_or_0,
      p11_ids_without_a_translation_are_the_overflow_ids,
      p11_ids_are_translated,
      an_event_says_when_it_was_sent,
      later_events_were_sent_later,
      the_time_is_that_of_the_receivers_time_namespace,
      p11_a_process_that_changes_its_group_is_told_apart)
