/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls of a parallel round; what is asserted of each of them, and of what it leaves. */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <linux/kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* Random numbers of this thread, from seed on; one below n, which is not 0. */
void parallel_random_start(uint64_t seed);
uint64_t below(uint64_t n);

/* Whether all that a call tells, it tells where nobody else writes. */
extern bool parallel_is_private;

/* One call each. */
void some_ioctl(int fd);
void some_stream(int fd);
void some_poll(int fd);

/* The IDs that a parallel round means to use; others come by chance. */
#define PARALLEL_IDS 5
extern const int parallel_ids[PARALLEL_IDS];

/* What is no ioctl. */
enum {
	CALL_READ = 1,
	CALL_WRITE,
	CALL_POLL,
};

/* Ends the round unless the call may return this. */
void check_call(const char *name, unsigned int command, long result);

/* The same of what depends on how long the call was to wait. */
void check_send_waits(uint64_t deadline_ns, long result);
void check_receive_waits(uint64_t deadline_ns, long result);

/* How much is known of what a parallel round does. */
enum knowledge {
	KNOWS_LITTLE,
	KNOWS_DROPPED,	/* all that was dropped; queues stay, so that they forget nothing */
	KNOWS_ALL,	/* all that was sent and received, too */
};

/* Before the processes of a parallel round start. */
void tally_create(enum knowledge knowledge);

/* This process has left the namespace: nothing that it does counts. */
void tally_leave(void);

/* What it drops may not be known: it may be killed meanwhile. */
void tally_may_die(void);

/* Whether the process may purge: elsewhere, nobody would know how much is gone. */
bool tally_may_purge(void);

/* The caller did this, and has been told so. */
void tally_sent(int id, uint64_t seq);		/* or 0: it was not told */
void tally_received(int id, uint64_t seq);
void tally_leased(int id, uint64_t seq);
void tally_acknowledged(uint64_t seq);
void tally_purged(int id, unsigned int n);

/* When all files are closed: everything that was sent is accounted for, nothing is left. */
void tally_check(void);

#endif /* PARALLEL_H */
