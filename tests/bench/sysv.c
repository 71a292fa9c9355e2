// SPDX-License-Identifier: GPL-2.0-only
/* A System V message queue. tests/bench/runner raises its limit of 8 KiB. */
#include "line.h"
#include "measure.h"

#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

static struct {
	long type;
	char text[LINE_SIZE_MAX];
} source = { .type = 1 }, sink;

static void sysv_open(struct line *line)
{
	memset(source.text, 'm', sizeof(source.text));
	memset(&sink, 0, sizeof(sink));
	line->in = msgget(IPC_PRIVATE, 0600);
	must(line->in >= 0, "msgget");
}

static void sysv_close(struct line *line)
{
	msgctl(line->in, IPC_RMID, NULL);
}

static void sysv_send(struct line *line)
{
	must(msgsnd(line->in, &source, line->size, 0) == 0, "msgsnd");
}

static void sysv_receive(struct line *line)
{
	must(msgrcv(line->in, &sink, line->size, 0, 0) == (ssize_t)line->size, "msgrcv");
}

const struct line_kind sysv_line = {
	.name = "sysv",
	.each = 1,
	.size_max = LINE_SIZE_MAX,
	.open = sysv_open,
	.close = sysv_close,
	.send = sysv_send,
	.receive = sysv_receive,
};
