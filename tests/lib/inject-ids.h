/* SPDX-License-Identifier: GPL-2.0-only */
/* IDs in every state, to let calls fail among them. */
#ifndef INJECT_IDS_H
#define INJECT_IDS_H

#include <stdint.h>

#include "inject.h"

/* They have: the events 1, 2, 3; event 4; event 5, leased; none; nothing at all. */
enum { FULL, SINGLE, LEASED, EMPTY, UNUSED, ID_COUNT };

extern int ids[ID_COUNT];

/* The lease of event 5. */
extern uint64_t ids_lease;

/* Makes the process, still privileged, a user of whom only this test has events. */
void ids_prepare(void);

/* Sends event 4; what a call that took it is undone by. */
void ids_refill(int result);

/* Fails the test unless all is as it was; takes all events. */
void ids_check_and_drain(void);

/* fail_each() with those IDs. */
void ids_fail_each(const struct failing *call);

#define FAIL(title, ...)							\
	ids_fail_each(&(const struct failing){ .name = (title), __VA_ARGS__ })

/* Skips the test where nothing can be made to fail. */
#define PREPARE_IDS()								\
do {										\
	if (!faults_available())						\
		SKIP("this kernel injects no faults");				\
	ids_prepare();								\
} while (0)

#endif /* INJECT_IDS_H */
