// SPDX-License-Identifier: GPL-2.0-only
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

struct user users[USERS];
unsigned int me;
enum setting setting;

/* Each round has new users, which are not charged for what earlier rounds left. */
void users_create(void)
{
	unsigned int i;

	if (setgroups(0, NULL))
		fail("setgroups: %s", strerror(errno));
	for (i = ROOT + 1; i < USERS; i++)
		users[i] = (struct user){
			.uid = 100000 + (unsigned int)getpid() * USERS + i, .gid = 100000,
		};
}

void user_become(unsigned int user)
{
	const uid_t uid = users[user].uid;
	const gid_t gid = users[user].gid;

	if (setresuid(-1, 0, 0) || setresgid(gid, gid, gid) || setresuid(uid, uid, 0))
		fail("user %u: %s", uid, strerror(errno));
	me = user;
}

/* The default depends on the machine's memory. */
static char normal_max_bytes[32];

static const struct {
	const char *name, *normal, *special;
} parameters[] = {
	[STRICT] = { "strict", "0", "1" },
	[FULL] = { "max_bytes", normal_max_bytes, "0" },
	[FEW_BYTES] = { "user_max_bytes", "33554432", "4000" },
};

static int open_parameter(const char *name, int flags)
{
	char path[100] = "/sys/module/kevents/parameters/";
	int fd = open(strcat(path, name), flags | O_CLOEXEC);

	if (fd < 0)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

static void set(const char *name, const char *value)
{
	int fd = open_parameter(name, O_WRONLY);

	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		fail("%s = %s: %s", name, value, strerror(errno));
	close(fd);
}

void settings_begin(void)
{
	int fd = open_parameter("max_bytes", O_RDONLY);

	if (read(fd, normal_max_bytes, sizeof(normal_max_bytes) - 1) <= 0)
		fail("max_bytes: %s", strerror(errno));
	close(fd);
}

void setting_make(enum setting new)
{
	if (setting != DEFAULT)
		set(parameters[setting].name, parameters[setting].normal);
	if (new != DEFAULT)
		set(parameters[new].name, parameters[new].special);
	setting = new;
}
