// SPDX-License-Identifier: GPL-2.0-only
#include "user.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "harness.h"

uid_t fresh_user(void)
{
	static uid_t count;

	ck_assert_uint_lt(count, 32);
	return 100000 + (uid_t)getpid() * 32 + count++;
}

static void change(uid_t uid, gid_t gid, const gid_t *other)
{
	gid_t groups[2];
	struct stat device;

	ASSERT_SYS(stat("/dev/kevents", &device));
	groups[0] = device.st_gid;
	if (other)
		groups[1] = *other;
	ASSERT_SYS(setgroups(other ? 2 : 1, groups));
	ASSERT_SYS(setresgid(gid, gid, gid));
	ASSERT_SYS(setresuid(uid, uid, uid));
	ASSERT_SYS(prctl(PR_SET_DUMPABLE, 1));	/* else /proc/self is root's */
}

void user_change(uid_t uid, gid_t gid)
{
	change(uid, gid, NULL);
}

void user_become(uid_t uid, gid_t gid)
{
	change(uid, gid, NULL);
	user_reopen();
}

void user_become_member(uid_t uid, gid_t gid, gid_t other)
{
	change(uid, gid, &other);
	user_reopen();
}

void user_reopen(void)
{
	ASSERT_OK(ke_close(&ke));
	ASSERT_OK(ke_init(&ke));
}

void user_open(kevents_ctx *client, uid_t uid)
{
	ASSERT_SYS(setgroups(0, NULL));
	ASSERT_SYS(setresgid(uid, uid, 0));
	ASSERT_SYS(setresuid(uid, uid, 0));
	setfsuid(0);	/* for permission to open the device */
	ASSERT_OK(ke_init(client));
	ASSERT_SYS(setresuid(0, 0, 0));
	ASSERT_SYS(setresgid(0, 0, 0));
}

void user_drop(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	ASSERT_SYS(syscall(SYS_capget, &header, data));
	data[CAP_TO_INDEX(capability)].effective &= ~CAP_TO_MASK(capability);
	data[CAP_TO_INDEX(capability)].permitted &= ~CAP_TO_MASK(capability);
	ASSERT_SYS(syscall(SYS_capset, &header, data));
}

void user_enter_own_netns(void)
{
	ASSERT_SYS(unshare(CLONE_NEWNET));
	user_reopen();
}

static void write_map(const char *path, const char *map)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ASSERT_SYS(fd);
	ASSERT_SYS(write(fd, map, strlen(map)));
	close(fd);
}

void user_enter_own_user_namespace(void)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", getuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", getgid());
	ASSERT_SYS(unshare(CLONE_NEWUSER));
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/uid_map", uid_map);
	write_map("/proc/self/gid_map", gid_map);
}

void user_enter_own_namespaces(void)
{
	user_enter_own_user_namespace();
	user_enter_own_netns();
}
