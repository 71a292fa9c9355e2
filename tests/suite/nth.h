/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls whose 1st, 2nd, 3rd ... allocation or copy from or to user memory fails. */
#ifndef NTH_H
#define NTH_H

#include <stdbool.h>
#include <stddef.h>

/* False where the kernel cannot inject faults; otherwise gets it ready for that. */
bool faults_available(void);

/* From here on the nth allocation or copy of the calling thread fails. */
void fault_arm(unsigned int nth);

/* No more; returns whether one has failed. */
bool fault_disarm(void);

/* How many more it would have taken; no more fails. */
unsigned int fault_remaining(void);

/* A call, to be made over and over. */
struct failing {
	const char *name;
	int (*call)(void);		/* its result, or -errno */
	void (*undo)(int result);	/* after a success, without faults; may be NULL */
	int expected;			/* the result when nothing fails */
};

/*
 * Lets each allocation and each copy of the call fail in turn, until it comes to
 * its end untouched. Each time it must give -ENOMEM or -EFAULT, or what is
 * expected, or a part of that where it is a number; and after an error the IDs
 * must be as they were: what waits, is leased, is counted and charged, and which
 * event comes first. Returns how many faults there were.
 */
unsigned int fail_each(const struct failing *failing, const int *ids, size_t count);

#endif /* NTH_H */
