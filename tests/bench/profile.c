// SPDX-License-Identifier: GPL-2.0-only
#include "profile.h"

#include "mark.h"

#include <stdio.h>

#define WARM	50
/* Messages between the marks: few enough that a timer's tick seldom comes between. */
#define MESSAGES	640

static void pass_marked(struct line *line)
{
	MARK(MARK_SEND);
	line->kind->send(line);
	MARK(MARK_RECEIVE);
	line->kind->receive(line);
	MARK(MARK_OFF);
}

void profile_line(const struct line_kind *kind, size_t size)
{
	unsigned int times = MESSAGES / kind->each;
	struct line line;

	line_open(&line, kind, size);
	for (int i = 0; i < WARM; i++)
		line_pass(&line);
	for (unsigned int i = 0; i < times; i++)
		pass_marked(&line);
	MARK(MARK_NEXT);
	line_close(&line);
	printf("profile\t%s\t%zu\t%u\n", kind->name, size, times * kind->each);
}
