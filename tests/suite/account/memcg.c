// SPDX-License-Identifier: GPL-2.0-only
/* P5: what waits is charged to the sender's memory cgroup. */
#include "lib/cgroup.h"
#include "lib/harness.h"
#include "lib/task.h"

#define EVENTS 100
#define LARGE 60000

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

	cgroup_enter();
	for (i = 0; i < load->count; i++)
		ASSERT_OK(ke_send_event(&ke, load->id, payload, load->size));
	return 0;
}

/* The kernel charges in batches, so a little is left of what was uncharged. */
static void charge_and_uncharge(size_t size, unsigned int count)
{
	struct load load = { fresh_id(), size, count };
	long long before = cgroup_charged(), payload = (long long)size * count;

	child_run(send_from_group, &load);
	WAIT_UNTIL(cgroup_charged() >= before + payload);
	ck_assert_uint_eq(drain(load.id), count);
	WAIT_UNTIL(cgroup_charged() < before + payload / 2);
}

START_TEST(p5_large_events_are_charged_to_the_sender_until_received)
{
	if (!cgroup_make(0))
		SKIP(NO_CGROUPS);
	charge_and_uncharge(LARGE, EVENTS);
	cgroup_remove();
}
END_TEST

START_TEST(p5_small_events_are_charged_to_the_sender_until_received)
{
	if (!cgroup_make(0))
		SKIP(NO_CGROUPS);
	charge_and_uncharge(64, 30000);
	cgroup_remove();
}
END_TEST

TESTS(30, WITH_CLIENT,
      p5_large_events_are_charged_to_the_sender_until_received,
      p5_small_events_are_charged_to_the_sender_until_received)
