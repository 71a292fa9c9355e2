// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "harness.h"

#define DEVICE "/dev/kevents"

static struct stat device;

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	err = len < 0 ? -errno : 0;
	close(fd);
	return err;
}

typedef void (*cache_visit)(const char *name, long active, long *sum);

/* Calls each for the slab caches whose names start with prefix. Returns how many. */
static int visit_caches(const char *prefix, cache_visit each, long *sum)
{
	char line[512], name[64];
	int found = 0;
	long active;
	FILE *file = fopen("/proc/slabinfo", "re");

	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %ld", name, &active) != 2 ||
		    strncmp(name, prefix, strlen(prefix)))
			continue;
		each(name, active, sum);
		found++;
	}
	fclose(file);
	return found;
}

/* Objects on the free lists of the CPUs count as in use, so these are flushed first. */
static void give_up(const char *name, long active, long *sum)
{
	char path[128];

	(void)active;
	(void)sum;
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
	ASSERT_RESULT(write_file(path, "1"), 0);
}

static void add(const char *name, long active, long *sum)
{
	(void)name;
	*sum += active;
}

long slab_objects(const char *caches)
{
	long sum = 0;

	ck_assert_msg(visit_caches(caches, give_up, NULL) > 0, "no slab cache %s", caches);
	visit_caches(caches, add, &sum);
	return sum;
}

static long slab_attribute(const char *cache, const char *attribute)
{
	char path[128];
	FILE *file;
	long value;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/%s", cache, attribute);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld", &value), 1);
	fclose(file);
	return value;
}

bool slabs_are_padded(void)
{
	return slab_attribute("kevents_segment_4k", "slab_size") != 4096;
}

long slab_object_size(const char *cache)
{
	return slab_attribute(cache, slabs_are_padded() ? "object_size" : "slab_size");
}

double slab_growth(const char *cache)
{
	return (double)slab_attribute(cache, "slab_size") / slab_attribute(cache, "object_size");
}

static void add_bytes(const char *name, long active, long *sum)
{
	*sum += active * slab_attribute(name, "object_size");
}

long slab_bytes(const char *caches)
{
	long sum = 0;

	visit_caches(caches, give_up, NULL);
	ck_assert_msg(visit_caches(caches, add_bytes, &sum) > 0, "no slab cache %s", caches);
	return sum;
}

static void add_pages(const char *name, long active, long *sum)
{
	(void)active;
	*sum += slab_attribute(name, "slabs") * sysconf(_SC_PAGESIZE) <<
		slab_attribute(name, "order");
}

long slab_pages(const char *caches)
{
	long sum = 0;

	visit_caches(caches, give_up, NULL);
	ck_assert_msg(visit_caches(caches, add_pages, &sum) > 0, "no slab cache %s", caches);
	return sum;
}

void slab_wait_down_to(const char *cache, long objects)
{
	WAIT_UNTIL(slab_objects(cache) <= objects);
}

/*
 * A queue that becomes idle evicts at most one other, and may find one that is in use
 * again instead. Hence twice as many IDs.
 */
long replace_idle_queues(void)
{
	const int first = INT_MAX / 2, count = 2 * IDLE_QUEUES;
	int i;

	for (i = 0; i < count; i++) {
		send_number(first + i, i);
		ck_assert_uint_eq(receive_number(first + i), i);
	}
	/* Evicted queues are freed after a grace period. Few others are in use. */
	slab_wait_down_to(QUEUES, IDLE_QUEUES + 100);
	return slab_objects(QUEUES);
}

static const char *parameter_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/sys/module/kevents/parameters/%s", name);
	return path;
}

int parameter_set(const char *name, const char *value)
{
	return write_file(parameter_path(name), value);
}

long parameter_get(const char *name)
{
	FILE *file = fopen(parameter_path(name), "re");
	long value;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%ld", &value), 1);
	fclose(file);
	return value;
}

bool module_is_known(void)
{
	return getenv("KEVENTS_MODULE");
}

int module_load(void)
{
	return module_load_with("");
}

int module_load_with(const char *parameters)
{
	const char *path = getenv("KEVENTS_MODULE");
	int fd, err;

	ck_assert_ptr_nonnull(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	err = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	if (!err && device.st_mode) {
		ASSERT_SYS(chown(DEVICE, device.st_uid, device.st_gid));
		ASSERT_SYS(chmod(DEVICE, device.st_mode & 07777));
	}
	return err;
}

int module_unload(void)
{
	ASSERT_SYS(stat(DEVICE, &device));
	return syscall(SYS_delete_module, "kevents", O_NONBLOCK) ? -errno : 0;
}
