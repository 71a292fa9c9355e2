/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the processes of the soak. */
#ifndef SOAK_H
#define SOAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define IDS		16
#define FIRST_ID	0x60000000
#define PRODUCERS	8
#define CONSUMERS	8

/* The events of one producer, which then stops. */
#define MOST_EVENTS	(16U << 20)

/* The fate of an event. Bits are never cleared. */
#define SEEN	1	/* leased by a consumer */
#define TRIED	2	/* ke_ack() was called */
#define DONE	4	/* ke_ack() returned success */
#define LEFT	8	/* still waiting at the end */

struct soak {
	atomic_bool producing;
	atomic_bool consuming;
	atomic_ulong sent[PRODUCERS];	/* the numbers 0 to sent - 1 have been accepted */
	atomic_ulong mortal;		/* events sent with a time to live */
	atomic_ulong acked;
	atomic_ulong nacked;
	atomic_ulong late;		/* ke_ack() calls after the end of the lease */
	atomic_ulong purged;
	atomic_ulong namespaces;
	atomic_ulong elsewhere;		/* events in these namespaces */
	atomic_uint errors;
	atomic_uchar fate[PRODUCERS][MOST_EVENTS];
};

/* The payload of an event. */
struct message {
	uint32_t producer;
	uint32_t number;
	char filling[56];
};

extern struct soak *soak;

/* Counts an error. Prints the first 20 of all processes. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns the fate of the event, or NULL after a complaint if there is no such event. */
atomic_uchar *fate_of(const struct message *message, unsigned long len);

/* The work of a process until it is stopped. Each returns the exit status. */
int produce(unsigned int index);
int consume(unsigned int seed);
int purge(unsigned int seed);
int wander(unsigned int seed);

void rest_us(unsigned int us);

/* Returns a pseudo-random number. */
unsigned int next_random(unsigned int *state);

#endif /* SOAK_H */
