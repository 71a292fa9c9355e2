// SPDX-License-Identifier: GPL-2.0-only
/* The floor: bytes are copied and nothing else happens. */
#include "floor/floor.h"
#include "line.h"
#include "measure.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void floor_open(struct line *line)
{
	line->in = open("/dev/kevents-floor", O_RDWR | O_CLOEXEC);
	must(line->in >= 0, "/dev/kevents-floor");
}

static void floor_close(struct line *line)
{
	close(line->in);
}

static void floor_send(struct line *line)
{
	struct floor_message message = {
		.address = (uintptr_t)line_source[0],
		.len = line->size,
	};

	must(ioctl(line->in, FLOOR_SEND, &message) == 0, "FLOOR_SEND");
}

static void floor_receive(struct line *line)
{
	struct floor_message message = {
		.address = (uintptr_t)line_sink[0],
		.len = line->size,
	};

	must(ioctl(line->in, FLOOR_RECEIVE, &message) == 0, "FLOOR_RECEIVE");
}

const struct line_kind floor_line = {
	.name = "floor",
	.each = 1,
	.size_max = FLOOR_SIZE,
	.open = floor_open,
	.close = floor_close,
	.send = floor_send,
	.receive = floor_receive,
};
