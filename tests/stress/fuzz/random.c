// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

#include <linux/kevents.h>
#include <time.h>

static struct plan current;
static uint64_t state, step;
static unsigned int cut;	/* index of the next cut */

uint64_t random_number(void)
{
	return random_next(&state);
}

void random_start(const struct plan *plan)
{
	current = *plan;
	state = plan->seed;
	step = 0;
	cut = 0;
}

void random_step(void)
{
	step++;
	while (cut < current.cut_count && current.cuts[cut].step <= step)
		state = current.cuts[cut++].seed;
}

uint64_t random_below(uint64_t n)
{
	return random_number() % n;
}

bool one_in(unsigned int n)
{
	return !random_below(n);
}

uint64_t deadline_ns(int timeout_ms)
{
	struct timespec now;

	if (timeout_ms <= 0)
		return timeout_ms ? KEVENTS_NO_DEADLINE : 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec +
	       (uint64_t)timeout_ms * 1000000;
}
