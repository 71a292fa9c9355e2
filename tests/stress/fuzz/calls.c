// SPDX-License-Identifier: GPL-2.0-only
/* The calls of a parallel round. */
#include <linux/kevents.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"
#include "parallel.h"

#define ENTRIES_MAX 40

bool parallel_is_private;

/* Each thread has its own, so that what it does depends on the plan alone. */
static __thread uint64_t state;
static __thread char own[ENTRIES_MAX * sizeof(struct kevents_receive)]
	__attribute__((aligned(8)));

void parallel_random_start(uint64_t seed)
{
	state = seed | 1;
}

static uint64_t number(void)
{
	uint64_t x = state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return state = x;
}

uint64_t below(uint64_t n)
{
	return number() % n;
}

static const unsigned int commands[] = {
	KEVENTS_IOC_SEND, KEVENTS_IOC_SEND, KEVENTS_IOC_SEND, KEVENTS_IOC_RECEIVE,
	KEVENTS_IOC_RECEIVE, KEVENTS_IOC_RECEIVE, KEVENTS_IOC_POLL, KEVENTS_IOC_SEND_BATCH,
	KEVENTS_IOC_RECEIVE_BATCH, KEVENTS_IOC_ACK, KEVENTS_IOC_NACK, KEVENTS_IOC_WATCH,
	KEVENTS_IOC_UNWATCH, KEVENTS_IOC_STAT, KEVENTS_IOC_LIST, KEVENTS_IOC_PURGE,
	KEVENTS_IOC_CLAIM, KEVENTS_IOC_UNCLAIM, KEVENTS_IOC_LIMITS, KEVENTS_IOC_INFO,
};

static int some_id(void)
{
	return parallel_ids[below(PARALLEL_IDS)];
}

static uint64_t some_deadline(void)
{
	static const int timeouts[] = { 0, 0, 0, 1, 3, -1, INT32_MAX };
	static const uint64_t others[] = { 1, INT64_MAX, 1ULL << 63 };

	return below(8) ? deadline_ns(timeouts[below(ARRAY_SIZE(timeouts))]) :
	       others[below(ARRAY_SIZE(others))];
}

static enum place some_place(void)
{
	if (!below(3))
		return (enum place)below(PLACES);
	return below(4) ? GOOD : CHANGING;
}

static uint64_t some_size(void)
{
	static const uint64_t sizes[] = {
		0, 1, 64, 65, 4096, 65536, 65537, UINT32_MAX, UINT64_MAX,
	};

	return below(2) ? below(200) : sizes[below(ARRAY_SIZE(sizes))];
}

/* Returns an address for a payload of a call with this size. */
static uint64_t some_data(uint64_t size)
{
	return (uintptr_t)memory_at(some_place(), size < MEMORY_MAX ? size : 8, below(4));
}

static void fill_send(struct kevents_send *send)
{
	*send = (struct kevents_send){
		.id = some_id(), .len = some_size(), .deadline_ns = some_deadline(),
		.ttl_ms = below(3) ? 0 : below(4),
	};
	send->data = some_data(send->len);
}

static void fill_receive(struct kevents_receive *receive)
{
	static const unsigned int flags[] = { 0, 1, 2, 4, 6, 8, 9, 12, 14, 5, UINT32_MAX };

	*receive = (struct kevents_receive){
		.flags = flags[below(ARRAY_SIZE(flags))], .size = some_size(),
		.deadline_ns = some_deadline(),
	};
	receive->id = receive->flags & KEVENTS_RECEIVE_WATCHED ? 0 : some_id();
	if (receive->flags & KEVENTS_RECEIVE_LEASE)
		receive->lease_ms = below(4);
	receive->data = some_data(receive->size);
}

static void mutate(void *argument, size_t size)
{
	unsigned char *bytes = argument;
	unsigned int i;

	for (i = 1 + below(3); i; i--)
		bytes[below(size)] ^= 1 << below(8);
}

