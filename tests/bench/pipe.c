// SPDX-License-Identifier: GPL-2.0-only
/* Streams of bytes: a pipe, and an eventfd, which carries a number alone. */
#include "line.h"
#include "measure.h"

#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void pipe_open(struct line *line)
{
	int ends[2];

	must(pipe(ends) == 0, "pipe");
	line->out = ends[0];
	line->in = ends[1];
}

static void pipe_close(struct line *line)
{
	close(line->in);
	close(line->out);
}

static void pipe_send(struct line *line)
{
	must(write(line->in, line_source[0], line->size) == (ssize_t)line->size, "write to a pipe");
}

static void pipe_receive(struct line *line)
{
	size_t got = 0;
	ssize_t part;

	while (got < line->size) {
		part = read(line->out, line_sink[0] + got, line->size - got);
		must(part > 0, "read from a pipe");
		got += (size_t)part;
	}
}

static void eventfd_open(struct line *line)
{
	line->in = eventfd(0, 0);
	must(line->in >= 0, "eventfd");
}

static void eventfd_close(struct line *line)
{
	close(line->in);
}

static void eventfd_send(struct line *line)
{
	uint64_t one = 1;

	must(write(line->in, &one, sizeof(one)) == sizeof(one), "write to an eventfd");
}

static void eventfd_receive(struct line *line)
{
	uint64_t sum;

	must(read(line->in, &sum, sizeof(sum)) == sizeof(sum), "read from an eventfd");
}

const struct line_kind pipe_line = {
	.name = "pipe",
	.each = 1,
	.size_min = 1,
	.size_max = LINE_SIZE_MAX,
	.open = pipe_open,
	.close = pipe_close,
	.send = pipe_send,
	.receive = pipe_receive,
};

const struct line_kind eventfd_line = {
	.name = "eventfd",
	.each = 1,
	.open = eventfd_open,
	.close = eventfd_close,
	.send = eventfd_send,
	.receive = eventfd_receive,
};
