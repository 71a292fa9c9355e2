// SPDX-License-Identifier: GPL-2.0-only
#include "cost.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "harness.h"

bool cost_is_counted(void)
{
	return getenv("KEVENTS_TEST_COUNTED");
}

uint64_t cost_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

uint64_t cost_once(void (*work)(void *arg), void *arg)
{
	uint64_t start = cost_now();

	work(arg);
	return cost_now() - start;
}

static long preemptions(void)
{
	struct rusage usage;

	ASSERT_SYS(getrusage(RUSAGE_THREAD, &usage));
	return usage.ru_nivcsw;
}

struct cost cost_of(void (*work)(void *arg), void *arg, unsigned int times)
{
	struct cost cost = { 0 };
	unsigned int i;
	long before;
	uint64_t one;

	for (i = 0; i < times; i++) {
		before = preemptions();
		one = cost_once(work, arg);
		cost.mean += (double)one / times;
		/* A preempted call may include work of the kernel for other tasks. */
		if (one > cost.most && preemptions() == before)
			cost.most = one;
	}
	return cost;
}

void cost_assert_once(const char *call, uint64_t cost, uint64_t base)
{
	ck_assert_msg(cost <= base + COST_MORE_ONCE,
		      "%s takes %llu instructions, %llu without the others", call,
		      (unsigned long long)cost, (unsigned long long)base);
}

void cost_assert_mean(const char *call, double mean, double base, double more)
{
	ck_assert_msg(mean <= base + more,
		      "%s takes %.0f instructions on average, %.0f without the others", call,
		      mean, base);
}
