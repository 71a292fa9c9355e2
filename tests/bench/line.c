// SPDX-License-Identifier: GPL-2.0-only
#include "line.h"

#include "measure.h"

#include <string.h>

const struct line_kind *const line_kinds[] = {
	&floor_line,
	&kevents_line,
	&kevents_batch_line,
	&record_line,
	&record_batch_line,
	&sysv_line,
	&mqueue_line,
	&pipe_line,
	&eventfd_line,
	&datagram_line,
	&datagram_batch_line,
	&seqpacket_line,
	&seqpacket_batch_line,
	NULL,
};

char line_source[LINE_EACH_MAX][LINE_SIZE_MAX];
char line_sink[LINE_EACH_MAX][LINE_SIZE_MAX];

bool line_takes(const struct line_kind *kind, size_t size)
{
	return size >= kind->size_min && size <= kind->size_max;
}

void line_open(struct line *line, const struct line_kind *kind, size_t size)
{
	static int ids = 1000;

	/* Touched once, so that no message pays for a page fault. */
	if (!line_source[0][0])
		memset(line_source, 'm', sizeof(line_source));
	if (!line_sink[0][0])
		memset(line_sink, 's', sizeof(line_sink));
	*line = (struct line) { .kind = kind, .size = size, .in = -1, .out = -1, .id = ids++ };
	must(line_takes(kind, size), kind->name);
	kind->open(line);
}

void line_close(struct line *line)
{
	line->kind->close(line);
}

void line_attach(struct line *line)
{
	if (line->kind->attach)
		line->kind->attach(line);
}

void line_wait(struct line *line)
{
	if (line->kind->wait)
		line->kind->wait(line);
	else
		line->kind->receive(line);
}

void line_pass(void *line)
{
	const struct line_kind *kind = ((struct line *)line)->kind;

	kind->send(line);
	kind->receive(line);
}
