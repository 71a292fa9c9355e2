// SPDX-License-Identifier: GPL-2.0-only
#include "works.h"

#include "choice.h"
#include "line.h"
#include "measure.h"

#define SIZE	64

static void send_lease_ack(void *data)
{
	struct line *line = data;
	struct ke_event event = { .data = line_sink[0], .size = SIZE };

	kevents_line.send(line);
	must(ke_receive(&line->ctx, line->id, &event, KE_LEASE, 0) == 0, "ke_receive");
	must(ke_ack(&line->ctx, event.seq) == 0, "ke_ack");
}

void bench_leases(void)
{
	struct line line;

	if (!wanted("lease", kevents_line.name, SIZE))
		return;
	line_open(&line, &kevents_line, SIZE);
	report("lease", kevents_line.name, SIZE, measure(send_lease_ack, &line, 100));
	line_close(&line);
}
