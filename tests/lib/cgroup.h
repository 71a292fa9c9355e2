/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory cgroup for the time of one test. */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>

#define NO_CGROUPS "this kernel has no memory cgroups"

/* Makes it, with at most so many bytes; 0: no limit. False where there are none. */
bool cgroup_make(unsigned long bytes_max);

/* Moves the calling process there. */
void cgroup_enter(void);

/* Bytes that are charged to it. */
long long cgroup_charged(void);

/* How many of its processes were killed for want of memory. */
long cgroup_kills(void);

/* Removes it when the last process and the last charge are gone. */
void cgroup_remove(void);

#endif /* CGROUP_H */
