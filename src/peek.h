/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_PEEK_H
#define KE_PEEK_H

#include <linux/types.h>

struct ke_client;
struct ke_user_buf;

/*
 * Copies the oldest event of @id to @buf and leaves it in its queue. Returns 0, -ENOMSG,
 * -EMSGSIZE with the length of the payload in @needed, -EFAULT, -EPERM, -ENOMEM, or -EINTR
 * after a fatal signal.
 */
int ke_peek(struct ke_client *client, s32 id, const struct ke_user_buf *buf, u32 *needed);

/*
 * Peeks at the watched ID whose turn it is. Returns like ke_peek(), but -ENOMSG instead of
 * -EPERM.
 */
int ke_peek_watched(struct ke_client *client, const struct ke_user_buf *buf, u32 *needed);

#endif /* KE_PEEK_H */
