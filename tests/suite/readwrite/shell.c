// SPDX-License-Identifier: GPL-2.0-only
/* The device in a shell: dd reads and writes it through an inherited file. */
#include <fcntl.h>
#include <stdio.h>

#include "lib/harness.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/watch.h"

/* The client is file 9 of the shell command. */
static int execute(void *arg)
{
	if (dup2(ke_fd(&ke), 9) < 0)
		return 1;
	execl("/bin/sh", "sh", "-c", arg, NULL);
	return 127;
}

static void shell(const char *command)
{
	child_run(execute, (void *)(uintptr_t)command);
}

static void save(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ASSERT_SYS(fd);
	ck_assert_int_eq(write(fd, data, size), size);
	close(fd);
}

static ssize_t load(const char *path, void *data, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	ASSERT_SYS(fd);
	len = read(fd, data, size);
	close(fd);
	unlink(path);
	return len;
}

START_TEST(dd_writes_records)
{
	struct number_record records[20];
	int id = fresh_id(), i;

	for (i = 0; i < 20; i++)
		records[i] = number_record(id, i);
	save("/tmp/records", records, sizeof(records));
	shell("dd if=/tmp/records of=/dev/kevents bs=64k 2>/dev/null");
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(receive_number(id), i);
	shell("dd of=/dev/kevents bs=24 </tmp/records 2>/dev/null");
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(receive_number(id), i);
	unlink("/tmp/records");
}
END_TEST

START_TEST(dd_reads_records_of_what_was_watched_before)
{
	struct number_record records[20];
	int id = fresh_id(), i;

	ASSERT_OK(ke_watch(&ke, id));
	for (i = 0; i < 12; i++)
		send_number(id, i);
	shell("dd bs=72 count=3 <&9 >/tmp/read 2>/dev/null");
	ck_assert_int_eq(load("/tmp/read", records, sizeof(records)), 9 * sizeof(*records));
	for (i = 0; i < 9; i++)
		assert_number_record(&records[i], id, i);
	shell("dd bs=4k count=1 <&9 >/tmp/read 2>/dev/null");
	ck_assert_int_eq(load("/tmp/read", records, sizeof(records)), 3 * sizeof(*records));
	for (i = 0; i < 3; i++)
		assert_number_record(&records[i], id, 9 + i);
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(a_shell_pipes_from_id_to_id)
{
	struct number_record records[2];
	int id = fresh_id();

	ASSERT_OK(ke_watch(&ke, id));
	send_number(id, 8);
	/* The number of the record that was read becomes 0. */
	shell("dd bs=4k count=1 <&9 2>/dev/null | "
	      "{ dd bs=8 count=1; dd bs=8 count=1 >/dev/null; "
	      "dd if=/dev/zero bs=8 count=1; dd bs=8; } 2>/dev/null >/tmp/record; "
	      "dd if=/tmp/record bs=24 >&9 2>/dev/null");
	unlink("/tmp/record");
	ck_assert_int_eq(read(ke_fd(&ke), records, sizeof(records)), sizeof(*records));
	assert_number_record(&records[0], id, 8);
}
END_TEST

TESTS(60, WITH_CLIENT,
      dd_writes_records,
      dd_reads_records_of_what_was_watched_before,
      a_shell_pipes_from_id_to_id)
