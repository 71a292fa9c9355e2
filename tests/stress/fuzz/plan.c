// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* SplitMix64 */
uint64_t random_next(uint64_t *state)
{
	uint64_t number = *state += UINT64_C(0x9e3779b97f4a7c15);

	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

static bool take_number(const char **text, uint64_t *number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	*number = strtoull(*text, &end, 10);
	*text = end;
	return true;
}

bool plan_read(struct plan *plan, const char *text)
{
	struct cut cut = { .step = 0 };

	*plan = (struct plan){ .cut_count = 0 };
	if (!take_number(&text, &plan->seed))
		return false;
	while (*text++ == ':') {
		if (!take_number(&text, &cut.step) || *text++ != ':' ||
		    !take_number(&text, &cut.seed) || plan->cut_count == CUTS_MAX)
			return false;
		plan->cuts[plan->cut_count++] = cut;
	}
	return !text[-1];
}

void plan_print(const struct plan *plan)
{
	unsigned int i;

	printf("%" PRIu64, plan->seed);
	for (i = 0; i < plan->cut_count; i++)
		printf(":%" PRIu64 ":%" PRIu64, plan->cuts[i].step, plan->cuts[i].seed);
}

/* Drops or keeps the cuts after the new one. The last cut is lost if there are too many. */
void plan_vary(struct plan *plan, uint64_t *state)
{
	struct cut cut = { .step = 2 + random_next(state) % 100, .seed = random_next(state) };
	bool keeps_rest = random_next(state) % 2;
	unsigned int at = 0, next;

	while (at < plan->cut_count && plan->cuts[at].step < cut.step)
		at++;
	if (at == CUTS_MAX)
		at--;
	next = at < plan->cut_count && plan->cuts[at].step <= cut.step ? at + 1 : at;
	if (!keeps_rest)
		plan->cut_count = next;
	if (plan->cut_count - next + at + 1 > CUTS_MAX)
		plan->cut_count--;
	memmove(&plan->cuts[at + 1], &plan->cuts[next],
		(plan->cut_count - next) * sizeof(cut));
	plan->cut_count += at + 1 - next;
	plan->cuts[at] = cut;
}
