/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls whose 1st, 2nd, 3rd ... allocation or copy from or to user memory fails. */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stddef.h>

/* False where the kernel cannot inject faults; otherwise gets it ready for that. */
bool faults_available(void);

/* One allocation or copy that fails, or copies that fail from one on. */
enum fault { FAULT_ONE, FAULT_COPIES, FAULTS };

/* From here on the calling thread has the fault at its nth chance. */
void fault_begin(enum fault fault, unsigned int nth);

/* No more; returns whether something has failed. */
bool fault_end(enum fault fault);

/* The same after FAULT_ONE; returns how many more chances it would have taken. */
unsigned int fault_remaining(void);

/*
 * In between, those allocations of the calling thread fail that may not wait for memory, as
 * those of several pages in one piece.
 */
void fault_pieces_begin(void);
void fault_pieces_end(void);

/* A call, to be made over and over. */
struct failing {
	const char *name;
	int (*call)(void);		/* its result, or -errno */
	void (*undo)(int result);	/* after a success, without faults; may be NULL */
	int expected;			/* the result when nothing fails */
	void (*prepare)(void);		/* before each call, without faults; may be NULL */
	void (*check)(int result);	/* what a success gave, before undo; may be NULL */
	bool passes;			/* nothing of it can fail */
	bool one;			/* FAULT_ONE only */
};

/*
 * Lets each allocation and each copy of the call fail in turn, until it comes to
 * its end untouched; then each copy and those that follow, which takes
 * CAP_SYS_RESOURCE. Each time it must give -ENOMEM or -EFAULT, or what is
 * expected, or a part of that where it is a number; and after an error the IDs
 * must be as they were: what waits, is leased, is counted and charged, and which
 * event comes first. Fails the test if nothing of the call has failed.
 */
void fail_each(const struct failing *failing, const int *ids, size_t count);

#endif /* INJECT_H */
