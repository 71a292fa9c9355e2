// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "steps.h"
#include "user.h"

void check_told(const struct event *event, const struct kevents_received *told)
{
	uint32_t again = event->deliveries ? KEVENTS_RECEIVED_AGAIN : 0;

	if (told->id != broker->queues[event->id].id || told->len != event->len ||
	    told->flags != again || told->deliveries != event->deliveries + 1 ||
	    told->pid != getpid() || told->uid != users[event->sender].uid ||
	    told->gid != users[event->sender].gid ||
	    told->reserved[0] || told->reserved[1] || !told->sent_ns)
		fail("told %d %llu %u %u from %d %u:%u, not %d %u %u %u from %d %u:%u",
		     told->id, (unsigned long long)told->len, told->flags,
		     told->deliveries, told->pid, told->uid, told->gid,
		     broker->queues[event->id].id, event->len, again, event->deliveries + 1,
		     getpid(), users[event->sender].uid, users[event->sender].gid);
}

void check_payload(const struct event *event, const uint8_t *data, uint64_t size,
		   bool terminate)
{
	uint64_t i = event->len;

	if (!payload_is(data, event->len, event->pattern))
		fail("the payload of %u bytes is another", event->len);
	if (terminate && i < size && data[i++])
		fail("no NUL byte behind the payload");
	for (; i < size; i++)
		if (data[i] != FILL)
			fail("byte %llu of %llu, behind %u of payload, was written",
			     (unsigned long long)i, (unsigned long long)size, event->len);
}

struct wish {
	struct kevents_receive receive;
	enum place place, where;
	bool is_valid;
};

/* Returns how many of the bytes at the address can be written. */
static uint64_t writable(enum place place, uint64_t size)
{
	if (can_write(place))
		return size;
	return place == CROSSING && size ? size - 1 : 0;
}

static struct wish some_wish(int id, uint32_t flags)
{
	static const uint32_t wrong[] = { 5, 16, UINT32_MAX, 1U << 31 };
	struct wish wish = { .is_valid = true };
	struct kevents_receive *receive = &wish.receive;

	wish.place = one_in(6) ? (enum place)random_below(CHANGING) : one_in(2) ? GOOD : EDGE;
	wish.where = one_in(16) ? NOWHERE : one_in(16) ? CROSSING : EDGE;
	*receive = (struct kevents_receive){
		.id = id, .flags = flags | random_below(8),
		.deadline_ns = one_in(8) ? deadline_ns(1) : 0,
	};
	if ((receive->flags & 5) == 5)
		receive->flags &= ~(one_in(2) ? 1U : 4U);
	receive->size = one_in(4) ? some_len() : 65536 + random_below(2);
	if (receive->flags & KEVENTS_RECEIVE_LEASE && one_in(3))
		receive->lease_ms = one_in(2) ? 1 : 1000000;
	if (one_in(24)) {
		receive->flags |= wrong[random_below(ARRAY_SIZE(wrong))];
		wish.is_valid = false;
	} else if (one_in(24)) {
		receive->reserved32 = random_below(2);
		receive->reserved = !receive->reserved32;
		wish.is_valid = false;
	}
	if (receive->flags & KEVENTS_RECEIVE_PEEK && receive->deadline_ns)
		wish.is_valid = false;
	receive->data = (uintptr_t)memory_at(wish.place, receive->size, 0);
	memset(memory_at(wish.place, receive->size, 0), FILL,
	       writable(wish.place, receive->size));
	return wish;
}

static long make_call(const struct client *client, struct wish *wish)
{
	struct kevents_receive *argument = memory_at(wish->where, sizeof(*argument), 1);
	size_t size = writable(wish->where, sizeof(*argument));
	long result;

	memcpy(argument, &wish->receive, size);
	trace("client %zd: receive id %d flags %#x size %llu lease %u at %d, argument at %d:",
	      client - broker->clients, wish->receive.id, wish->receive.flags,
	      (unsigned long long)wish->receive.size, wish->receive.lease_ms, wish->place,
	      wish->where);
	result = outcome(ioctl(client->fd, KEVENTS_IOC_RECEIVE, argument));
	memcpy(&wish->receive, argument, size);
	return result;
}

