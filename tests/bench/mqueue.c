// SPDX-License-Identifier: GPL-2.0-only
/* A POSIX message queue. */
#include "line.h"
#include "measure.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>

#define NAME	"/kevents-bench"

static void mqueue_open(struct line *line)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct mq_attr attr = {
		.mq_maxmsg = 10,
		.mq_msgsize = line->size ? (long)line->size : 1,
	};

	must(setrlimit(RLIMIT_MSGQUEUE, &none) == 0, "RLIMIT_MSGQUEUE");
	line->in = mq_open(NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
	must(line->in >= 0, "mq_open");
	must(mq_unlink(NAME) == 0, "mq_unlink");
}

static void mqueue_close(struct line *line)
{
	mq_close(line->in);
}

static void mqueue_send(struct line *line)
{
	must(mq_send(line->in, line_source[0], line->size, 0) == 0, "mq_send");
}

static void mqueue_receive(struct line *line)
{
	ssize_t got = mq_receive(line->in, line_sink[0], line->size ? line->size : 1, NULL);

	must(got == (ssize_t)line->size, "mq_receive");
}

const struct line_kind mqueue_line = {
	.name = "mqueue",
	.each = 1,
	.size_max = LINE_SIZE_MAX,
	.open = mqueue_open,
	.close = mqueue_close,
	.send = mqueue_send,
	.receive = mqueue_receive,
};
