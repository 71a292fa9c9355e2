/* SPDX-License-Identifier: GPL-2.0-only */
/* What is asserted of a storm: of each of its calls, and of what it leaves. */
#ifndef STORM_H
#define STORM_H

#include <linux/kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* The IDs that a storm means to use; others come by chance. */
#define STORM_IDS 5
extern const int storm_ids[STORM_IDS];

/* What is no ioctl. */
enum {
	CALL_READ = 1,
	CALL_WRITE,
	CALL_POLL,
};

/* Ends the round unless the call may return this. */
void check_call(const char *name, unsigned int command, long result);

/* The same of what depends on how long the call was to wait. */
void check_send_waits(int32_t timeout_ms, long result);
void check_receive_waits(int32_t timeout_ms, long result);

/*
 * Before the processes of a storm start. Where the counts are kept, all queues stay
 * until the storm is over, so that they forget nothing.
 */
void tally_create(bool keeps_counts);

/* This process has left the namespace: nothing that it does counts. */
void tally_leave(void);

/* What it drops may not be known: it may be killed meanwhile. */
void tally_may_die(void);

/* Whether the process may purge: elsewhere, nobody would know how much is gone. */
bool tally_may_purge(void);

/* The caller did this, and has been told so. */
void tally_sent(const struct kevents_send *send);
void tally_received(const struct kevents_receive *receive);
void tally_acknowledged(uint64_t seq);
void tally_purged(int id, unsigned int n);

/* When all files are closed: everything that was sent is accounted for, nothing is left. */
void tally_check(void);

#endif /* STORM_H */
