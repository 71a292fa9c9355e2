/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes beside the one that measures. */
#ifndef KEVENTS_BENCH_WORKER_H
#define KEVENTS_BENCH_WORKER_H

#include <sys/types.h>

/* Starts a process that does the work and ends; it does not outlive its parent. */
pid_t worker_start(void (*work)(void *data), void *data);

/* Waits for its end; the program fails if the worker does. */
void worker_join(pid_t worker);

/* Ends it, whatever it does. */
void worker_stop(pid_t worker);

#endif /* KEVENTS_BENCH_WORKER_H */
