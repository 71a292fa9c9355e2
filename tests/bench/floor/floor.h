/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls of /dev/kevents-floor, which copy bytes in and out and do nothing else. */
#ifndef KEVENTS_BENCH_FLOOR_H
#define KEVENTS_BENCH_FLOOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Room of the one buffer in bytes. */
#define FLOOR_SIZE	65536

/* The len bytes at address; EMSGSIZE if they are more than FLOOR_SIZE. */
struct floor_message {
	__aligned_u64 address;
	__aligned_u64 len;
};

#define FLOOR_SEND	_IOW('f', 0x00, struct floor_message)
#define FLOOR_RECEIVE	_IOW('f', 0x01, struct floor_message)

#endif /* KEVENTS_BENCH_FLOOR_H */