/* Fills in an entry of a batch of this command. */
static void fill_entry(void *entry, unsigned int command, bool leases)
{
	struct kevents_receive *receive = entry;
	struct kevents_send *send = entry;

	if (command == KEVENTS_IOC_SEND_BATCH) {
		fill_send(send);
		send->deadline_ns = 0;
		return;
	}
	*receive = (struct kevents_receive){
		.size = below(200), .data = some_data(200),
		.lease_ms = leases ? below(4) : 0,
	};
}

/* The entries are at an address of their own, or overlap with the buffer. */
static void fill_batch(struct kevents_batch *batch, unsigned int command)
{
	size_t size = command == KEVENTS_IOC_SEND_BATCH ? sizeof(struct kevents_send) :
		      sizeof(struct kevents_receive);
	bool leases = command == KEVENTS_IOC_RECEIVE_BATCH && below(2);
	char *entries = parallel_is_private ? own : memory_at(GOOD, 0, below(2));
	unsigned int i, n = 1 + below(ENTRIES_MAX);

	for (i = 0; i < n; i++) {
		fill_entry(entries + i * size, command, leases);
		if (!below(80))
			mutate(entries + i * size, size);
	}
	*batch = (struct kevents_batch){
		.entries = parallel_is_private || below(8) ? (uintptr_t)entries : some_data(200),
		.n = parallel_is_private || below(16) ? n : UINT32_MAX,
		.deadline_ns = some_deadline(),
		.flags = leases ? KEVENTS_RECEIVE_LEASE : 0,
	};
}

static void fill(void *argument, unsigned int command)
{
	struct kevents_list *list = argument;

	memset(argument, 0, _IOC_SIZE(command));
	switch (command) {
	case KEVENTS_IOC_SEND:
		fill_send(argument);
		return;
	case KEVENTS_IOC_RECEIVE:
		fill_receive(argument);
		return;
	case KEVENTS_IOC_SEND_BATCH:
	case KEVENTS_IOC_RECEIVE_BATCH:
		fill_batch(argument, command);
		return;
	case KEVENTS_IOC_ACK:
	case KEVENTS_IOC_NACK:
		((struct kevents_lease *)argument)->seq = below(100);
		return;
	case KEVENTS_IOC_CLAIM:
		((struct kevents_claim *)argument)->mode = below(2) ? 0666 : below(01000);
		break;
	case KEVENTS_IOC_LIST:
		list->n = some_size();
		list->ids = some_data(20);
		return;
	}
	*(int *)argument = some_id();
}

static void told_received(const struct kevents_receive *receive, uint32_t flags)
{
	if (flags & KEVENTS_RECEIVE_LEASE)
		tally_leased(receive->event.id, receive->event.seq);
	else if (!(flags & KEVENTS_RECEIVE_PEEK))
		tally_received(receive->event.id, receive->event.seq);
}

static void told_batch(const struct kevents_batch *batch, unsigned int command, long done)
{
	const struct kevents_receive *receive = (void *)(uintptr_t)batch->entries;
	const struct kevents_send *send = (void *)(uintptr_t)batch->entries;

	for (; done > 0 && batch->entries == (uintptr_t)own; done--) {
		if (command == KEVENTS_IOC_SEND_BATCH)
			tally_sent(send->id, send->seq);
		else
			told_received(receive, batch->flags);
		send++;
		receive++;
	}
}

/* Records only results in memory that no other thread writes to. */
static void told(const void *argument, unsigned int command, long result)
{
	const struct kevents_receive *receive = argument;
	const struct kevents_lease *lease = argument;
	const struct kevents_send *send = argument;
	const struct kevents_id *id = argument;

	switch (command) {
	case KEVENTS_IOC_SEND:
		check_send_waits(send->deadline_ns, result);
		if (!result)
			tally_sent(send->id, send->seq);
		break;
	case KEVENTS_IOC_RECEIVE:
		check_receive_waits(receive->deadline_ns, result);
		if (!result)
			told_received(receive, receive->flags);
		break;
	case KEVENTS_IOC_SEND_BATCH:
	case KEVENTS_IOC_RECEIVE_BATCH:
		told_batch(argument, command, result);
		break;
	case KEVENTS_IOC_ACK:
		if (!result)
			tally_acknowledged(lease->seq);
		break;
	case KEVENTS_IOC_PURGE:
		if (result > 0)
			tally_purged(id->id, result);
		break;
	}
}

