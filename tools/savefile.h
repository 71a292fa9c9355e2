/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The format of a file of events. All numbers are little-endian.
 *
 *   header   "KEVENTS\n", u32 version (1), u32 0
 *   records  u32 0x544e5645, i32 id, u64 seq, u64 sent (CLOCK_REALTIME in ns),
 *            u32 uid, u32 gid, u32 len, u32 checksum of the 36 bytes before it
 *            and the payload; len bytes of payload
 *   trailer  u32 0x454e4f44, u32 0, u64 number of records, u32 checksum of all
 *            bytes before it
 *
 * Checksums are CRC-32 as computed by zlib.
 */
#ifndef SAVEFILE_H
#define SAVEFILE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct save_writer {
	FILE *file;
	int64_t real_ns;	/* CLOCK_REALTIME minus CLOCK_MONOTONIC */
	uint32_t checksum;
	uint64_t count;
	uint64_t bytes;		/* of payload */
};

/* The caller closes file. Write errors are reported by save_end(). */
void save_begin(struct save_writer *writer, FILE *file);
void save_event(struct save_writer *writer, const struct ke_event *event);

/* Returns 0 once everything has reached the disk or the pipe, or -1 with errno set. */
int save_end(struct save_writer *writer);

/* An event that was read from a file, which owns the payload. */
struct saved_event {
	int id;
	uint32_t len;
	uint64_t seq;		/* as in the file; after a restore, the new one */
	void *data;
};

struct saved_file {
	unsigned char *data;
	size_t size;
	struct saved_event *events;	/* count of them, sorted by seq */
	size_t count;
	const char *damage;	/* what is wrong with the file after events; NULL: nothing */
};

/*
 * Reads a whole file from fd. Returns 0, or -1 with errno set if it could not be read.
 * In both cases the caller frees file with saved_free().
 */
int saved_read(int fd, struct saved_file *file);
void saved_free(struct saved_file *file);

#endif /* SAVEFILE_H */
