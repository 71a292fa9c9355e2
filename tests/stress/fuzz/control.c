// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "steps.h"
#include "user.h"

static bool is_same(const char *what, uint64_t is, uint64_t should)
{
	if (is != should)
		fail("%s is %llu, not %llu", what, (unsigned long long)is,
		     (unsigned long long)should);
	return true;
}

/* Returns a value for a field that must be 0. */
static uint32_t rarely_a_bit(void)
{
	return one_in(60) ? some_bit() : 0;
}

/* Makes the call on a file that this user has opened. */
static void check_stat(int fd, unsigned int user, unsigned int id, uint32_t flags)
{
	const struct queue *queue = &broker->queues[id];
	long expected = broker_allows(user, id, RECEIVE) ? 0 : -EPERM;
	struct kevents_stat stat;

	memset(&stat, 0x5a, sizeof(stat));
	stat.id = queue->id;
	stat.flags = flags;
	if (flags)
		expected = -EINVAL;
	trace("file %d of user %u: stat id %d flags %u:", fd, user, stat.id, stat.flags);
	expect("stat", outcome(ioctl(fd, KEVENTS_IOC_STAT, &stat)), expected);
	if (expected)
		return;
	is_same("pending", stat.pending, broker_pending(id));
	is_same("leased", stat.leased, broker_leased(id));
	is_same("waiters", stat.waiters, 0);
	is_same("sent", stat.sent, queue->sent);
	is_same("received", stat.received, queue->received);
	is_same("expired", stat.expired, queue->expired);
	is_same("returned", stat.returned, queue->returned);
	is_same("claimed", stat.claimed, queue->claimed);
	is_same("mode", stat.mode, queue->claimed ? queue->mode : 0);
	is_same("owner_uid", stat.owner_uid, queue->claimed ? users[queue->owner].uid : 0);
	is_same("owner_gid", stat.owner_gid, queue->claimed ? users[queue->owner].gid : 0);
	is_same("reserved", stat.reserved[0] | stat.reserved[1] | stat.reserved[2] |
		stat.reserved[3], 0);
	is_same("bytes", stat.bytes, broker_bytes(id));
}

void step_stat(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int id = some_id();

	check_stat(client->fd, client->user, id, rarely_a_bit());
}

void check_all(void)
{
	unsigned int id;

	for (broker = brokers; broker < brokers + BROKERS; broker++)
		for (id = 0; id < IDS; id++)
			check_stat(broker->keeper, ROOT, id, 0);
	broker = brokers;
}

void step_poll(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int id = some_id();
	struct kevents_poll poll = {
		.id = broker->queues[id].id, .flags = rarely_a_bit(), .reserved = rarely_a_bit(),
	};
	long expected = broker_allows(client->user, id, RECEIVE) ? !!broker_first(id) : -EPERM;

	if (!client->readable)
		expected = -EBADF;
	else if (poll.flags || poll.reserved)
		expected = -EINVAL;
	trace("client %zd: poll id %d flags %u:", client - broker->clients, poll.id, poll.flags);
	expect("poll", outcome(ioctl(client->fd, KEVENTS_IOC_POLL, &poll)), expected);
}

void step_poll_file(void)
{
	const struct client *client = &broker->clients[some_client()];
	struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN | POLLOUT };
	short ready = 0;

	if (client->readable && broker_has_watched(client))
		ready |= POLLIN;
	if (client->writable && broker_has_space(client->user))
		ready |= POLLOUT;
	trace("client %zd: poll(2):", client - broker->clients);
	expect("poll(2)", outcome(poll(&poll_fd, 1, 0)), ready ? 1 : 0);
	is_same("revents", poll_fd.revents, ready);
}

static long call_id(const struct client *client, const char *name, unsigned int command,
		    unsigned int id, long expected)
{
	struct kevents_id argument = {
		.id = broker->queues[id].id, .flags = rarely_a_bit(), .reserved = rarely_a_bit(),
	};
	long result;

	if ((argument.flags || argument.reserved) && expected != -EBADF)
		expected = -EINVAL;
	trace("client %zd: %s id %d:", client - broker->clients, name, argument.id);
	result = outcome(ioctl(client->fd, command, &argument));
	expect(name, result, expected);
	return argument.flags || argument.reserved ? -EINVAL : result;
}

void step_watch(void)
{
	struct client *client = &broker->clients[some_client()];
	unsigned int id = some_id();
	long expected = client->watches[id] ? 0 : broker_watch_refusal(client->user);

	if (!client->readable)
		expected = -EBADF;
	if (!call_id(client, "watch", KEVENTS_IOC_WATCH, id, expected) && !client->watches[id])
		client->watches[id] = true;
}

void step_unwatch(void)
{
	struct client *client = &broker->clients[some_client()];
	unsigned int id = some_id();

	if (!call_id(client, "unwatch", KEVENTS_IOC_UNWATCH, id,
		     client->watches[id] ? 0 : -ENOENT))
		client->watches[id] = false;
}

void step_purge(void)
{
	struct client *client = &broker->clients[some_client()];
	unsigned int id = some_id();
	long expected = broker_allows(client->user, id, RECEIVE) ? (long)broker_pending(id) :
								   -EPERM;

	if (!client->readable)
		expected = -EBADF;
	if (call_id(client, "purge", KEVENTS_IOC_PURGE, id, expected) >= 0)
		broker_purge(id);
}

