// SPDX-License-Identifier: GPL-2.0-only
#include "savefile.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "say.h"

#define MAGIC	"KEVENTS\n"
#define VERSION	1
#define RECORD	0x544e5645u
#define TRAILER	0x454e4f44u

struct header {
	char magic[8];
	uint32_t version;
	uint32_t zero;
};

struct record {
	uint32_t tag;
	uint32_t id;
	uint64_t seq;
	uint64_t sent_ns;
	uint32_t uid;
	uint32_t gid;
	uint32_t len;
	uint32_t checksum;
};

struct trailer {
	uint32_t tag;
	uint32_t zero;
	uint64_t count;
	uint32_t checksum;
} __attribute__((packed));

_Static_assert(sizeof(struct header) == 16, "the format of the file");
_Static_assert(sizeof(struct record) == 40, "the format of the file");
_Static_assert(sizeof(struct trailer) == 20, "the format of the file");

static uint32_t checksum(uint32_t sum, const void *data, size_t size)
{
	return (uint32_t)crc32_z(sum, data, size);
}

static uint32_t record_checksum(const struct record *record, const void *data, size_t len)
{
	uint32_t sum = checksum(0, record, offsetof(struct record, checksum));

	return len ? checksum(sum, data, len) : sum;
}

static void put(struct save_writer *writer, const void *data, size_t size)
{
	if (!size)
		return;
	writer->checksum = checksum(writer->checksum, data, size);
	fwrite(data, 1, size, writer->file);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void save_begin(struct save_writer *writer, FILE *file)
{
	struct header header = { .magic = MAGIC, .version = htole32(VERSION) };

	*writer = (struct save_writer){
		.file = file,
		.real_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC),
	};
	put(writer, &header, sizeof(header));
}

void save_event(struct save_writer *writer, const struct ke_event *event)
{
	struct record record = {
		.tag = htole32(RECORD),
		.id = htole32((uint32_t)event->id),
		.seq = htole64(event->seq),
		.sent_ns = htole64(event->sent_ns + (uint64_t)writer->real_ns),
		.uid = htole32(event->uid),
		.gid = htole32(event->gid),
		.len = htole32((uint32_t)event->len),
	};

	record.checksum = htole32(record_checksum(&record, event->data, event->len));
	put(writer, &record, sizeof(record));
	put(writer, event->data, event->len);
	writer->count++;
	writer->bytes += event->len;
}

int save_end(struct save_writer *writer)
{
	struct trailer trailer = { .tag = htole32(TRAILER), .count = htole64(writer->count) };

	put(writer, &trailer, offsetof(struct trailer, checksum));
	trailer.checksum = htole32(writer->checksum);
	fwrite(&trailer.checksum, 1, sizeof(trailer.checksum), writer->file);
	if (fflush(writer->file) || ferror(writer->file))
		return -1;
	/* fsync() of a pipe fails with EINVAL. */
	return fsync(fileno(writer->file)) && errno != EINVAL ? -1 : 0;
}

static int read_all(int fd, struct saved_file *file)
{
	size_t capacity = 0;
	ssize_t got;

	do {
		if (file->size == capacity) {
			capacity = capacity ? capacity * 2 : 65536;
			file->data = xrealloc(file->data, capacity);
		}
		got = read(fd, file->data + file->size, capacity - file->size);
		if (got > 0)
			file->size += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? -1 : 0;
}

/* Copies size bytes at *offset and advances it. Returns false if fewer bytes are left. */
static bool take(const struct saved_file *file, size_t *offset, void *data, size_t size)
{
	if (file->size - *offset < size)
		return false;
	memcpy(data, file->data + *offset, size);
	*offset += size;
	return true;
}

static const char *parse_header(const struct saved_file *file, size_t *offset)
{
	struct header header;

	if (!take(file, offset, &header, sizeof(header)) ||
	    memcmp(header.magic, MAGIC, sizeof(header.magic)))
		return "was not written by 'kevents save'";
	if (le32toh(header.version) != VERSION || header.zero)
		return "has a version that this command does not know";
	return NULL;
}

static const char *parse_trailer(const struct saved_file *file, size_t offset)
{
	struct trailer trailer;
	size_t summed = offset + offsetof(struct trailer, checksum);

	if (!take(file, &offset, &trailer, sizeof(trailer)))
		return "is truncated";
	if (offset != file->size)
		return "has data after its end";
	if (le32toh(trailer.checksum) != checksum(0, file->data, summed) || trailer.zero ||
	    le64toh(trailer.count) != file->count)
		return "is damaged: its checksum is wrong";
	return NULL;
}

static void append(struct saved_file *file, size_t *capacity, const struct saved_event *event)
{
	if (file->count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 1024;
		file->events = xrealloc(file->events, *capacity * sizeof(*file->events));
	}
	file->events[file->count++] = *event;
}

static const char *parse_records(struct saved_file *file, size_t offset)
{
	size_t capacity = 0;

	for (;;) {
		struct record record;
		struct saved_event event;
		size_t start = offset;
		uint32_t tag;

		if (!take(file, &offset, &tag, sizeof(tag)))
			return "is truncated";
		offset = start;
		if (le32toh(tag) == TRAILER)
			return parse_trailer(file, offset);
		if (!take(file, &offset, &record, sizeof(record)))
			return "is truncated";
		if (le32toh(tag) != RECORD)
			return "is damaged";
		event = (struct saved_event){
			.id = (int)le32toh(record.id),
			.len = le32toh(record.len),
			.seq = le64toh(record.seq),
			.data = file->data + offset,
		};
		if (file->size - offset < event.len)
			return "is truncated";
		if (record_checksum(&record, event.data, event.len) != le32toh(record.checksum))
			return "is damaged: the checksum of an event is wrong";
		offset += event.len;
		append(file, &capacity, &event);
	}
}

static int compare(const void *a, const void *b)
{
	const struct saved_event *one = a, *other = b;

	return one->seq < other->seq ? -1 : one->seq > other->seq;
}

int saved_read(int fd, struct saved_file *file)
{
	size_t offset = 0;

	memset(file, 0, sizeof(*file));
	if (read_all(fd, file))
		return -1;
	file->damage = parse_header(file, &offset);
	if (!file->damage)
		file->damage = parse_records(file, offset);
	if (file->count)
		qsort(file->events, file->count, sizeof(*file->events), compare);
	return 0;
}

void saved_free(struct saved_file *file)
{
	free(file->data);
	free(file->events);
}
