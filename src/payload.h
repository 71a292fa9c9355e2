/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_PAYLOAD_H
#define KE_PAYLOAD_H

#include <linux/compiler.h>
#include <linux/types.h>

struct iov_iter;
struct ke_event;

/* 0, or -EFAULT after a part of the payload may have been copied. */
int ke_payload_copy_from_user(struct ke_event *event, const void __user *from);
int ke_payload_copy_to_user(const struct ke_event *event, void __user *to);

/* 0, or -EFAULT with @iter where it was. */
int ke_payload_copy_from_iter(struct ke_event *event, struct iov_iter *iter);

/* Copies @n bytes of the payload, from byte @from on. */
void ke_payload_read(const struct ke_event *event, u32 from, u32 n, u8 *to);

/* Returns how many bytes were copied. */
size_t ke_payload_copy_to_iter(const struct ke_event *event, struct iov_iter *iter);

#endif /* KE_PAYLOAD_H */
