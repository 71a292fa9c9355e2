/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CONTROL_H
#define KE_CONTROL_H

#include <linux/types.h>

struct ke_client;
struct kevents_limits;
struct kevents_stat;

/*
 * Fills @stat for @stat->id. The other fields are 0 before, and stay 0 if the ID has no queue.
 * Returns 0 or -EPERM.
 */
int ke_control_stat(struct ke_client *client, struct kevents_stat *stat);

/*
 * Fills @ids with up to @n (not 0) IDs in use that @client may receive from, in ascending
 * order, starting at @from. Returns their number, which may be 0 before the end. Sets @next to
 * the ID to continue at, or to a number over S32_MAX at the end.
 */
unsigned int ke_control_list(struct ke_client *client, s64 from, s32 *ids,
			     unsigned int n, s64 *next);

/*
 * Drops the pending events of @id. Returns their number (at most INT_MAX), -EPERM, or -EINTR
 * after a fatal signal.
 */
int ke_control_purge(struct ke_client *client, s32 id);

/*
 * Claims @id with @mode, or changes the mode of a claim. Returns 0, -EBUSY if another user owns
 * @id, -EDQUOT, -EAGAIN, -ENOMEM, or -EINTR after a fatal signal.
 */
int ke_control_claim(struct ke_client *client, s32 id, umode_t mode);

/* Ends the claim of @id. Returns 0, -ENOENT if there is none, or -EPERM. */
int ke_control_unclaim(struct ke_client *client, s32 id);

void ke_control_limits(struct ke_client *client, struct kevents_limits *limits);

#endif /* KE_CONTROL_H */
