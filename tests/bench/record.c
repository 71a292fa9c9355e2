// SPDX-License-Identifier: GPL-2.0-only
/* KEvents by read(2) and write(2). */
#include "line.h"
#include "measure.h"

#include <linux/kevents.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char received[LINE_EACH_MAX * KEVENTS_RECORD_SIZE(LINE_SIZE_MAX)];

/* Bytes of all records of a call. */
static size_t stream_size(const struct line *line)
{
	return line->kind->each * KEVENTS_RECORD_SIZE(line->size);
}

static void record_open(struct line *line)
{
	struct kevents_record head = { .id = line->id, .len = (__u32)line->size };
	char *record;

	kevents_batch_line.open(line);
	line->records = room_for(1, stream_size(line));
	for (unsigned int i = 0; i < line->kind->each; i++) {
		record = line->records + i * KEVENTS_RECORD_SIZE(line->size);
		memcpy(record, &head, sizeof(head));
		memset(record + sizeof(head), 'm', line->size);
	}
}

static void record_close(struct line *line)
{
	kevents_batch_line.close(line);
	free(line->records);
}

static void record_attach(struct line *line)
{
	ke_close(&line->ctx);
	kevents_batch_line.open(line);
}

static void record_send(struct line *line)
{
	size_t size = stream_size(line);

	must(write(ke_fd(&line->ctx), line->records, size) == (ssize_t)size, "write records");
}

static void record_receive(struct line *line)
{
	size_t size = stream_size(line);

	must(read(ke_fd(&line->ctx), received, size) == (ssize_t)size, "read records");
}

const struct line_kind record_line = {
	.name = "kevents-stream",
	.each = 1,
	.size_max = LINE_SIZE_MAX,
	.open = record_open,
	.close = record_close,
	.attach = record_attach,
	.send = record_send,
	.receive = record_receive,
};

const struct line_kind record_batch_line = {
	.name = "kevents-stream-batch",
	.each = LINE_EACH_MAX,
	.size_max = LINE_SIZE_MAX,
	.open = record_open,
	.close = record_close,
	.send = record_send,
	.receive = record_receive,
};