/* Returns the error of the call that does not depend on the events. */
static long mistake(const struct client *client, const struct wish *wish)
{
	if (!client->readable)
		return -EBADF;
	if (wish->where == NOWHERE)
		return -EFAULT;
	return wish->is_valid ? 0 : -EINVAL;
}

static long prediction(const struct wish *wish, const struct event *event)
{
	const struct kevents_receive *receive = &wish->receive;
	bool terminates = receive->flags & KEVENTS_RECEIVE_TERMINATE && receive->size > event->len;

	if (event->len > receive->size)
		return -EMSGSIZE;
	if (event->len + terminates > writable(wish->place, receive->size))
		return -EFAULT;
	return wish->where == CROSSING ? -EFAULT : 0;
}

static void accept(int client, const struct wish *wish, struct event *event)
{
	const struct kevents_receive *receive = &wish->receive;
	bool leases = receive->flags & KEVENTS_RECEIVE_LEASE;

	check_told(event, &receive->event);
	check_payload(event, memory_at(wish->place, receive->size, 0),
		      writable(wish->place, receive->size),
		      receive->flags & KEVENTS_RECEIVE_TERMINATE);
	if (receive->flags & KEVENTS_RECEIVE_PEEK)
		return;
	broker_take(event, receive->event.seq, leases ? client : WAITS);
	if (!leases || receive->lease_ms != 1)
		return;
	outlast_ms(event->id, 1);
	broker_return(event);
}

void step_receive(void)
{
	int i = some_client();
	struct client *client = &broker->clients[i];
	unsigned int id = some_id();
	struct wish wish = some_wish(broker->queues[id].id, 0);
	struct event *event = broker_first(id);
	long expected, result;

	expected = mistake(client, &wish);
	if (!expected && !broker_allows(client->user, id, RECEIVE))
		expected = -EPERM;
	else if (!expected && event)
		expected = prediction(&wish, event);
	else if (!expected)
		expected = wish.receive.deadline_ns ? -ETIMEDOUT : -ENOMSG;
	result = make_call(client, &wish);
	expect("receive", result, expected);
	if (event && result == -EMSGSIZE && wish.receive.event.len != event->len)
		fail("EMSGSIZE tells %llu, not %u", (unsigned long long)wish.receive.event.len,
		     event->len);
	if (event && !result)
		accept(i, &wish, event);
}

/* Returns whether a receive from any watched ID may have this result. */
static bool could_be(const struct client *client, const struct wish *wish, long result)
{
	unsigned int i;

	for (i = 0; i < IDS; i++)
		if (broker_shows(client, i) && broker_first(i) &&
		    prediction(wish, broker_first(i)) == result)
			return true;
	return false;
}

void step_receive_watched(void)
{
	int i = some_client();
	struct client *client = &broker->clients[i];
	struct wish wish = some_wish(0, KEVENTS_RECEIVE_WATCHED);
	struct event *event;
	long expected, result;

	expected = mistake(client, &wish);
	if (!expected && !broker_has_watched(client))
		expected = wish.receive.deadline_ns ? -ETIMEDOUT : -ENOMSG;
	result = make_call(client, &wish);
	if (expected) {
		expect("receive watched", result, expected);
		return;
	}
	trace(" %ld %s\n", result, error_name(result));
	if (!could_be(client, &wish, result))
		fail("receive watched returns %ld (%s)", result, error_name(result));
	if (result)
		return;
	event = broker_first_watched(client, wish.receive.event.id);
	if (!event)
		fail("nothing was under ID %d that is watched", wish.receive.event.id);
	accept(i, &wish, event);
}
