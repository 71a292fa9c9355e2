// SPDX-License-Identifier: GPL-2.0-only
/* Batches of valid entries, with an invalid one now and then. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"
#include "steps.h"
#include "user.h"

#define SENDS_MAX 80
#define RECEIVES_MAX 40
#define ROOM 3200	/* bytes for the payload of an entry */
#define BRIEFLY 1	/* ms */

/* Returns a batch whose head is valid in most cases. */
static struct kevents_batch some_batch(enum place place, void *entries, unsigned int n)
{
	struct kevents_batch batch = { .entries = (uintptr_t)entries, .n = n };

	if (place == EDGE && one_in(20))
		batch.n++;	/* the last entry cannot be read */
	switch (random_below(100)) {
	case 0:
		batch.flags = some_bit();
		break;
	case 1:
	case 2:
	case 3:
		batch.reserved[random_below(2)] = 1;
		break;
	}
	return batch;
}

static bool head_is_valid(const struct kevents_batch *batch, uint32_t flags)
{
	return !(batch->flags & ~flags) && !batch->reserved[0] && !batch->reserved[1];
}

static enum place some_table(void)
{
	return one_in(40) ? NOWHERE : one_in(40) ? READ_ONLY : EDGE;
}

static uint64_t nowhere(void)
{
	return (uintptr_t)memory_at(NOWHERE, 0, 0);
}

static void spoil_send(struct kevents_send *send)
{
	switch (random_below(6)) {
	case 0:
		send->flags = some_bit();
		break;
	case 1:
		send->reserved32 = random_below(2);
		send->reserved = !send->reserved32;
		break;
	case 2:
		send->deadline_ns = some_bit();
		break;
	case 3:
		send->len = LEN_MAX + 1 + random_below(2) * UINT32_MAX;
		break;
	default:
		send->data = nowhere();
	}
}

static struct kevents_send some_send(const struct client *client, char *data,
				     uint8_t pattern)
{
	struct kevents_send send = {
		.id = broker->queues[some_id()].id, .data = (uintptr_t)data,
		.len = random_below(one_in(10) ? ROOM : 100),
	};

	if (client->user == ROOT && one_in(20))
		send.ttl_ms = BRIEFLY;
	else if (one_in(12))
		send.ttl_ms = 100000 + random_below(2) * INT32_MAX;
	payload_fill(data, send.len, pattern);
	if (one_in(80))
		spoil_send(&send);
	return send;
}

static long send_outcome(const struct client *client, const struct kevents_send *send,
			 bool waits, uint64_t before)
{
	if (send->flags || send->reserved32 || send->reserved || send->deadline_ns)
		return -EINVAL;
	if (send->len > LEN_MAX)
		return -EMSGSIZE;
	return broker_send_outcome(client, index_of(send->id), send->len,
				   send->len && send->data == nowhere() ? -EFAULT : 0, waits,
				   before);
}

/* Adds the accepted events to the model, and ends those with a short time to live. */
static void accept_sends(const struct client *client, const struct kevents_send *sends,
			 unsigned int n)
{
	struct event *event;
	unsigned int i;

	for (i = 0; i < n; i++) {
		event = broker_send(client, index_of(sends[i].id), sends[i].seq, sends[i].len, i);
		event->brief = sends[i].ttl_ms == BRIEFLY;
	}
	for (event = broker->events; event < broker_end(); event++) {
		if (!event->brief)
			continue;
		event->brief = false;
		outlast_ms(event->id, BRIEFLY);
		broker_expire(event);
	}
}

void step_send_batch(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int n = random_below(SENDS_MAX), good = 0, i;
	uint64_t bytes = 0;
	enum place place = some_table();
	struct kevents_send *sends = memory_at(place, n * sizeof(*sends), 2);
	struct kevents_batch batch = some_batch(place, sends, n);
	char *data = memory_at(GOOD, 0, 3);
	long expected = 0;

	batch.deadline_ns = deadline_ns(some_send_timeout());
	for (i = 0; i < n && place == EDGE; i++) {
		sends[i] = some_send(client, data + i * ROOM, i);
		if (!expected)
			expected = send_outcome(client, &sends[i], batch.deadline_ns, bytes);
		if (!expected) {
			good++;
			bytes += broker_event_bytes(sends[i].len);
		}
	}
	if (!expected && batch.n > good)
		expected = -EFAULT;
	if (!client->writable)
		expected = -EBADF;
	else if (!head_is_valid(&batch, 0))
		expected = -EINVAL;
	else if (good)
		expected = good;
	trace("client %zd: send batch of %u at %d, flags %#x, %u good:", client - broker->clients,
	      batch.n, place, batch.flags, good);
	expect("send batch", outcome(ioctl(client->fd, KEVENTS_IOC_SEND_BATCH, &batch)),
	       expected);
	if (expected > 0)
		accept_sends(client, sends, good);
}

static void spoil_receive(struct kevents_receive *receive, bool leases)
{
	switch (random_below(6)) {
	case 0:
		receive->id = (int)some_bit();
		break;
	case 1:
		receive->flags = some_bit();
		break;
	case 2:
		receive->reserved32 = random_below(2);
		receive->reserved = !receive->reserved32;
		break;
	case 3:
		receive->deadline_ns = some_bit();
		break;
	case 4:
		/* With a lease any time is valid, and the model has to know its end. */
		receive->lease_ms = leases ? 0 : some_bit();
		break;
	default:
		receive->data = nowhere();
	}
}

static struct kevents_receive some_receive(uint8_t *data, bool leases)
{
	struct kevents_receive receive = {
		.data = (uintptr_t)data, .size = one_in(16) ? 3 : one_in(8) ? ROOM : 128,
	};

