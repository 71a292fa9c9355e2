// SPDX-License-Identifier: GPL-2.0-only
#include "ids.h"

#include <stdlib.h>

#include "say.h"

static int compare(const void *a, const void *b)
{
	const int *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

struct ids ids_from_args(const struct args *args)
{
	struct ids ids = { .count = 0 };

	ids.list = xzalloc((size_t)args->count * sizeof(int));
	for (int i = 0; i < args->count; i++)
		ids.list[i] = args_id(args, args->operands[i]);
	qsort(ids.list, (size_t)args->count, sizeof(int), compare);
	for (int i = 0; i < args->count; i++)
		if (!i || ids.list[i] != ids.list[ids.count - 1])
			ids.list[ids.count++] = ids.list[i];
	return ids;
}

int ids_in_use(kevents_ctx *ctx, struct ids *ids)
{
	int capacity = 64, count;

	ids->list = NULL;
	for (;;) {
		ids->list = xrealloc(ids->list, (size_t)capacity * sizeof(int));
		count = ke_list(ctx, ids->list, (size_t)capacity);
		if (count <= capacity)
			break;
		/* More IDs may come into use before the next call. */
		capacity = count + 64;
	}
	if (count < 0)
		free(ids->list);
	ids->count = count;
	return count < 0 ? count : 0;
}

int ids_watch(kevents_ctx *ctx, const struct ids *ids)
{
	for (int i = 0; i < ids->count; i++) {
		int err = ke_poll_event(ctx, ids->list[i]);

		if (err >= 0)
			err = ke_watch(ctx, ids->list[i]);
		if (err < 0)
			return say_error(err, "%d", ids->list[i]);
	}
	return DONE;
}

void ids_free(struct ids *ids)
{
	free(ids->list);
}
