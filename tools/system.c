// SPDX-License-Identifier: GPL-2.0-only
#include "system.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "say.h"

bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool got;

	if (!file)
		return false;
	got = fgets(line, (int)size, file);
	fclose(file);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

bool module_is_loaded(void)
{
	/* A built-in module has the directory too, but no initstate in it. */
	return !access("/sys/module/kevents", F_OK);
}

bool module_is_installed(void)
{
	char path[PATH_MAX], *line = NULL;
	struct utsname kernel;
	bool found = false;
	size_t capacity = 0;
	FILE *file;

	uname(&kernel);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", kernel.release);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && getline(&line, &capacity, file) >= 0) {
		const char *name = line;

		line[strcspn(line, ":")] = '\0';
		if (strrchr(line, '/'))
			name = strrchr(line, '/') + 1;
		found = !strncmp(name, "kevents.ko", strlen("kevents.ko"));
	}
	free(line);
	fclose(file);
	return found;
}

dev_t module_device(void)
{
	unsigned int major_number, minor_number;
	char line[64];

	if (!read_line("/sys/class/misc/kevents/dev", line, sizeof(line)) ||
	    sscanf(line, "%u:%u", &major_number, &minor_number) != 2)
		return 0;
	return makedev(major_number, minor_number);
}

int secure_boot(void)
{
	unsigned char value[5];	/* four bytes of attributes come first */
	ssize_t got = -1;
	glob_t found;

	if (!glob("/sys/firmware/efi/efivars/SecureBoot-*", 0, NULL, &found)) {
		int fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);

		if (fd >= 0) {
			got = read(fd, value, sizeof(value));
			close(fd);
		}
		globfree(&found);
	}
	if (got != sizeof(value))
		return -1;
	return value[4] == 1;
}

bool kernel_is_locked_down(void)
{
	char line[128];

	return read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       !strstr(line, "[none]");
}

bool modules_are_disabled(void)
{
	char line[16];

	return read_line("/proc/sys/kernel/modules_disabled", line, sizeof(line)) &&
	       !strcmp(line, "1");
}

bool process_is_in_group(gid_t gid)
{
	int count = getgroups(0, NULL);
	bool found = getegid() == gid;
	gid_t *groups;

	if (count <= 0)
		return found;
	groups = xzalloc((size_t)count * sizeof(*groups));
	count = getgroups(count, groups);
	for (int i = 0; i < count; i++)
		found = found || groups[i] == gid;
	free(groups);
	return found;
}

bool user_is_in_group(gid_t gid)
{
	const struct passwd *user = getpwuid(getuid());
	const struct group *group = getgrgid(gid);

	if (!user || !group)
		return false;
	for (char **name = group->gr_mem; *name; name++)
		if (!strcmp(*name, user->pw_name))
			return true;
	return user->pw_gid == gid;
}

bool is_container(void)
{
	return !access("/.dockerenv", F_OK) || !access("/run/.containerenv", F_OK) ||
	       !access("/run/systemd/container", F_OK);
}

/* dkms prints "kevents/1.0, KERNEL, ARCH: installed" or, before 3.0, "kevents, 1.0, ...". */
bool dkms_status(char *line, size_t size)
{
	struct utsname kernel;
	char *text = NULL;
	bool matches = false;
	size_t capacity = 0;
	/* Debian leaves sbin out of the PATH of ordinary users. */
	FILE *pipe = popen("PATH=$PATH:/usr/sbin:/sbin; command -v dkms >/dev/null && "
			   "{ dkms status kevents || :; } 2>/dev/null", "re");

	if (!pipe)
		return false;
	*line = '\0';
	uname(&kernel);
	while (getline(&text, &capacity, pipe) >= 0) {
		if (matches || (*line && !strstr(text, kernel.release)))
			continue;
		matches = strstr(text, kernel.release);
		snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
	}
	free(text);
	return !pclose(pipe);
}
