/* SPDX-License-Identifier: GPL-2.0-only */
/* Measuring, and what every measurement needs. */
#ifndef KEVENTS_BENCH_MEASURE_H
#define KEVENTS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the program unless ok; says which step failed, and errno. */
void must(bool ok, const char *step);

/* Room for n things of so many bytes, all zeros; the caller frees it. */
void *room_for(size_t n, size_t size);

/* CLOCK_MONOTONIC */
int64_t now_ns(void);

/*
 * Returns what one operation takes in ns, the calling loop and the clock taken
 * off: the smallest of many batches, as only those are without a timer's tick.
 * Under a clock that counts instructions a ns is one.
 */
double measure(void (*operation)(void *data), void *data, unsigned int batch);

/* Prints a figure: what was done by whom with which parameter. */
void report(const char *work, const char *who, long parameter, double value);

#endif /* KEVENTS_BENCH_MEASURE_H */
