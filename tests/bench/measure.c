// SPDX-License-Identifier: GPL-2.0-only
#include "measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES	60

void must(bool ok, const char *step)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s: %s\n", step, strerror(errno));
	exit(EXIT_FAILURE);
}

void *room_for(size_t n, size_t size)
{
	void *room = calloc(n, size);

	must(room, "memory");
	return room;
}

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t smallest_ns(void (*operation)(void *data), void *data, unsigned int batch)
{
	int64_t start, took, least = INT64_MAX;

	for (int i = 0; i < BATCHES; i++) {
		start = now_ns();
		for (unsigned int n = 0; n < batch; n++)
			operation(data);
		took = now_ns() - start;
		if (took < least)
			least = took;
	}
	return least;
}

static void nothing(void *data)
{
	(void)data;
}

double measure(void (*operation)(void *data), void *data, unsigned int batch)
{
	int64_t idle = smallest_ns(nothing, data, batch);

	return (double)(smallest_ns(operation, data, batch) - idle) / batch;
}

void report(const char *work, const char *who, long parameter, double value)
{
	printf("%s\t%s\t%ld\t%.1f\n", work, who, parameter, value);
	fflush(stdout);
}
