// SPDX-License-Identifier: GPL-2.0-only
#include "broker.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "user.h"

struct broker brokers[BROKERS], *broker = brokers;

/* Of all rounds: bytes charged for an event of this length; 0 where that is unknown. */
static uint32_t *costs;

void broker_create(void)
{
	costs = mmap(NULL, (LEN_MAX + 1) * sizeof(*costs), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (costs == MAP_FAILED)
		_exit(1);
}

struct event *broker_end(void)
{
	return broker->events + broker->event_count;
}

static bool waits(const struct event *event)
{
	return !event->gone && event->holder == WAITS;
}

/* Its number lies between those of its neighbours that are known. */
static void assert_in_order(const struct event *event, uint64_t seq)
{
	const struct event *other;

	if (!seq || (event->seq && event->seq != seq))
		fail("seq is %llu, not %llu", (unsigned long long)seq,
		     (unsigned long long)event->seq);
	for (other = broker->events; other < broker_end(); other++)
		if (other->seq && (other < event ? other->seq >= seq :
				   other > event && other->seq <= seq))
			fail("seq %llu is out of order", (unsigned long long)seq);
}

struct event *broker_send(const struct client *client, unsigned int id, uint64_t seq,
			  uint32_t len, uint8_t pattern)
{
	struct event *event = &broker->events[broker->event_count];

	if (broker->event_count == EVENTS_MAX)
		fail("too many events");
	*event = (struct event){
		.holder = WAITS, .id = id, .len = len, .pattern = pattern, .sender = me,
		.payer = client->user,
	};
	if (seq) {
		assert_in_order(event, seq);
		event->seq = seq;
	}
	broker->event_count++;
	broker->queues[id].sent++;
	return event;
}

struct event *broker_first(unsigned int id)
{
	struct event *event;

	for (event = broker->events; event < broker_end(); event++)
		if (event->id == id && waits(event))
			return event;
	return NULL;
}

bool broker_allows(unsigned int user, unsigned int id, enum access access)
{
	const struct queue *queue = &broker->queues[id];
	unsigned int mode = queue->mode;

	if (!queue->claimed)
		return setting != STRICT;
	if (user == ROOT)
		return true;
	if (users[user].uid == users[queue->owner].uid)
		mode >>= 6;
	else if (users[user].gid == users[queue->owner].gid)
		mode >>= 3;
	return mode & access;
}

bool broker_shows(const struct client *client, unsigned int id)
{
	return client->watches[id] && broker_allows(client->user, id, RECEIVE);
}

unsigned int broker_user_events(unsigned int user)
{
	const struct broker *any;
	unsigned int i, found = 0;

	for (any = brokers; any < brokers + BROKERS; any++)
		for (i = 0; i < any->event_count; i++)
			found += !any->events[i].gone && any->events[i].payer == user;
	return found;
}

unsigned int broker_user_ids(unsigned int user)
{
	const struct broker *any;
	unsigned int i, found = 0;

	for (any = brokers; any < brokers + BROKERS; any++)
		for (i = 0; i < IDS; i++)
			found += any->queues[i].charged == user;
	return found;
}

bool broker_is_full_for(unsigned int user, unsigned int more)
{
	return setting == FEW_EVENTS && user != ROOT &&
	       broker_user_events(user) + more >= EVENTS_FEW;
}

long broker_send_outcome(const struct client *client, unsigned int id, long payload,
			 bool waits, unsigned int more)
{
	bool is_allowed = broker_allows(client->user, id, SEND);
	long refusal = 0;

	if (setting == FULL)
		refusal = -EAGAIN;
	else if (broker_is_full_for(client->user, more))
		refusal = -EDQUOT;
	if (refusal && is_allowed)
		return waits ? -ETIMEDOUT : refusal;
	if (!refusal && payload)
		return payload;
	return is_allowed ? 0 : -EPERM;
}

struct event *broker_first_watched(const struct client *client, int id)
{
	unsigned int i;

	for (i = 0; i < IDS; i++)
		if (broker->queues[i].id == id)
			return broker_shows(client, i) ? broker_first(i) : NULL;
	return NULL;
}

bool broker_has_watched(const struct client *client)
{
	unsigned int i;

	for (i = 0; i < IDS; i++)
		if (broker_shows(client, i) && broker_first(i))
			return true;
	return false;
}

bool broker_has_watched_over(const struct client *client, uint64_t size, uint32_t *len)
{
	struct event *event;
	unsigned int i;

	for (i = 0; i < IDS; i++) {
		event = broker_shows(client, i) ? broker_first(i) : NULL;
		if (event && event->len > size && (!len || event->len == *len))
			return true;
	}
	return false;
}

void broker_take(struct event *event, uint64_t seq, int holder)
{
	assert_in_order(event, seq);
	event->seq = seq;
	event->deliveries++;
	event->holder = holder;
	if (holder != WAITS)
		return;
	event->gone = true;
	broker->queues[event->id].received++;
}

struct event *broker_lease(int client, uint64_t seq)
{
	struct event *event;

	for (event = broker->events; event < broker_end(); event++)
		if (!event->gone && event->holder == client && event->seq == seq)
			return event;
	return NULL;
}

void broker_return(struct event *event)
{
	event->holder = WAITS;
	broker->queues[event->id].returned++;
}

void broker_acknowledge(struct event *event)
{
	event->gone = true;
	broker->queues[event->id].received++;
}

void broker_expire(struct event *event)
{
	event->gone = true;
	broker->queues[event->id].expired++;
}

unsigned int broker_purge(unsigned int id)
{
	struct event *event;
	unsigned int went = 0;

	while ((event = broker_first(id))) {
		event->gone = true;
		went++;
	}
	return went;
}

void broker_close(int client)
{
	struct event *event;
	unsigned int i;

	for (event = broker->events; event < broker_end(); event++)
		if (!event->gone && event->holder == client)
			broker_return(event);
	for (i = 0; i < IDS; i++)
		broker->clients[client].watches[i] = false;
}

static bool watches(unsigned int user, unsigned int id)
{
	const struct client *client;

	for (client = broker->clients; client < broker->clients + CLIENTS; client++)
		if (client->watches[id] && client->user == user)
			return true;
	return user == ROOT;
}

static unsigned int count(unsigned int id, bool leased)
{
	struct event *event;
	unsigned int count = 0;

	for (event = broker->events; event < broker_end(); event++)
		count += event->id == id && !event->gone && (event->holder != WAITS) == leased;
	return count;
}

unsigned int broker_pending(unsigned int id)
{
	return count(id, false);
}

unsigned int broker_leased(unsigned int id)
{
	return count(id, true);
}

bool broker_charge_watchers(void)
{
	struct queue *queue;
	bool any = false;

	for (queue = broker->queues; queue < broker->queues + IDS; queue++) {
		unsigned int id = queue - broker->queues;

		if (queue->claimed || broker_pending(id) || broker_leased(id) ||
		    watches(queue->charged, id))
			continue;
		queue->charged = ROOT;
		any = true;
	}
	return any;
}

bool broker_bytes(unsigned int id, uint64_t *bytes)
{
	struct event *event;

	*bytes = 0;
	for (event = broker->events; event < broker_end(); event++) {
		if (event->id != id || event->gone)
			continue;
		if (!costs[event->len])
			return false;
		*bytes += costs[event->len];
	}
	return true;
}

void broker_learn_cost(uint32_t len, uint64_t bytes)
{
	if (costs[len] && costs[len] != bytes)
		fail("%llu bytes are charged for %u, not %u", (unsigned long long)bytes, len,
		     costs[len]);
	if (bytes < len || bytes > 2 * (uint64_t)len + 512)
		fail("%llu bytes are charged for %u", (unsigned long long)bytes, len);
	costs[len] = bytes;
}

static uint8_t byte_of(uint8_t pattern, uint32_t i)
{
	return pattern + i * 7 + (i >> 8);
}

void payload_fill(void *memory, uint32_t len, uint8_t pattern)
{
	uint8_t *bytes = memory;
	uint32_t i;

	for (i = 0; i < len; i++)
		bytes[i] = byte_of(pattern, i);
}

bool payload_is(const void *memory, uint32_t len, uint8_t pattern)
{
	const uint8_t *bytes = memory;
	uint32_t i;

	for (i = 0; i < len; i++)
		if (bytes[i] != byte_of(pattern, i))
			return false;
	return true;
}
