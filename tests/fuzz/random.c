// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

static struct plan current;
static uint64_t state, step;
static unsigned int cut;	/* that comes next */

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
