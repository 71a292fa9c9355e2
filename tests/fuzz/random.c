// SPDX-License-Identifier: GPL-2.0-only
#include "fuzz.h"

static struct plan current;
static uint64_t state, step;

/* SplitMix64 */
uint64_t random_number(void)
{
	uint64_t number = state += UINT64_C(0x9e3779b97f4a7c15);

	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

void random_start(const struct plan *plan)
{
	current = *plan;
	state = plan->seed;
	step = 0;
}

void random_step(void)
{
	if (current.cut && ++step == current.cut)
		state = current.tail;
}

uint64_t random_below(uint64_t n)
{
	return random_number() % n;
}

bool one_in(unsigned int n)
{
	return !random_below(n);
}
