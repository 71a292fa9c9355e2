/* SPDX-License-Identifier: GPL-2.0-only */
/* IDs in every state, for tests of calls that fail. */
#ifndef INJECT_IDS_H
#define INJECT_IDS_H

#include <stdint.h>

#include "inject.h"

/* Events 1, 2 and 3; event 4; event 5, leased; no event; never used. */
enum { FULL, SINGLE, LEASED, EMPTY, UNUSED, ID_COUNT };

extern int ids[ID_COUNT];

/* The lease of event 5. */
extern uint64_t ids_lease;

/* Makes the process, still privileged, a user of which only this test has events. */
void ids_prepare(void);

/* Sends event 4, to undo a call that received it. */
void ids_refill(int result);

/* Fails the test unless all events are as prepared. Receives them all. */
void ids_check_and_drain(void);

/* fail_each() with those IDs. */
void ids_fail_each(const struct failing *call);

#define FAIL(title, ...)							\
	ids_fail_each(&(const struct failing){ .name = (title), __VA_ARGS__ })

/* Skips the test if the kernel cannot inject faults. */
#define PREPARE_IDS()								\
do {										\
	if (!faults_available())						\
		SKIP("this kernel injects no faults");				\
	ids_prepare();								\
} while (0)

#endif /* INJECT_IDS_H */