	memset(data, FILL, receive.size);
	if (leases && one_in(2))
		receive.lease_ms = one_in(2) ? BRIEFLY : 1000000;
	if (one_in(40))
		spoil_receive(&receive, leases);
	return receive;
}

static bool entry_is_valid(const struct kevents_receive *receive, bool leases)
{
	return !receive->id && !receive->flags && !receive->deadline_ns &&
	       !receive->reserved32 && !receive->reserved && (leases || !receive->lease_ms);
}

/* Returns the result of an entry that would receive this event. */
static long entry_outcome(const struct kevents_receive *receive, const struct event *event)
{
	if (event->len > receive->size)
		return -EMSGSIZE;
	return event->len && receive->data == nowhere() ? -EFAULT : 0;
}

/* Returns whether one of the next possible events does not allow this result of the entry. */
static bool is_stopped(const struct client *client, const struct kevents_receive *receive,
		       long error)
{
	const struct event *event;
	long result;

	for (event = broker->events; event < broker_end(); event++) {
		if (!broker_shows(client, event->id) || event->gone ||
		    (event != broker_first(event->id) && !event->brief))
			continue;
		result = entry_outcome(receive, event);
		if (result && (!error || result == error))
			return true;
	}
	return false;
}

/* Checks that the batch stopped where its entries or its events stopped it. */
static void check_end(const struct client *client, const struct kevents_batch *batch,
		      const struct kevents_receive *receive, long error)
{
	uint32_t len = receive->event.len;

	if (!entry_is_valid(receive, batch->flags)) {
		if (error && error != -EINVAL)
			fail("a bad entry gives %ld (%s)", error, error_name(error));
		return;
	}
	if (!broker_has_watched(client)) {
		if (error && error != (batch->deadline_ns ? -ETIMEDOUT : -ENOMSG))
			fail("nothing waits, and that is %ld (%s)", error, error_name(error));
		return;
	}
	if (!is_stopped(client, receive, error))
		fail("a batch ends with %ld (%s), although more waits", error,
		     error_name(error));
	if (error == -EMSGSIZE && !broker_has_watched_over(client, receive->size, &len))
		fail("EMSGSIZE tells %llu", (unsigned long long)receive->event.len);
}

/* An event leased by an entry can come back and be received by a later one. */
static struct event *find_told(const struct client *client,
			       const struct kevents_received *told)
{
	struct event *event;

	for (event = broker->events; event < broker_end(); event++) {
		if (!event->brief || event->seq != told->seq)
			continue;
		event->brief = false;
		broker_return(event);
	}
	event = broker_first_watched(client, told->id);
	if (!event)
		fail("nothing was under ID %d", told->id);
	return event;
}

static void accept_receives(int i, bool leases, const struct kevents_receive *receives,
			    unsigned int n)
{
	const struct kevents_receive *receive;
	struct event *event;

	for (receive = receives; receive < receives + n; receive++) {
		event = find_told(&broker->clients[i], &receive->event);
		if (!entry_is_valid(receive, leases) || entry_outcome(receive, event))
			fail("entry %zd was done", receive - receives);
		check_told(event, &receive->event);
		if (receive->data != nowhere())
			check_payload(event, (uint8_t *)(uintptr_t)receive->data,
				      receive->size, false);
		broker_take(event, receive->event.seq, leases ? i : WAITS);
		event->brief = leases && receive->lease_ms == BRIEFLY;
	}
}

static void end_brief_leases(void)
{
	struct event *event;

	for (event = broker->events; event < broker_end(); event++) {
		if (!event->brief)
			continue;
		event->brief = false;
		outlast_ms(event->id, BRIEFLY);
		broker_return(event);
	}
}

/* At least one entry, in memory that cannot be written. */
static long outcome_of_bad_table(const struct client *client, enum place place,
				 const struct kevents_batch *batch)
{
	if (place == NOWHERE || broker_has_watched(client))
		return -EFAULT;
	return batch->deadline_ns ? -ETIMEDOUT : -ENOMSG;
}

void step_receive_batch(void)
{
	int i = some_client();
	struct client *client = &broker->clients[i];
	unsigned int n = random_below(RECEIVES_MAX), done, at;
	enum place place = some_table();
	struct kevents_receive *receives = memory_at(place, n * sizeof(*receives), 2);
	struct kevents_batch batch = some_batch(place, receives, n);
	uint8_t *data = memory_at(GOOD, 0, 3);
	bool leases;
	long result;

	batch.flags |= one_in(2) ? KEVENTS_RECEIVE_LEASE : 0;
	batch.deadline_ns = one_in(8) ? deadline_ns(1) : 0;
	leases = batch.flags & KEVENTS_RECEIVE_LEASE;
	for (at = 0; at < n && place == EDGE; at++)
		receives[at] = some_receive(data + at * ROOM, leases);
	trace("client %d: receive batch of %u at %d, flags %#x:", i, batch.n, place, batch.flags);
	result = outcome(ioctl(client->fd, KEVENTS_IOC_RECEIVE_BATCH, &batch));
	if (!client->readable)
		return expect("receive batch", result, -EBADF);
	if (!head_is_valid(&batch, KEVENTS_RECEIVE_LEASE))
		return expect("receive batch", result, -EINVAL);
	if (!n)
		return expect("receive batch", result, batch.n ? -EFAULT : 0);
	if (place != EDGE)
		return expect("receive batch", result,
			      outcome_of_bad_table(client, place, &batch));
	trace(" %ld %s\n", result, error_name(result));
	done = result > 0 ? result : 0;
	if (!result || done > n)
		fail("receive batch of %u returns %ld", n, result);
	accept_receives(i, leases, receives, done);
	if (done < n)
		check_end(client, &batch, &receives[done], done ? 0 : result);
	end_brief_leases();
}
