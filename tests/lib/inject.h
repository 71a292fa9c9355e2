/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls whose 1st, 2nd, 3rd ... allocation or copy from or to user memory fails. */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stddef.h>

/* Returns false if the kernel cannot inject faults, and sets up fault injection if it can. */
bool faults_available(void);

/* One failing allocation or copy, or a burst of failing copies. */
enum fault { FAULT_ONE, FAULT_COPIES, FAULTS };

/* Makes the nth allocation or copy of the calling thread fail. */
void fault_begin(enum fault fault, unsigned int nth);

/* Ends the injection. Returns whether an allocation or copy has failed. */
bool fault_end(enum fault fault);

/* Like fault_end(FAULT_ONE), but returns how far away the fault still was; 0: it happened. */
unsigned int fault_remaining(void);

/*
 * In between, allocations of the calling thread fail if they may not wait for memory, as
 * those of several contiguous pages.
 */
void fault_pieces_begin(void);
void fault_pieces_end(void);

/* A call to repeat with different faults. */
struct failing {
	const char *name;
	int (*call)(void);		/* its result, or -errno */
	void (*undo)(int result);	/* called after a success, without faults; may be NULL */
	int expected;			/* the result without faults */
	void (*prepare)(void);		/* called before each call, without faults; may be NULL */
	void (*check)(int result);	/* called after a success, before undo; may be NULL */
	bool passes;			/* has no allocation or copy that can fail */
	bool one;			/* FAULT_ONE only */
};

/*
 * Makes each allocation and each copy of the call fail in turn, until the call succeeds
 * without a fault. Then does the same with bursts of failing copies, for which the caller
 * needs CAP_SYS_RESOURCE. Each call must return -ENOMEM, -EFAULT, the expected result, or
 * a smaller number above 0. Afterwards each ID must hold as many events and bytes as
 * before, and the charge must be the same. Unless a success was undone, the counters and
 * the oldest event must be the same, too. A call must have had a fault unless it passes.
 */
void fail_each(const struct failing *failing, const int *ids, size_t count);

#endif /* INJECT_H */
