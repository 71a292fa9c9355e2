// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"
#include "steps.h"
#include "user.h"

static enum place some_source(void)
{
	return one_in(8) ? (enum place)random_below(CHANGING) :
	       one_in(2) ? GOOD : EDGE;
}

/* Fills in a send of a payload there. Returns its error, unless the address causes it. */
static long make_send(struct kevents_send *send, enum place place, uint8_t pattern)
{
	unsigned int fault = random_below(40);
	uint32_t len = some_len();

	*send = (struct kevents_send){ .id = broker->queues[some_id()].id, .len = len };
	if (fault == 0) {
		send->len = LEN_MAX + 1 + random_below(2) * UINT32_MAX;
		return -EMSGSIZE;
	}
	send->data = (uintptr_t)memory_at(place, len, 0);
	if (can_write(place))
		payload_fill(memory_at(place, len, 0), len, pattern);
	if (fault < 4) {
		if (fault % 2)
			send->reserved32 = fault;
		else
			send->reserved = fault;
		return -EINVAL;
	}
	if (fault == 4) {
		send->flags = 1U << random_below(32);
		return -EINVAL;
	}
	return len && !can_read(place) ? -EFAULT : 0;
}

unsigned int index_of(int id)
{
	unsigned int i = 0;

	while (broker->queues[i].id != id)
		i++;
	return i;
}

/* READ_ONLY memory is zeros, which is not a pattern. */
static bool is_usable(const struct kevents_send *send, enum place place)
{
	return place != READ_ONLY || !send->len;
}

int some_send_timeout(void)
{
	bool ends = setting == FULL || setting == FEW_BYTES;

	return (int)random_below(2 + !ends) - !ends;
}

/* Returns the address of the argument. */
static enum place some_target(void)
{
	if (one_in(12))
		return NOWHERE;
	return one_in(12) ? READ_ONLY : EDGE;
}

void step_send(void)
{
	const struct client *client = &broker->clients[some_client()];
	enum place place = some_source(), where = some_target();
	struct kevents_send send, *argument = memory_at(where, sizeof(send), 1);
	uint8_t pattern = random_below(256);
	int timeout_ms;
	long expected = make_send(&send, place, pattern);
	struct event *event;

	if (!is_usable(&send, place))
		return;
	timeout_ms = some_send_timeout();
	send.deadline_ns = deadline_ns(timeout_ms);
	send.seq = UINT64_MAX;
	if (client->user == ROOT && one_in(10))
		send.ttl_ms = 1 + random_below(2);
	else if (one_in(6))
		send.ttl_ms = 100000 + random_below(2) * INT32_MAX;
	if (!expected || expected == -EFAULT)
		expected = broker_send_outcome(client, index_of(send.id), send.len, expected,
					       timeout_ms, 0);
	if (can_write(where))
		*argument = send;
	else
		expected = -EFAULT;
	if (!client->writable)
		expected = -EBADF;
	trace("client %zd: send id %d len %llu ttl %u at %d, argument at %d:",
	      client - broker->clients, send.id, (unsigned long long)send.len, send.ttl_ms,
	      place, where);
	expect("send", outcome(ioctl(client->fd, KEVENTS_IOC_SEND, argument)), expected);
	if (expected && client->writable && can_write(where) && argument->seq)
		fail("a send that fails tells seq %llu", (unsigned long long)argument->seq);
	if (expected)
		return;
	event = broker_send(client, index_of(send.id), argument->seq, send.len, pattern);
	if (send.ttl_ms && send.ttl_ms < 10) {
		outlast_ms(event->id, send.ttl_ms);
		broker_expire(event);
		return;
	}
}
