// SPDX-License-Identifier: GPL-2.0-only
#include "source.h"

#include <stdlib.h>

#include "clock.h"
#include "say.h"

void sources_init(struct sources *sources, kevents_ctx *ctx, const struct ids *ids,
		  uint64_t pause_ms)
{
	sources->ctx = ctx;
	sources->count = ids->count;
	sources->pause_ms = pause_ms;
	sources->list = xzalloc((size_t)ids->count * sizeof(*sources->list));
	for (int i = 0; i < ids->count; i++)
		sources->list[i].id = ids->list[i];
}

void sources_free(struct sources *sources)
{
	free(sources->list);
}

static struct source *find(const struct sources *sources, int id)
{
	int i = 0;

	while (i < sources->count - 1 && sources->list[i].id != id)
		i++;
	return &sources->list[i];
}

void source_succeeded(struct sources *sources, int id)
{
	find(sources, id)->failures = 0;
}

static int64_t pause_of(uint64_t pause, unsigned int failures)
{
	uint64_t most = pause > PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;

	for (; failures > 1 && pause < most; failures--)
		pause *= 2;
	return (int64_t)(pause < most ? pause : most);
}

void source_failed(struct sources *sources, int id, uint64_t least_ms)
{
	uint64_t pause_ms = sources->pause_ms > least_ms ? sources->pause_ms : least_ms;
	struct source *source = find(sources, id);
	int err;

	/* Jobs that ran in parallel and failed count as one failure. */
	if (source->resume_at || !pause_ms)
		return;
	source->failures++;
	source->resume_at = now_ms() + pause_of(pause_ms, source->failures);
	err = ke_unwatch(sources->ctx, id);
	if (err)
		say_error(err, "%d", id);
}

int64_t sources_resume(struct sources *sources)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (int i = 0; i < sources->count; i++) {
		struct source *source = &sources->list[i];
		int err;

		if (!source->resume_at)
			continue;
		if (source->resume_at <= now) {
			err = ke_watch(sources->ctx, source->id);
			source->resume_at = err ? now + PAUSE_MAX_MS : 0;
			if (err)
				say_error(err, "%d", source->id);
		}
		if (source->resume_at && source->resume_at < next)
			next = source->resume_at;
	}
	return next;
}

bool sources_wait(const struct sources *sources)
{
	for (int i = 0; i < sources->count; i++)
		if (ke_poll_event(sources->ctx, sources->list[i].id) > 0)
			return true;
	return false;
}
