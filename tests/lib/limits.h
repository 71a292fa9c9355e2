/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes limits for the time of one test, and reads their use. */
#ifndef LIMITS_H
#define LIMITS_H

#include <kevents.h>
#include <stddef.h>

/*
 * Sets a parameter until the test ends in any way. Only the process of the test may call
 * this, not its children. No client but ke may be open at the first call, because the
 * guardian process would inherit it.
 */
void limit_set(const char *name, unsigned long value);

/* Restores all limits to their values before the first limit_set(). */
void limits_restore(void);

struct ke_limits limits_now(void);

/* Return the charge for an event of this length, a watch and a claim. ke must have space. */
unsigned long event_bytes(size_t len);
unsigned long watch_bytes(void);
unsigned long claim_bytes(void);

/* Allows a user that holds nothing else count events of this length. */
void limit_events(unsigned int count, size_t len);

/*
 * Like limits_now(), but sends and receives an event first, so that the use includes what
 * the module keeps after a send. id must have no events.
 */
struct ke_limits limits_after_sending(int id);

/* Waits until no account holds anything. */
void limits_wait_for_nothing(void);

/* Waits until the use is what it was then. That of other users may have shrunk. */
void limits_wait_back_to(const struct ke_limits *then);

#endif /* LIMITS_H */
