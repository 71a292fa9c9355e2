/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file of events, all numbers little-endian:
 *
 *   header   "KEVENTS\n", u32 version (1), u32 0
 *   records  u32 0x544e5645, i32 id, u64 seq, u64 sent (CLOCK_REALTIME in ns),
 *            u32 uid, u32 gid, u32 len, u32 checksum of the 36 bytes before it
 *            and the payload; len bytes of payload
 *   trailer  u32 0x454e4f44, u32 0, u64 how many records, u32 checksum of all
 *            bytes before it
 *
 * Checksums are CRC-32 as of zlib.
 */
#ifndef SAVEFILE_H
#define SAVEFILE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct save_writer {
	FILE *file;
	int64_t real_ns;	/* what CLOCK_REALTIME is ahead of CLOCK_MONOTONIC */
	uint32_t checksum;
	uint64_t count;
	uint64_t bytes;		/* of payload */
};

/* file stays the caller's; errors are found by save_end(). */
void save_begin(struct save_writer *writer, FILE *file);
void save_event(struct save_writer *writer, const struct ke_event *event);

/* Returns 0 when all has reached the disk, or a pipe, -1 with errno set when not. */
int save_end(struct save_writer *writer);

/* An event of a file that was read; the payload is the file's. */
struct saved_event {
	int id;
	uint32_t len;
	uint64_t seq;		/* in the file; the one it was given, once restored */
	void *data;
};

struct saved_file {
	unsigned char *data;
	size_t size;
	struct saved_event *events;	/* count of them, in the order of seq */
	size_t count;
	const char *damage;	/* NULL, or what is wrong with the file; events are those before */
};

/*
 * Reads all of a file from fd. Returns 0 or -1 with errno set. saved_free() frees
 * what it allocates.
 */
int saved_read(int fd, struct saved_file *file);
void saved_free(struct saved_file *file);

#endif /* SAVEFILE_H */