void step_claim(void)
{
	struct client *client = &broker->clients[some_client()];
	unsigned int id = some_id();
	struct kevents_claim claim = {
		.id = broker->queues[id].id,
		.mode = random_below(01000) & (one_in(4) ? 0777 : 0666),
		.reserved = rarely_a_bit(),
	};
	struct queue *queue = &broker->queues[id];
	bool is_ours = client->user == ROOT || queue->owner == client->user;
	long expected = 0;

	claim.mode |= rarely_a_bit();
	if (claim.mode & ~0666U || claim.reserved)
		expected = -EINVAL;
	else if (queue->claimed)
		expected = is_ours ? 0 : -EBUSY;
	else
		expected = broker_claim_refusal(client->user);

	if (one_in(2)) {
		if (!call_id(client, "unclaim", KEVENTS_IOC_UNCLAIM, id,
			     !queue->claimed ? -ENOENT : is_ours ? 0 : -EPERM))
			queue->claimed = false;
		return;
	}
	trace("client %zd: claim id %d mode %o:", client - broker->clients, claim.id, claim.mode);
	expect("claim", outcome(ioctl(client->fd, KEVENTS_IOC_CLAIM, &claim)),
	       expected);
	if (expected)
		return;
	if (!queue->claimed)
		queue->owner = client->user;
	queue->claimed = true;
	queue->mode = claim.mode;
}

/* Returns the number of a lease of the client, or any number. */
static uint64_t some_seq(int client)
{
	unsigned int i, tries;

	for (tries = 0; tries < 16 && broker->event_count; tries++) {
		i = random_below(broker->event_count);
		if (!broker->events[i].gone && (broker->events[i].holder == client || one_in(8)))
			return broker->events[i].seq;
	}
	return one_in(2) ? random_number() : random_below(broker->event_count + 2);
}

void step_lease(void)
{
	int client = some_client();
	struct kevents_lease lease = {
		.seq = some_seq(client), .flags = rarely_a_bit(),
		.reserved32 = rarely_a_bit(), .reserved = rarely_a_bit(),
	};
	struct event *event = broker_lease(client, lease.seq);
	bool acknowledges = one_in(2);
	long expected = event ? 0 : -ENOENT;

	if (lease.flags || lease.reserved32 || lease.reserved)
		expected = -EINVAL;
	trace("client %d: %s %llu:", client, acknowledges ? "ack" : "nack",
	      (unsigned long long)lease.seq);
	expect("ack or nack",
	       outcome(ioctl(broker->clients[client].fd,
			     acknowledges ? KEVENTS_IOC_ACK : KEVENTS_IOC_NACK, &lease)),
	       expected);
	if (expected)
		return;
	if (acknowledges)
		broker_acknowledge(event);
	else
		broker_return(event);
}

static int compare(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

void step_list(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int n = random_below(IDS + 2), count = 0, i;
	int *ids = memory_at(n > IDS ? GOOD : EDGE, n * sizeof(*ids), 1), sorted[IDS];
	struct kevents_list list = {
		.ids = (uintptr_t)ids, .n = n, .flags = rarely_a_bit(),
		.reserved32 = rarely_a_bit(), .reserved = rarely_a_bit(),
	};
	long expected = 0;

	for (i = 0; i < IDS; i++)
		if (broker_allows(client->user, i, RECEIVE))
			sorted[count++] = broker->queues[i].id;
	qsort(sorted, count, sizeof(*sorted), compare);
	if (one_in(8))
		list.ids = (uintptr_t)memory_at(NOWHERE, 0, 0);
	trace("client %zd: list of %u:", client - broker->clients, n);
	if (list.flags || list.reserved32 || list.reserved)
		expected = -EINVAL;
	else if (n && count && list.ids != (uintptr_t)ids)
		expected = -EFAULT;
	expect("list", outcome(ioctl(client->fd, KEVENTS_IOC_LIST, &list)), expected);
	if (expected || list.ids != (uintptr_t)ids)
		return;
	is_same("count", list.count, count);
	for (i = 0; i < n && i < count; i++)
		is_same("an ID", ids[i], sorted[i]);
}

void step_limits(void)
{
	const struct client *client = &broker->clients[some_client()];
	struct kevents_limits limits;
	uint64_t bytes = 0, count = 0;
	unsigned int i;

	for (i = 0; i < IDS; i++) {
		bytes += broker_bytes(i);
		count += broker_pending(i) + broker_leased(i);
	}
	trace("client %zd: limits:", client - broker->clients);
	expect("limits", outcome(ioctl(client->fd, KEVENTS_IOC_LIMITS, &limits)), 0);
	is_same("broker_ids", limits.broker_ids, IDS);
	is_same("broker_events", limits.broker_events, count);
	is_same("strict", limits.strict, setting == STRICT);
	/* Root is also charged for what earlier rounds left. */
	if (client->user != ROOT)
		is_same("user_bytes", limits.user_bytes, broker_user_bytes(client->user));
	is_same("broker_bytes", limits.broker_bytes, bytes);
}

void step_info(void)
{
	const struct client *client = &broker->clients[some_client()];
	static const struct kevents_info expected = {
		.abi_version = KEVENTS_ABI_VERSION, .max_event_size = LEN_MAX,
	};
	struct kevents_info info;

	memset(&info, 0x5a, sizeof(info));
	trace("client %zd: info:", client - broker->clients);
	expect("info", outcome(ioctl(client->fd, KEVENTS_IOC_INFO, &info)), 0);
	if (memcmp(&info, &expected, sizeof(info)))
		fail("info tells version %u, size %llu, or has bytes that are not 0",
		     info.abi_version, (unsigned long long)info.max_event_size);
}
