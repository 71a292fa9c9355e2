// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/kevents-test"

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0 && write(fd, text, strlen(text)) > 0, "%s of %s: %s", text, path,
		      strerror(errno));
	close(fd);
}

static bool kernel_has(const char *controller)
{
	FILE *file = fopen(ROOT "/cgroup.controllers", "re");
	char name[64];
	bool found = false;

	ck_assert_ptr_nonnull(file);
	while (!found && fscanf(file, "%63s", name) == 1)
		found = !strcmp(name, controller);
	fclose(file);
	return found;
}

bool cgroup_make(unsigned long bytes_max)
{
	char max[32] = "max";

	if (!kernel_has("memory"))
		return false;
	if (bytes_max)
		snprintf(max, sizeof(max), "%lu", bytes_max);
	write_to(ROOT "/cgroup.subtree_control", "+memory");
	ck_assert_msg(!mkdir(GROUP, 0755) || errno == EEXIST, GROUP ": %s", strerror(errno));
	write_to(GROUP "/memory.max", max);
	return true;
}

void cgroup_enter(void)
{
	write_to(GROUP "/cgroup.procs", "0");
}

long long cgroup_charged(void)
{
	FILE *file = fopen(GROUP "/memory.current", "re");
	long long bytes;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lld", &bytes), 1);
	fclose(file);
	return bytes;
}

long cgroup_kills(void)
{
	FILE *file = fopen(GROUP "/memory.events", "re");
	long number, kills = -1;
	char name[64];

	ck_assert_ptr_nonnull(file);
	while (kills < 0 && fscanf(file, "%63s %ld", name, &number) == 2)
		if (!strcmp(name, "oom_kill"))
			kills = number;
	fclose(file);
	ck_assert_int_ge(kills, 0);
	return kills;
}

void cgroup_remove(void)
{
	WAIT_UNTIL(rmdir(GROUP) == 0);
}
