// SPDX-License-Identifier: GPL-2.0-only
#include "broker.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "user.h"

struct broker brokers[BROKERS], *broker = brokers;

/* Charges, measured before all rounds; that of an event by its length. */
static struct {
	uint32_t watch, claim;
	uint32_t event[LEN_MAX + 1];
} *costs;

static uint64_t user_bytes(int fd)
{
	struct kevents_limits limits;

	if (ioctl(fd, KEVENTS_IOC_LIMITS, &limits))
		fail("limits: %s", strerror(errno));
	return limits.user_bytes;
}

static void measure_event(int fd, uint32_t len)
{
	static char payload[LEN_MAX] = { 0 };
	struct kevents_send send = { .data = (uintptr_t)payload, .len = len };
	struct kevents_id id = { .id = send.id };
	uint64_t before = user_bytes(fd), bytes;

	if (ioctl(fd, KEVENTS_IOC_SEND, &send))
		fail("send: %s", strerror(errno));
	bytes = user_bytes(fd) - before;
	if (ioctl(fd, KEVENTS_IOC_PURGE, &id) != 1)
		fail("purge: %s", strerror(errno));
	if (bytes < len || bytes > 2 * (uint64_t)len + 1024)
		fail("%llu bytes are charged for %u", (unsigned long long)bytes, len);
	costs->event[len] = bytes;
}

/* All lengths between two with the same charge have that charge. */
static void measure_between(int fd, uint32_t low, uint32_t high)
{
	uint32_t middle = low + (high - low) / 2;

	if (costs->event[low] == costs->event[high]) {
		while (++low < high)
			costs->event[low] = costs->event[high];
	} else if (middle > low) {
		measure_event(fd, middle);
		measure_between(fd, low, middle);
		measure_between(fd, middle, high);
	}
}

static void measure_watch_and_claim(int fd)
{
	struct kevents_id id = { .id = 0 };
	struct kevents_claim claim = { .id = 0 };
	uint64_t before = user_bytes(fd);

	if (ioctl(fd, KEVENTS_IOC_WATCH, &id))
		fail("watch: %s", strerror(errno));
	costs->watch = user_bytes(fd) - before;
	if (ioctl(fd, KEVENTS_IOC_CLAIM, &claim))
		fail("claim: %s", strerror(errno));
	costs->claim = user_bytes(fd) - before - costs->watch;
	if (ioctl(fd, KEVENTS_IOC_UNWATCH, &id) || ioctl(fd, KEVENTS_IOC_UNCLAIM, &id))
		fail("unwatch or unclaim: %s", strerror(errno));
}

void broker_create(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	costs = mmap(NULL, sizeof(*costs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (costs == MAP_FAILED || fd < 0)
		_exit(1);
	measure_watch_and_claim(fd);
	measure_event(fd, 0);
	measure_event(fd, LEN_MAX);
	measure_between(fd, 0, LEN_MAX);
	close(fd);
}

struct event *broker_end(void)
{
	return broker->events + broker->event_count;
}

static bool waits(const struct event *event)
{
	return !event->gone && event->holder == WAITS;
}

/* The number must lie between the known numbers of its neighbours. */
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

static uint64_t user_bytes_in(const struct broker *in, unsigned int user)
{
	uint64_t bytes = 0;
	unsigned int i, id;

	for (i = 0; i < in->event_count; i++)
		if (!in->events[i].gone && in->events[i].payer == user)
			bytes += costs->event[in->events[i].len];
	for (id = 0; id < IDS; id++) {
		if (in->queues[id].claimed && in->queues[id].owner == user)
			bytes += costs->claim;
		for (i = 0; i < CLIENTS; i++)
			if (in->clients[i].watches[id] && in->clients[i].user == user)
				bytes += costs->watch;
	}
	return bytes;
}

uint64_t broker_user_bytes(unsigned int user)
{
	const struct broker *any;
	uint64_t bytes = 0;

	for (any = brokers; any < brokers + BROKERS; any++)
		bytes += user_bytes_in(any, user);
	return bytes;
}

static long refusal(unsigned int user, uint64_t bytes)
{
	if (setting == FEW_BYTES && user != ROOT && broker_user_bytes(user) + bytes > BYTES_FEW)
		return -EDQUOT;
	return setting == FULL ? -EAGAIN : 0;
}

long broker_watch_refusal(unsigned int user)
{
	return refusal(user, costs->watch);
}

long broker_claim_refusal(unsigned int user)
{
	return refusal(user, costs->claim);
}

/* Half of the limit is less than the largest event. */
bool broker_has_space(unsigned int user)
{
	return !refusal(user, BYTES_FEW / 2);
}

uint64_t broker_event_bytes(uint32_t len)
{
	return costs->event[len];
}

long broker_send_outcome(const struct client *client, unsigned int id, uint32_t len,
			 long payload, bool waits, uint64_t before)
{
	bool is_allowed = broker_allows(client->user, id, SEND);
	long refused = refusal(client->user, before + costs->event[len]);

	/* Without space, the claim is checked first. */
	if (refused && is_allowed)
		return waits ? -ETIMEDOUT : refused;
	if (!refused && payload)
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

uint64_t broker_bytes(unsigned int id)
{
	struct event *event;
	uint64_t bytes = 0;

	for (event = broker->events; event < broker_end(); event++)
		if (event->id == id && !event->gone)
			bytes += costs->event[event->len];
	return bytes;
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
