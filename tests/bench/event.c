// SPDX-License-Identifier: GPL-2.0-only
/* KEvents by its library: one event in a call, and many. */
#include "line.h"
#include "measure.h"

#include <errno.h>

static void must_ke(int result, int wanted, const char *step)
{
	if (result == wanted)
		return;
	errno = -result;
	must(false, step);
}

static void kevents_open(struct line *line)
{
	must_ke(ke_init(&line->ctx), 0, "ke_init");
}

static void kevents_open_watched(struct line *line)
{
	kevents_open(line);
	must_ke(ke_watch(&line->ctx, line->id), 0, "ke_watch");
}

/* The file that fork(2) has left belongs to the parent, too. */
static void kevents_attach(struct line *line)
{
	ke_close(&line->ctx);
	kevents_open(line);
}

static void kevents_close(struct line *line)
{
	ke_purge(&line->ctx, line->id);
	ke_close(&line->ctx);
}

static void kevents_send(struct line *line)
{
	int err = ke_send_event(&line->ctx, line->id, line_source[0], line->size);

	must_ke(err, 0, "ke_send_event");
}

static void kevents_receive(struct line *line)
{
	int err = ke_get_event(&line->ctx, line->id, line_sink[0], line->size);

	must_ke(err, 0, "ke_get_event");
}

static void kevents_wait(struct line *line)
{
	struct ke_event event = { .data = line_sink[0], .size = line->size };

	must_ke(ke_receive(&line->ctx, line->id, &event, 0, -1), 0, "ke_receive");
}

/* A program that sends or receives many prepares this once. */
static struct ke_event sends[LINE_EACH_MAX], receives[LINE_EACH_MAX];

static void kevents_open_batch(struct line *line)
{
	kevents_open_watched(line);
	for (int i = 0; i < LINE_EACH_MAX; i++) {
		sends[i] = (struct ke_event) {
			.id = line->id, .data = line_source[i], .len = line->size,
		};
		receives[i] = (struct ke_event) { .data = line_sink[i], .size = line->size };
	}
}

static void kevents_send_batch(struct line *line)
{
	int sent = ke_send_batch(&line->ctx, sends, LINE_EACH_MAX, -1);

	must_ke(sent, LINE_EACH_MAX, "ke_send_batch");
}

static void kevents_receive_batch(struct line *line)
{
	int got = ke_receive_batch(&line->ctx, receives, LINE_EACH_MAX, 0, -1);

	must_ke(got, LINE_EACH_MAX, "ke_receive_batch");
}

const struct line_kind kevents_line = {
	.name = "kevents",
	.each = 1,
	.size_max = LINE_SIZE_MAX,
	.open = kevents_open,
	.close = kevents_close,
	.attach = kevents_attach,
	.send = kevents_send,
	.receive = kevents_receive,
	.wait = kevents_wait,
};

const struct line_kind kevents_batch_line = {
	.name = "kevents-batch",
	.each = LINE_EACH_MAX,
	.size_max = LINE_SIZE_MAX,
	.open = kevents_open_batch,
	.close = kevents_close,
	.send = kevents_send_batch,
	.receive = kevents_receive_batch,
};
