/* SPDX-License-Identifier: GPL-2.0-only */
/* Direct ioctls, for tests of behaviour that the library hides. */
#ifndef ABI_H
#define ABI_H

#include <linux/kevents.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAINT 0xa5

/* Makes an ioctl on ke. Returns its result, or -errno. */
int abi_call(unsigned long command, void *arg);

/* Makes a batch ioctl with n entries. */
int abi_batch(unsigned long command, const void *entries, uint32_t n);

struct kevents_send abi_send(int id, const void *data, size_t len);

/* Returns an argument whose output fields are painted. */
struct kevents_receive abi_receive(int id, void *data, size_t size);

bool abi_is_painted(const void *memory, size_t size);

#endif /* ABI_H */
