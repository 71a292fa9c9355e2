/* SPDX-License-Identifier: GPL-2.0-only */
/* What the processes of the soak share. */
#ifndef SOAK_H
#define SOAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define IDS		16
#define FIRST_ID	0x60000000
#define PRODUCERS	8
#define CONSUMERS	8

/* Of one producer; what comes beyond is not sent. */
#define MOST_EVENTS	(16U << 20)

/* What has become of an event; bits that stay once they are set. */
#define SEEN	1	/* somebody leased it */
#define TRIED	2	/* somebody began to acknowledge it */
#define DONE	4	/* that was told to have worked */
#define LEFT	8	/* it waited at the end */

struct soak {
	atomic_bool producing;
	atomic_bool consuming;
	atomic_ulong sent[PRODUCERS];	/* numbers 0 .. sent - 1 have been accepted */
	atomic_ulong mortal;		/* of these, with a time to live */
	atomic_ulong acked;
	atomic_ulong nacked;
	atomic_ulong late;		/* acknowledged when the lease was over */
	atomic_ulong purged;
	atomic_ulong namespaces;
	atomic_ulong elsewhere;		/* events that went with them */
	atomic_uint errors;
	atomic_uchar fate[PRODUCERS][MOST_EVENTS];
};

/* What an event says. */
struct message {
	uint32_t producer;
	uint32_t number;
	char filling[56];
};

extern struct soak *soak;

/* Says what is wrong, once for all, and counts it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The fate of the event; complains and returns NULL if there is no such event. */
atomic_uchar *fate_of(const struct message *message, unsigned long len);

/* What a process does until it is told to end; each returns its exit status. */
int produce(unsigned int index);
int consume(unsigned int seed);
int purge(unsigned int seed);
int wander(unsigned int seed);

void rest_us(unsigned int us);

/* Numbers that look random. */
unsigned int next_random(unsigned int *state);

#endif /* SOAK_H */
