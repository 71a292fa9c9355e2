/* SPDX-License-Identifier: GPL-2.0-only */
/* A memory cgroup for the time of one test. */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>

#define NO_CGROUPS "this kernel has no memory cgroups"

/* Creates the group. 0 sets no limit. Returns false if the kernel has no memory cgroups. */
bool cgroup_make(unsigned long bytes_max);

/* Moves the calling process to the group. */
void cgroup_enter(void);

/* Returns the bytes charged to the group. */
long long cgroup_charged(void);

/* Returns how many processes of the group the OOM killer has killed. */
long cgroup_kills(void);

/* Removes the group once its last process and its last charge are gone. */
void cgroup_remove(void);

#endif /* CGROUP_H */
