// SPDX-License-Identifier: GPL-2.0-only
/* read(2) and write(2) with a buffer whose end may be inaccessible. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"
#include "steps.h"

#define RECORDS_MAX 6

/* A buffer in three parts, of which this many bytes are accessible. */
struct buffer {
	struct iovec parts[3];
	size_t size, good;
};

/* Makes a buffer of this many bytes at start, whose end may be inaccessible instead. */
static struct buffer some_buffer(char *start, size_t size, enum place bad)
{
	struct buffer buffer = { .size = size, .good = size };
	size_t first;

	if (size && one_in(4))
		buffer.good = one_in(4) ? size - 1 : random_below(size);
	first = random_below(buffer.good + 1);
	buffer.parts[0] = (struct iovec){ .iov_base = start, .iov_len = first };
	buffer.parts[1] = (struct iovec){
		.iov_base = start + first, .iov_len = buffer.good - first,
	};
	buffer.parts[2] = (struct iovec){
		.iov_base = memory_at(bad, size - buffer.good, 2),
		.iov_len = size - buffer.good,
	};
	return buffer;
}

/* A record to write, and its error. */
struct draft {
	unsigned int id;
	struct kevents_record record;
	bool has_bad_padding;
	size_t start, end;
};

static struct draft some_draft(size_t start)
{
	struct draft draft = { .id = some_id(), .start = start };
	struct kevents_record *record = &draft.record;

	record->id = broker->queues[draft.id].id;
	record->len = one_in(30) ? LEN_MAX - 2 + random_below(5) : random_below(100);
	if (one_in(60))
		record->seq = some_bit();
	draft.has_bad_padding = record->len % 8 && one_in(60);
	draft.end = start + KEVENTS_RECORD_SIZE(record->len);
	return draft;
}

/* Writes the record to the buffer at start. */
static void draft_place(const struct draft *draft, char *start, uint8_t pattern)
{
	char *at = start + draft->start;

	memset(at, 0, draft->end - draft->start);
	memcpy(at, &draft->record, sizeof(draft->record));
	payload_fill(at + sizeof(draft->record), draft->record.len, pattern);
	if (draft->has_bad_padding)
		start[draft->end - 1] = 1;
}

static long draft_outcome(const struct client *client, const struct draft *draft,
			  size_t good, uint64_t before)
{
	long result;

	if (draft->start + sizeof(draft->record) > good)
		return -EFAULT;
	if (draft->record.seq)
		return -EINVAL;
	if (draft->has_bad_padding && draft->end <= good)
		return -EINVAL;
	if (draft->record.len % 8 && draft->end > good)
		return -EFAULT;
	if (draft->record.len > LEN_MAX)
		return -EMSGSIZE;
	result = broker_send_outcome(client, draft->id, draft->record.len,
				     draft->end > good ? -EFAULT : 0, false, before);
	return result == -EDQUOT ? -EAGAIN : result;
}

void step_write(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int n = random_below(RECORDS_MAX + 1), good = 0, i;
	struct draft drafts[RECORDS_MAX];
	struct buffer buffer;
	size_t whole = 0, rest = one_in(10) ? random_below(16) : 0;
	uint64_t bytes = 0;
	long expected = rest ? -EINVAL : 0;
	char *start;

	for (i = 0; i < n && whole < LEN_MAX; i++) {
		drafts[i] = some_draft(whole);
		whole = drafts[i].end;
	}
	n = i;
	start = memory_at(EDGE, whole + rest, 1);
	memset(start + whole, 0xff, rest);	/* an incomplete record */
	for (i = 0; i < n; i++)
		draft_place(&drafts[i], start, i);
	buffer = some_buffer(start, whole + rest, NOWHERE);
	for (i = 0; i < n && good == i; i++) {
		expected = draft_outcome(client, &drafts[i], buffer.good, bytes);
		if (!expected) {
			good++;
			bytes += broker_event_bytes(drafts[i].record.len);
		}
	}
	if (!client->writable)
		expected = -EBADF;
	else if (good)
		expected = (long)drafts[good - 1].end;
	trace("client %zd: write %u records, %u good, %zu bytes of %zu:",
	      client - broker->clients, n, good, buffer.good, buffer.size);
	expect("write", outcome(writev(client->fd, buffer.parts, 3)), expected);
	for (i = 0; expected > 0 && i < good; i++)
		broker_send(client, drafts[i].id, 0, drafts[i].record.len, i);
}

/* Checks the records against the model. Returns their end. */
static size_t take_records(const struct client *client, const uint8_t *buffer, size_t size)
{
	struct kevents_record record;
	struct event *event;
	size_t at = 0, i;

	while (at + sizeof(record) <= size) {
		memcpy(&record, buffer + at, sizeof(record));
		event = broker_first_watched(client, record.id);
		if (!event || event->len != record.len)
			fail("a record of ID %d, len %u, seq %llu; its turn is len %d, seq %llu",
			     record.id, record.len, (unsigned long long)record.seq,
			     event ? (int)event->len : -1,
			     event ? (unsigned long long)event->seq : 0);
		if (!payload_is(buffer + at + sizeof(record), record.len, event->pattern))
			fail("the payload of a record of %u bytes is another", record.len);
		for (i = sizeof(record) + record.len; i < KEVENTS_RECORD_SIZE(record.len); i++)
			if (buffer[at + i])
				fail("a record's padding is not zero");
		broker_take(event, record.seq, WAITS);
		at += KEVENTS_RECORD_SIZE(record.len);
	}
	return at;
}

/* Returns whether the record of a possible next event has over < size <= at_most. */
static bool has_record(const struct client *client, size_t over, size_t at_most)
{
	const struct event *event;
	unsigned int i;
	size_t size;

	for (i = 0; i < IDS; i++) {
		event = broker_shows(client, i) ? broker_first(i) : NULL;
		size = event ? KEVENTS_RECORD_SIZE(event->len) : 0;
		if (size > over && size <= at_most)
			return true;
	}
	return false;
}

void step_read(void)
{
	const struct client *client = &broker->clients[some_client()];
	size_t size = one_in(3) ? 100000 : random_below(400);
	char *start = memory_at(EDGE, size, 1);
	struct buffer buffer = some_buffer(start, size, one_in(2) ? NOWHERE : READ_ONLY);
	bool had = broker_has_watched(client);
	long result;

	trace("client %zd: read, %zu bytes of %zu:", client - broker->clients, buffer.good, size);
	result = outcome(readv(client->fd, buffer.parts, 3));
	trace(" %ld %s\n", result, error_name(result));
	if (!client->readable || !size)
		return expect("read", result, client->readable ? 0 : -EBADF);
	if (!had)
		return expect("read", result, -EAGAIN);
	if (!result || result > (long)buffer.good)
		fail("read returns %ld", result);
	if (result < 0 && !(result == -EMSGSIZE && has_record(client, size, SIZE_MAX)) &&
	    !(result == -EFAULT && has_record(client, buffer.good, size)))
		fail("read returns %ld (%s)", result, error_name(result));
	if (result < 0)
		return;
	if (take_records(client, (uint8_t *)start, result) != (size_t)result)
		fail("the last record is not whole");
	if (broker_has_watched(client) && !has_record(client, buffer.good - result, SIZE_MAX))
		fail("read leaves what would fit");
}
