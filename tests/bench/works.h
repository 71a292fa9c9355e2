/* SPDX-License-Identifier: GPL-2.0-only */
/* What is measured. Each reports the figures of it that are wanted. */
#ifndef KEVENTS_BENCH_WORKS_H
#define KEVENTS_BENCH_WORKS_H

/* A send and a receive in one process; the parameter is the size in bytes. */
void bench_pairs(void);

/* Between marks for profile/plugin.c instead of a clock. */
void profile_pairs(void);
void profile_trips(void);

/* There and back between two processes that wait for each other. */
void bench_round_trips(void);

/* A pair while so many messages wait in its own queue, or elsewhere, or strangers watch. */
void bench_backlogs(void);

/* A pair in each of so many processes, on queues of their own and on one. */
void bench_processes(void);

/* The same in wall-clock time, the smallest of more runs: for several processors. */
void bench_scaling(void);

/* There and back when so many receivers wait for the same. */
void bench_waiters(void);

/* A send, a receive with a lease and its end. */
void bench_leases(void);

/* A send, epoll_wait(2) with so many watches, and a receive. */
void bench_epoll(void);

/* Bytes of the kernel's memory that a waiting message takes, by its size. */
void bench_memory(void);

#endif /* KEVENTS_BENCH_WORKS_H */
