/* SPDX-License-Identifier: GPL-2.0-only */
/* The cost of calls in instructions, in a guest that counts them. */
#ifndef COST_H
#define COST_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

#define NOT_COUNTED "no instructions are counted here"

/* Limits of the extra cost that others may cause, for one call and on average. */
#define COST_MORE_ONCE	20000
#define COST_MORE_MEAN	50

/* Returns whether a nanosecond of the thread's CPU time stands for an instruction. */
bool cost_is_counted(void);

/* Returns the instructions of the calling thread so far, in user space and the kernel. */
uint64_t cost_now(void);

/* Returns the cost of one call of work(arg). */
uint64_t cost_once(void (*work)(void *arg), void *arg);

struct cost {
	double mean;
	uint64_t most;		/* of the calls that were not preempted */
};

struct cost cost_of(void (*work)(void *arg), void *arg, unsigned int times);

/* Fails the test if cost exceeds base, the cost without the others, by too much. */
void cost_assert_once(const char *call, uint64_t cost, uint64_t base);
void cost_assert_mean(const char *call, double mean, double base, double more);

#endif /* COST_H */
