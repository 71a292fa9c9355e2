/* SPDX-License-Identifier: GPL-2.0-only */
/* The calls of a parallel round, and the checks of each call and of the final state. */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <linux/kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* Start the random numbers of this thread from seed, and return one below n, not 0. */
void parallel_random_start(uint64_t seed);
uint64_t below(uint64_t n);

/* Returns whether no other thread writes to the results of the call. */
extern bool parallel_is_private;

/* Make one call each. */
void some_ioctl(int fd);
void some_stream(int fd);
void some_poll(int fd);

/* The IDs that a parallel round uses on purpose. Random data may name others. */
#define PARALLEL_IDS 5
extern const int parallel_ids[PARALLEL_IDS];

/* Calls other than ioctl(2). */
enum {
	CALL_READ = 1,
	CALL_WRITE,
	CALL_POLL,
};

/* Ends the round unless the call may return this. */
void check_call(const char *name, unsigned int command, long result);

/* Likewise for errors that depend on how long the call may wait. */
void check_send_waits(uint64_t deadline_ns, long result);
void check_receive_waits(uint64_t deadline_ns, long result);

/* How much is known about the calls of a parallel round. */
enum knowledge {
	KNOWS_LITTLE,
	KNOWS_DROPPED,	/* every drop; queues stay, so that they keep their counts */
	KNOWS_ALL,	/* every send and receive as well */
};

/* Must be called before the processes of a parallel round start. */
void tally_create(enum knowledge knowledge);

/* Stops counting for this process, which has left the namespace. */
void tally_leave(void);

/* The process may be killed in a call, so that its drops may not be known. */
void tally_may_die(void);

/* Returns whether the process may purge, that is whether the drops would be counted. */
bool tally_may_purge(void);

/* Record a call of the caller that returned success. */
void tally_sent(int id, uint64_t seq);		/* seq is 0 if it is not known */
void tally_received(int id, uint64_t seq);
void tally_leased(int id, uint64_t seq);
void tally_acknowledged(uint64_t seq);
void tally_purged(int id, unsigned int n);

/* Checks, after all files are closed, that every event sent is accounted for. */
void tally_check(void);

#endif /* PARALLEL_H */
