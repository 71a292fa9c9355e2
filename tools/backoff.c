// SPDX-License-Identifier: GPL-2.0-only
#include "backoff.h"

#include <stdlib.h>

#include "clock.h"
#include "say.h"

void backoff_init(struct backoff *backoff, kevents_ctx *ctx, const struct ids *ids,
		  uint64_t pause_ms)
{
	backoff->ctx = ctx;
	backoff->count = ids->count;
	backoff->pause_ms = pause_ms;
	backoff->list = xzalloc((size_t)ids->count * sizeof(*backoff->list));
	for (int i = 0; i < ids->count; i++)
		backoff->list[i].id = ids->list[i];
}

void backoff_free(struct backoff *backoff)
{
	free(backoff->list);
}

static struct backoff_id *find(const struct backoff *backoff, int id)
{
	int i = 0;

	while (i < backoff->count - 1 && backoff->list[i].id != id)
		i++;
	return &backoff->list[i];
}

void backoff_reset(struct backoff *backoff, int id)
{
	find(backoff, id)->failures = 0;
}

static int64_t pause_after(uint64_t pause, unsigned int failures)
{
	uint64_t most = pause > PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;

	for (; failures > 1 && pause < most; failures--)
		pause *= 2;
	return (int64_t)(pause < most ? pause : most);
}

void backoff_start(struct backoff *backoff, int id, uint64_t least_ms)
{
	uint64_t pause_ms = backoff->pause_ms > least_ms ? backoff->pause_ms : least_ms;
	struct backoff_id *entry = find(backoff, id);
	int err;

	/* Jobs that ran in parallel and failed count as one failure. */
	if (entry->resume_at || !pause_ms)
		return;
	entry->failures++;
	entry->resume_at = now_ms() + pause_after(pause_ms, entry->failures);
	err = ke_unwatch(backoff->ctx, id);
	if (err)
		say_error(err, "%d", id);
}

int64_t backoff_resume(struct backoff *backoff)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (int i = 0; i < backoff->count; i++) {
		struct backoff_id *entry = &backoff->list[i];
		int err;

		if (!entry->resume_at)
			continue;
		if (entry->resume_at <= now) {
			err = ke_watch(backoff->ctx, entry->id);
			entry->resume_at = err ? now + PAUSE_MAX_MS : 0;
			if (err)
				say_error(err, "%d", entry->id);
		}
		if (entry->resume_at && entry->resume_at < next)
			next = entry->resume_at;
	}
	return next;
}

bool backoff_has_events(const struct backoff *backoff)
{
	for (int i = 0; i < backoff->count; i++)
		if (ke_poll_event(backoff->ctx, backoff->list[i].id) > 0)
			return true;
	return false;
}
