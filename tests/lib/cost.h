/* SPDX-License-Identifier: GPL-2.0-only */
/* What calls cost in instructions, in a guest that counts them. */
#ifndef COST_H
#define COST_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

#define NOT_COUNTED "no instructions are counted here"

/* What others have done may make a call that much dearer, and a call on average that much. */
#define COST_MORE_ONCE	20000
#define COST_MORE_MEAN	50

/* Whether a nanosecond of the thread's processor time is an instruction. */
bool cost_is_counted(void);

/* Instructions of the calling thread until now, those of the kernel for it included. */
uint64_t cost_now(void);

/* What one call of work(arg) takes. */
uint64_t cost_once(void (*work)(void *arg), void *arg);

struct cost {
	double mean;
	uint64_t most;		/* of calls that were not preempted */
};

struct cost cost_of(void (*work)(void *arg), void *arg, unsigned int times);

/* Fails the test if the call is dearer than it was without the others by more than that. */
void cost_assert_once(const char *call, uint64_t cost, uint64_t base);
void cost_assert_mean(const char *call, double mean, double base, double more);

#endif /* COST_H */
