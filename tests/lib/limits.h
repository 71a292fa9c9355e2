/* SPDX-License-Identifier: GPL-2.0-only */
/* The limits for the time of one test, and what is in use of them. */
#ifndef LIMITS_H
#define LIMITS_H

#include <kevents.h>
#include <stddef.h>

/*
 * Sets a parameter until the test ends, however that comes. For the process of
 * the test, not for its children. No client but ke may be open at the first call:
 * another process would have it, too.
 */
void limit_set(const char *name, unsigned long value);

/* Gives all of them the values that they had before limit_set(). */
void limits_restore(void);

/* ke_limits() of ke. */
struct ke_limits limits_now(void);

/* What is charged for an event of this length, a watch and a claim; ke has space for it. */
unsigned long event_bytes(size_t len);
unsigned long watch_bytes(void);
unsigned long claim_bytes(void);

/* Lets a user who holds nothing else have so many events of this length. */
void limit_events(unsigned int count, size_t len);

/*
 * The same when the client has sent once, so that what the module keeps of a
 * process that sends is in it. Nothing waits under id.
 */
struct ke_limits limits_after_sending(int id);

/* Returns when nothing is charged to anybody. */
void limits_wait_for_nothing(void);

/* Returns when the use is what it was then, of whatever is counted. */
void limits_wait_back_to(const struct ke_limits *then);

#endif /* LIMITS_H */
