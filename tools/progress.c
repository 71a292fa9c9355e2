// SPDX-License-Identifier: GPL-2.0-only
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define QUIET_MS	300	/* shorter operations show no bar */
#define REDRAW_MS	100
#define WIDTH		40

struct progress progress_start(const char *what, uint64_t total)
{
	return (struct progress){
		.what = what,
		.total = total,
		.next_at = isatty(STDERR_FILENO) ? now_ms() + QUIET_MS : INT64_MAX,
	};
}

static void draw(const struct progress *progress, uint64_t done)
{
	static const char full[] = "########################################";
	uint64_t total = progress->total > done ? progress->total : done;
	int filled = total ? (int)(done * WIDTH / total) : WIDTH;
	int percent = total ? (int)(done * 100 / total) : 100;

	fprintf(stderr, "\r%s [%.*s%*s] %3d%% %" PRIu64 "/%" PRIu64 " ", progress->what,
		filled, full, WIDTH - filled, "", percent, done, total);
	fflush(stderr);
}

void progress_to(struct progress *progress, uint64_t done)
{
	int64_t now;

	if (progress->next_at == INT64_MAX)
		return;
	now = now_ms();
	if (now < progress->next_at)
		return;
	draw(progress, done);
	progress->drawn = true;
	progress->next_at = now + REDRAW_MS;
}

void progress_end(struct progress *progress)
{
	if (progress->drawn)
		fputs("\r\033[K", stderr);
	progress->drawn = false;
	progress->next_at = INT64_MAX;
}
