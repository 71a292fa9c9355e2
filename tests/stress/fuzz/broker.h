/* SPDX-License-Identifier: GPL-2.0-only */
/* What the brokers have to hold after the calls that were made: the model. */
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
	bool brief;		/* its time to live, or its lease, ends in this step */
	int holder;		/* the client that leases it, or WAITS */
	unsigned int id;	/* an index, as wherever an ID is meant here */
	uint64_t seq;		/* 0: not told yet */
	unsigned int sender;	/* the user that made the call */
	unsigned int payer;	/* the user that opened the file */
	uint32_t len;
	uint32_t deliveries;
	uint8_t pattern;	/* what the payload is made of */
};

struct queue {
	int id;
	uint64_t sent, received, expired, returned;
	bool claimed;
	unsigned int mode, owner;
};

struct client {
	int fd;
	unsigned int user;	/* opened it: is judged and charged, whoever makes a call */
	bool readable, writable;
	bool watches[IDS];
};

struct broker {
	int net;			/* its namespace */
	struct event events[EVENTS_MAX];	/* in the order in which they were accepted */
	unsigned int event_count;
	struct queue queues[IDS];
	struct client clients[CLIENTS];
	int keeper;	/* watches all IDs, so that no queue ends and forgets its counts */
};

/* All of them; and the one that the calls and the questions below are about. */
extern struct broker brokers[BROKERS], *broker;

/* Behind the last of its events. */
struct event *broker_end(void);

/*
 * A new event, sent by me; seq is 0 where the call does not tell. Ends the round if seq
 * is no good.
 */
struct event *broker_send(const struct client *client, unsigned int id, uint64_t seq,
			  uint32_t len, uint8_t pattern);

/* Whose turn it is under the ID, or NULL; what is number n in the row from there. */
struct event *broker_first(unsigned int id);

enum access {
	RECEIVE = 04,
	SEND = 02,
};

/* Whether the user may do that with the ID, by its claim and the module's settings. */
bool broker_allows(unsigned int user, unsigned int id, enum access access);

/* Whether the client watches the ID and may be told of what is there. */
bool broker_shows(const struct client *client, unsigned int id);

/* What is charged to the user, in all of them. */
uint64_t broker_user_bytes(unsigned int user);

/* What is charged for an event of this length. */
uint64_t broker_event_bytes(uint32_t len);

/*
 * What comes of a send whose argument is valid, and whose payload gives this error or 0,
 * after events of this call that are charged with so many bytes.
 */
long broker_send_outcome(const struct client *client, unsigned int id, uint32_t len,
			 long payload, bool waits, uint64_t before);

/* What comes of a watch and a claim of the user, or 0. */
long broker_watch_refusal(unsigned int user);
long broker_claim_refusal(unsigned int user);

/* Whether poll(2) says that the user may send. */
bool broker_has_space(unsigned int user);

/* The first event of any ID that the client watches with this ID (not an index). */
struct event *broker_first_watched(const struct client *client, int id);

/* Whether anything waits that the client watches; whether it is longer than size. */
bool broker_has_watched(const struct client *client);
bool broker_has_watched_over(const struct client *client, uint64_t size, uint32_t *len);

/* The event is handed out: seq is what the call told, and must fit. */
void broker_take(struct event *event, uint64_t seq, int holder);

/* A lease of this client, or NULL. */
struct event *broker_lease(int client, uint64_t seq);

void broker_return(struct event *event);
void broker_acknowledge(struct event *event);
void broker_expire(struct event *event);

/* Returns how many went. */
unsigned int broker_purge(unsigned int id);

/* The client is closed and opened anew. */
void broker_close(int client);

unsigned int broker_pending(unsigned int id);
unsigned int broker_leased(unsigned int id);

/* What is charged for an ID's events. */
uint64_t broker_bytes(unsigned int id);

/* Before the first round: measures what is charged. */
void broker_create(void);

/* The payload of a pattern. */
void payload_fill(void *memory, uint32_t len, uint8_t pattern);
bool payload_is(const void *memory, uint32_t len, uint8_t pattern);

#endif /* BROKER_H */
