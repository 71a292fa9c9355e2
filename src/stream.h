/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_STREAM_H
#define KE_STREAM_H

#include <linux/types.h>

struct iov_iter;
struct ke_client;

/*
 * read(2) and write(2) of records. Return bytes of whole records, or what
 * stopped the first. @waits: for the first record, or for room.
 */
ssize_t ke_stream_read(struct ke_client *client, struct iov_iter *to,
		       bool waits);
ssize_t ke_stream_write(struct ke_client *client, struct iov_iter *from,
			bool waits);

#endif /* KE_STREAM_H */
