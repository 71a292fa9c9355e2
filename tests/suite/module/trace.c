// SPDX-License-Identifier: GPL-2.0-only
/* What can be seen from outside: tracepoints and /proc/PID/fdinfo. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"

#define TRACEFS "/sys/kernel/tracing"
#define INSTANCE TRACEFS "/instances/kevents-test"
#define RECORD_CMD TRACEFS "/options/record-cmd"
#define NO_TRACEFS "this kernel has no tracefs"

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

/* Reads a whole file; what it returns is good until the next call. */
static const char *read_file(const char *path)
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	ASSERT_SYS((int)got);
	close(fd);
	text[len] = '\0';
	return text;
}

/*
 * Turns all tracepoints of the module on, in an instance of its own, which takes
 * over the options there are. With record-cmd the kernel would have to rewrite
 * its scheduler while that runs, and QEMU before 8.1 may execute the breakpoint
 * it puts there for a moment after that has gone, which the kernel dies of.
 */
static bool trace_begin(void)
{
	rmdir(INSTANCE);
	write_to(RECORD_CMD, "0");
	if (mkdir(INSTANCE, 0700))
		return false;
	ck_assert(write_to(INSTANCE "/events/kevents/enable", "1"));
	return true;
}

static void trace_end(void)
{
	ck_assert(write_to(INSTANCE "/events/kevents/enable", "0"));
	ASSERT_SYS(rmdir(INSTANCE));
	ck_assert(write_to(RECORD_CMD, "1"));
}

/* How many times this event was traced with exactly these words. */
static int traced(const char *event, const char *words)
{
	const char *text = read_file(INSTANCE "/trace");
	char line[256];
	int count = 0;
	size_t len;

	snprintf(line, sizeof(line), ": %s: %s", event, words);
	len = strlen(line);
	while ((text = strstr(text, line))) {
		text += len;
		count += *text == '\n';
	}
	return count;
}

static void assert_traced(const char *event, int id, uint64_t seq, size_t len,
			  unsigned int deliveries)
{
	char words[200];

	snprintf(words, sizeof(words), "id=%d seq=%llu len=%zu deliveries=%u sender=%d uid=%u",
		 id, (unsigned long long)seq, len, deliveries, getpid(), getuid());
	ck_assert_msg(traced(event, words) == 1, "not traced once: %s %s in %s", event, words,
		      read_file(INSTANCE "/trace"));
}

START_TEST(a_send_and_a_receive_are_traced)
{
	int id = fresh_id();
	uint64_t seq;

	if (!trace_begin())
		SKIP(NO_TRACEFS);
	seq = send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	assert_traced("kevents_send", id, seq, 8, 0);
	assert_traced("kevents_receive", id, seq, 8, 1);
	trace_end();
}
END_TEST

START_TEST(a_lease_and_what_ends_it_are_traced)
{
	int id = fresh_id();
	uint64_t seq;

	if (!trace_begin())
		SKIP(NO_TRACEFS);
	seq = send_number(id, 1);
	lease_number(&ke, id, 1, 0);
	assert_traced("kevents_lease", id, seq, 8, 1);
	ASSERT_OK(ke_nack(&ke, seq));
	assert_traced("kevents_return", id, seq, 8, 1);
	lease_number(&ke, id, 1, 0);
	assert_traced("kevents_lease", id, seq, 8, 2);
	ASSERT_OK(ke_ack(&ke, seq));
	assert_traced("kevents_ack", id, seq, 8, 2);
	trace_end();
}
END_TEST

START_TEST(an_expiry_is_traced)
{
	int id = fresh_id();
	uint64_t seq;

	if (!trace_begin())
		SKIP(NO_TRACEFS);
	seq = send_number_for(id, 1, 1);
	WAIT_UNTIL(stat_of(id).expired == 1);
	assert_traced("kevents_expire", id, seq, 8, 0);
	trace_end();
}
END_TEST

START_TEST(a_refusal_is_traced)
{
	int id = fresh_id();
	char words[100];

	if (!trace_begin())
		SKIP(NO_TRACEFS);
	limit_set("max_bytes", 0);
	ASSERT_RESULT(ke_send_event(&ke, id, &id, sizeof(id)), -EAGAIN);
	snprintf(words, sizeof(words), "id=%d len=%zu error=%d", id, sizeof(id), -EAGAIN);
	ck_assert_int_eq(traced("kevents_refuse", words), 1);
	trace_end();
}
END_TEST

static const char *read_fdinfo(const kevents_ctx *client)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ke_fd(client));
	return read_file(path);
}

static bool has_line(const char *text, const char *name, long long value)
{
	char line[64];

	snprintf(line, sizeof(line), "\n%s:\t%lld\n", name, value);
	return strstr(text, line);
}

static int count_lines(const char *text, const char *name)
{
	int count = 0;

	while ((text = strstr(text, name))) {
		text++;
		count++;
	}
	return count;
}

START_TEST(fdinfo_shows_watches_and_leases)
{
	static const int watched[] = { 7, -7, INT_MAX, INT_MIN, 0 };
	int id = fresh_id();
	const char *text;
	uint64_t seq;
	size_t i;

	text = read_fdinfo(&ke);
	ck_assert(has_line(text, "kevents-leases", 0));
	ck_assert_int_eq(count_lines(text, "kevents-watch:"), 0);
	for (i = 0; i < ARRAY_SIZE(watched); i++)
		ASSERT_OK(ke_watch(&ke, watched[i]));
	send_number(id, 1);
	send_number(id, 2);
	seq = lease_number(&ke, id, 1, 0);
	lease_number(&ke, id, 2, 1000000);
	text = read_fdinfo(&ke);
	ck_assert(has_line(text, "kevents-leases", 2));
	ck_assert_int_eq(count_lines(text, "kevents-watch:"), ARRAY_SIZE(watched));
	for (i = 0; i < ARRAY_SIZE(watched); i++)
		ck_assert(has_line(text, "kevents-watch", watched[i]));
	ASSERT_OK(ke_ack(&ke, seq));
	ASSERT_OK(ke_unwatch(&ke, 7));
	text = read_fdinfo(&ke);
	ck_assert(has_line(text, "kevents-leases", 1));
	ck_assert(!has_line(text, "kevents-watch", 7));
	ASSERT_OK(ke_ack(&ke, seq + 1));
}
END_TEST

static long long namespace_inode(void)
{
	struct stat stat_;

	ASSERT_SYS(stat("/proc/self/ns/net", &stat_));
	return stat_.st_ino;
}

START_TEST(p10_fdinfo_shows_the_namespace_of_the_client)
{
	long long first = namespace_inode();
	kevents_ctx other;

	ck_assert(has_line(read_fdinfo(&ke), "kevents-net-ns", first));
	ASSERT_SYS(unshare(CLONE_NEWNET));
	ck_assert_int_ne(namespace_inode(), first);
	ck_assert(has_line(read_fdinfo(&ke), "kevents-net-ns", first));
	ASSERT_OK(ke_init(&other));
	ck_assert(has_line(read_fdinfo(&other), "kevents-net-ns", namespace_inode()));
	ASSERT_OK(ke_close(&other));
}
END_TEST

TESTS(30, WITH_CLIENT,
      a_send_and_a_receive_are_traced,
      a_lease_and_what_ends_it_are_traced,
      an_expiry_is_traced,
      a_refusal_is_traced,
      fdinfo_shows_watches_and_leases,
      p10_fdinfo_shows_the_namespace_of_the_client)