static bool is_batch(unsigned int command)
{
	return command == KEVENTS_IOC_SEND_BATCH || command == KEVENTS_IOC_RECEIVE_BATCH;
}

void some_ioctl(int fd)
{
	unsigned int command = commands[below(ARRAY_SIZE(commands))];
	unsigned char bytes[128] __attribute__((aligned(8)));
	size_t size = _IOC_SIZE(command);
	enum place place = below(8) ? GOOD : (enum place)below(PLACES);
	void *argument = memory_at(place, size, 2 + below(2));
	long result;

	fill(bytes, command);
	if (!below(6) && !(parallel_is_private && is_batch(command)))
		mutate(bytes, size);
	if (!below(50) && !parallel_is_private)
		command ^= 1U << below(32);
	/* Threads share the address on purpose, so that the data changes during the call. */
	if (can_write(place))
		memcpy(argument, bytes, size);
	if (parallel_is_private || below(4))
		argument = bytes;
	if (command == KEVENTS_IOC_PURGE && (argument != bytes || !tally_may_purge()))
		command = KEVENTS_IOC_POLL;
	result = outcome(ioctl(fd, command, argument));
	check_call("ioctl", command, result);
	if (argument == bytes)
		told(argument, command, result);
}

/* Reads or writes records in this thread's own memory, so that the result is certain. */
static void own_stream(int fd)
{
	struct kevents_record *record;
	bool writes = below(2);
	size_t size = writes ? 0 : below(sizeof(own)), at;
	long result;

	while (writes && size < sizeof(own) / 2 && below(4)) {
		record = (void *)(own + size);
		*record = (struct kevents_record){ .id = some_id(), .len = below(64) };
		memset(record + 1, 0, KEVENTS_RECORD_SIZE(record->len) - sizeof(*record));
		size += KEVENTS_RECORD_SIZE(record->len);
	}
	result = outcome(writes ? write(fd, own, size) : read(fd, own, size));
	check_call(writes ? "write" : "read", writes ? CALL_WRITE : CALL_READ, result);
	for (at = 0; (long)at < result; at += KEVENTS_RECORD_SIZE(record->len)) {
		record = (void *)(own + at);
		if (writes)
			tally_sent(record->id, 0);
		else
			tally_received(record->id, record->seq);
	}
}

void some_stream(int fd)
{
	struct kevents_record *record = memory_at(GOOD, 0, below(4));
	struct iovec parts[3];
	unsigned int i, n = 1 + below(ARRAY_SIZE(parts));

	if (parallel_is_private)
		return own_stream(fd);
	record->id = some_id();
	record->len = below(64);
	record->seq = 0;
	for (i = 0; i < n; i++) {
		parts[i].iov_len = below(4) ? below(300) : some_size() % MEMORY_MAX;
		parts[i].iov_base = (void *)(uintptr_t)some_data(parts[i].iov_len);
	}
	switch (below(4)) {
	case 0:
		check_call("read", CALL_READ,
			   outcome(read(fd, parts[0].iov_base, parts[0].iov_len)));
		break;
	case 1:
		check_call("write", CALL_WRITE,
			   outcome(write(fd, record, KEVENTS_RECORD_SIZE(record->len % 64))));
		break;
	case 2:
		check_call("readv", CALL_READ, outcome(readv(fd, parts, n)));
		break;
	default:
		check_call("writev", CALL_WRITE, outcome(writev(fd, parts, n)));
	}
}

void some_poll(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = below(65536) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | (below(2) ? EPOLLET : 0) };
	int epoll;

	if (below(2)) {
		check_call("poll", CALL_POLL, outcome(poll(&poll_fd, 1, below(3))));
		return;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		check_call("epoll_wait", CALL_POLL,
			   outcome(epoll_wait(epoll, &event, 1, below(3))));
	close(epoll);
}
