// SPDX-License-Identifier: GPL-2.0-only
/* P5: what waits is charged to the sender's memory cgroup. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"
#include "task.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/kevents-test"

#define EVENTS 100
#define LARGE 60000

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

static long long charged(void)
{
	FILE *file = fopen(GROUP "/memory.current", "re");
	long long bytes;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%lld", &bytes), 1);
	fclose(file);
	return bytes;
}

static bool make_group(void)
{
	return write_to(ROOT "/cgroup.subtree_control", "+memory") &&
	       (!mkdir(GROUP, 0755) || errno == EEXIST) &&
	       access(GROUP "/memory.current", R_OK) == 0;
}

struct load {
	int id;
	size_t size;
	unsigned int count;
};

static int send_from_group(void *arg)
{
	static char payload[LARGE];
	struct load *load = arg;
	unsigned int i;

	ck_assert(write_to(GROUP "/cgroup.procs", "0"));
	for (i = 0; i < load->count; i++)
		ASSERT_OK(ke_send_event(&ke, load->id, payload, load->size));
	return 0;
}

/* The kernel charges in batches, so a little is left of what was uncharged. */
static void charge_and_uncharge(size_t size, unsigned int count)
{
	struct load load = { fresh_id(), size, count };
	long long before = charged(), payload = (long long)size * count;

	child_run(send_from_group, &load);
	WAIT_UNTIL(charged() >= before + payload);
	ck_assert_uint_eq(drain(load.id), count);
	WAIT_UNTIL(charged() < before + payload / 2);
}

START_TEST(p5_large_events_are_charged_to_the_sender_until_received)
{
	if (!make_group())
		SKIP("this kernel has no memory cgroups");
	charge_and_uncharge(LARGE, EVENTS);
	WAIT_UNTIL(rmdir(GROUP) == 0);
}
END_TEST

START_TEST(p5_small_events_are_charged_to_the_sender_until_received)
{
	if (!make_group())
		SKIP("this kernel has no memory cgroups");
	charge_and_uncharge(64, 30000);
	WAIT_UNTIL(rmdir(GROUP) == 0);
}
END_TEST

TESTS(memcg, 30, WITH_CLIENT,
      p5_large_events_are_charged_to_the_sender_until_received,
      p5_small_events_are_charged_to_the_sender_until_received)
