/* SPDX-License-Identifier: GPL-2.0-only */
/* One way from a sender to a receiver, by any of the ways that the kernel has. */
#ifndef KEVENTS_BENCH_LINE_H
#define KEVENTS_BENCH_LINE_H

#include <kevents.h>
#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE_MAX	65536	/* bytes of one message */
#define LINE_EACH_MAX	32	/* messages of one call */

struct line;

/* How a kind of line works; what fails ends the program. */
struct line_kind {
	const char *name;
	unsigned int each;		/* messages that one call carries */
	size_t size_min, size_max;	/* bytes of a message */
	void (*open)(struct line *line);
	void (*close)(struct line *line);
	/* Opens the receiver's end anew, in a process of its own. Not needed by all. */
	void (*attach)(struct line *line);
	/* Each carries the line's messages in one call. */
	void (*send)(struct line *line);
	void (*receive)(struct line *line);
	/* Receives when there is something, where receive does not wait for it. */
	void (*wait)(struct line *line);
};

struct line {
	const struct line_kind *kind;
	size_t size;		/* bytes of every message */
	int in, out;		/* descriptors, or whatever names the two ends */
	int id;
	kevents_ctx ctx;
	char *records;		/* what write(2) takes */
};

extern const struct line_kind floor_line, kevents_line, kevents_batch_line, record_line,
	record_batch_line, sysv_line, mqueue_line, pipe_line, eventfd_line, datagram_line,
	datagram_batch_line, seqpacket_line, seqpacket_batch_line;

/* All kinds, up to a NULL. */
extern const struct line_kind *const line_kinds[];

/* Where messages come from and where they go to; one of each in a process. */
extern char line_source[LINE_EACH_MAX][LINE_SIZE_MAX];
extern char line_sink[LINE_EACH_MAX][LINE_SIZE_MAX];

bool line_takes(const struct line_kind *kind, size_t size);
void line_open(struct line *line, const struct line_kind *kind, size_t size);
void line_close(struct line *line);
void line_attach(struct line *line);
void line_wait(struct line *line);

/* Sends and receives, for measure(). */
void line_pass(void *line);

#endif /* KEVENTS_BENCH_LINE_H */
