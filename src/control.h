/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CONTROL_H
#define KE_CONTROL_H

#include <linux/types.h>

struct ke_client;
struct kevents_limits;
struct kevents_stat;

/* Fills @stat for its ID; 0 or -EPERM. */
int ke_control_stat(struct ke_client *client, struct kevents_stat *stat);

/*
 * Fills @ids with IDs in use, in order, from @from on, @n at most, and @next
 * with where to go on. Returns how many; 0 does not mean the end, but a @next
 * over S32_MAX does.
 */
unsigned int ke_control_list(struct ke_client *client, s64 from, s32 *ids,
			     unsigned int n, s64 *next);

/* Drops what waits under @id. Returns how many, -EPERM or -EINTR. */
int ke_control_purge(struct ke_client *client, s32 id);

/* 0, -EBUSY, -EDQUOT, -EAGAIN, -EINTR or -ENOMEM. */
int ke_control_claim(struct ke_client *client, s32 id, umode_t mode);

/* 0, -ENOENT or -EPERM. */
int ke_control_unclaim(struct ke_client *client, s32 id);

void ke_control_limits(struct ke_client *client, struct kevents_limits *limits);

#endif /* KE_CONTROL_H */
