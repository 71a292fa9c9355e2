// SPDX-License-Identifier: GPL-2.0-only
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ids.h"
#include "names.h"
#include "say.h"

const char *const order_names[ORDERS + 1] = {
	[BY_BACKLOG] = "backlog", [BY_RATE] = "rate",	    [BY_ID] = "id",
	[BY_LEASES] = "leases",	  [BY_WAITERS] = "waiters", [BY_MEMORY] = "memory",
};

static double rate(uint64_t now, uint64_t before, double seconds)
{
	/* An ID that went out of use and came back counts from 0 again. */
	return (double)(now >= before ? now - before : now) / seconds;
}

/* The rows of both must be sorted by ID. */
static void compute_rates(struct sample *sample, const struct sample *before)
{
	double seconds = (double)(sample->at - before->at) / 1000;
	int j = 0;

	if (!before->rows || seconds <= 0)
		return;
	for (int i = 0; i < sample->count; i++) {
		struct row *row = &sample->rows[i];
		const struct ke_stat none = { .id = 0 }, *old = &none;

		while (j < before->count && before->rows[j].stat.id < row->stat.id)
			j++;
		if (j < before->count && before->rows[j].stat.id == row->stat.id)
			old = &before->rows[j].stat;
		row->sent = rate(row->stat.sent, old->sent, seconds);
		row->received = rate(row->stat.received, old->received, seconds);
	}
}

static int read_rows(kevents_ctx *ctx, struct sample *sample, const struct ids *ids)
{
	sample->rows = xzalloc(((size_t)ids->count + 1) * sizeof(*sample->rows));
	for (int i = 0; i < ids->count; i++) {
		int err = ke_stat(ctx, ids->list[i], &sample->rows[sample->count].stat);

		if (!err)
			sample->count++;
		else if (err != -EPERM)	/* claimed since it was listed */
			return err;
	}
	return 0;
}

int sample_take(kevents_ctx *ctx, struct sample *sample)
{
	struct sample fresh = { .at = now_ms() };
	struct ids ids;
	int err = ke_limits(ctx, &fresh.limits);

	if (!err)
		err = ids_in_use(ctx, &ids);
	if (err)
		return err;
	err = read_rows(ctx, &fresh, &ids);
	ids_free(&ids);
	if (err) {
		sample_free(&fresh);
		return err;
	}
	compute_rates(&fresh, sample);
	sample_free(sample);
	*sample = fresh;
	return 0;
}

void sample_free(struct sample *sample)
{
	free(sample->rows);
	sample->rows = NULL;
}

static double key(const struct row *row, enum order order)
{
	switch (order) {
	case BY_BACKLOG:
		return (double)row->stat.pending;
	case BY_RATE:
		return row->sent + row->received;
	case BY_LEASES:
		return (double)row->stat.leased;
	case BY_WAITERS:
		return (double)row->stat.waiters;
	case BY_MEMORY:
		return (double)row->stat.bytes;
	case BY_ID:
	case ORDERS:
		break;
	}
	return -(double)row->stat.id;
}

struct sort_opts {
	enum order order;
	bool reversed;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct row *one = *(struct row *const *)a, *other = *(struct row *const *)b;
	const struct sort_opts *opts = arg;
	double first = key(one, opts->order), second = key(other, opts->order);

	if (first > second)
		return opts->reversed ? 1 : -1;
	if (first < second)
		return opts->reversed ? -1 : 1;
	return one->stat.id < other->stat.id ? -1 : one->stat.id > other->stat.id;
}

void rows_sort(struct row **rows, int count, enum order order, bool reversed)
{
	struct sort_opts opts = { order, reversed };

	if (count)
		qsort_r(rows, (size_t)count, sizeof(*rows), compare, &opts);
}

bool row_matches(const struct row *row, const char *text)
{
	char id[16], owner[NAMES_TEXT];

	snprintf(id, sizeof(id), "%d", row->stat.id);
	if (strstr(id, text))
		return true;
	return row->stat.claimed &&
	       strstr(owner_name(owner, row->stat.owner_uid, row->stat.owner_gid), text);
}
