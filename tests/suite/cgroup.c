// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/kevents-test"

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

bool cgroup_make(unsigned long bytes_max)
{
	char max[32] = "max";

	if (bytes_max)
		snprintf(max, sizeof(max), "%lu", bytes_max);
	return write_to(ROOT "/cgroup.subtree_control", "+memory") &&
	       (!mkdir(GROUP, 0755) || errno == EEXIST) &&
	       write_to(GROUP "/memory.max", max);
}

void cgroup_enter(void)
{
	ck_assert(write_to(GROUP "/cgroup.procs", "0"));
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

void cgroup_remove(void)
{
	WAIT_UNTIL(rmdir(GROUP) == 0);
}
