/* SPDX-License-Identifier: GPL-2.0-only */
/* The model: what the brokers must hold after the calls made so far. */
#ifndef BROKER_H
#define BROKER_H

#include <linux/kevents.h>
#include <stdbool.h>
#include <stdint.h>

#define BROKERS 2
#define IDS 4
#define CLIENTS 3
#define EVENTS_MAX 2048
#define LEN_MAX 65536	/* max_event_size */
#define WAITS (-1)

struct event {
	bool gone;
	bool brief;		/* the time to live, or the lease, ends in this step */
	int holder;		/* the client that has the lease, or WAITS */
	unsigned int id;	/* an index, like every ID in this file */
	uint64_t seq;		/* 0: not known yet */
	unsigned int sender;	/* the user that made the call */
	unsigned int payer;	/* the user that opened the file */
	uint32_t len;
	uint32_t deliveries;
	uint8_t pattern;	/* of the payload */
};

struct queue {
	int id;
	uint64_t sent, received, expired, returned;
	bool claimed;
	unsigned int mode, owner;
};

struct client {
	int fd;
	unsigned int user;	/* opened the file, so that its permissions and charge count */
	bool readable, writable;
	bool watches[IDS];
};

struct broker {
	int net;			/* the network namespace */
	struct event events[EVENTS_MAX];	/* in the order in which they were accepted */
	unsigned int event_count;
	struct queue queues[IDS];
	struct client clients[CLIENTS];
	int keeper;	/* watches all IDs, so that every queue stays and keeps its counts */
};

/* All brokers, and the one that the functions below work on. */
extern struct broker brokers[BROKERS], *broker;

/* The end of its events. */
struct event *broker_end(void);

/*
 * Adds an event sent by me. seq is 0 if the call does not return it. Ends the round if seq
 * is not possible.
 */
struct event *broker_send(const struct client *client, unsigned int id, uint64_t seq,
			  uint32_t len, uint8_t pattern);

/* Return the event that is next under the ID, or the nth one after that, or NULL. */
struct event *broker_first(unsigned int id);

enum access {
	RECEIVE = 04,
	SEND = 02,
};

/* Returns whether the claim of the ID, and strict, allow that access by the user. */
bool broker_allows(unsigned int user, unsigned int id, enum access access);

/* Returns whether the client watches the ID and may receive from it. */
bool broker_shows(const struct client *client, unsigned int id);

/* Returns the charge of the user, in all brokers. */
uint64_t broker_user_bytes(unsigned int user);

/* Returns the charge for an event of this length. */
uint64_t broker_event_bytes(uint32_t len);

/*
 * Returns the result of a send with a valid argument, given the error of its payload or 0,
 * and the bytes that earlier events of the same call are charged.
 */
long broker_send_outcome(const struct client *client, unsigned int id, uint32_t len,
			 long payload, bool waits, uint64_t before);

/* Return the error of a watch or a claim of the user, or 0. */
long broker_watch_refusal(unsigned int user);
long broker_claim_refusal(unsigned int user);

/* Returns whether poll(2) must report the user's file as writable. */
bool broker_has_space(unsigned int user);

/* Returns the first event of the watched ID with this value, which is not an index. */
struct event *broker_first_watched(const struct client *client, int id);

/* Return whether a watched event waits, and whether one longer than size does. */
bool broker_has_watched(const struct client *client);
bool broker_has_watched_over(const struct client *client, uint64_t size, uint32_t *len);

/* Hands out the event. seq is what the call returned, and must be that of the event. */
void broker_take(struct event *event, uint64_t seq, int holder);

/* Returns a lease of this client, or NULL. */
struct event *broker_lease(int client, uint64_t seq);

void broker_return(struct event *event);
void broker_acknowledge(struct event *event);
void broker_expire(struct event *event);

/* Returns how many events were dropped. */
unsigned int broker_purge(unsigned int id);

/* Closes the client and opens it again. */
void broker_close(int client);

unsigned int broker_pending(unsigned int id);
unsigned int broker_leased(unsigned int id);

/* Returns the charge for the events of an ID. */
uint64_t broker_bytes(unsigned int id);

/* Measures the charges. Must be called before the first round. */
void broker_create(void);

/* Returns the payload of a pattern. */
void payload_fill(void *memory, uint32_t len, uint8_t pattern);
bool payload_is(const void *memory, uint32_t len, uint8_t pattern);

#endif /* BROKER_H */
