// SPDX-License-Identifier: GPL-2.0-only
#include "abi.h"

#include <sys/ioctl.h>

#include "harness.h"
#include "memory.h"

int abi_call(unsigned long command, void *arg)
{
	int result = ioctl(ke_fd(&ke), command, arg);

	return result < 0 ? -errno : result;
}

int abi_batch(unsigned long command, const void *entries, uint32_t n)
{
	struct kevents_batch batch = { .entries = (uintptr_t)entries, .n = n };

	return abi_call(command, &batch);
}

struct kevents_send abi_send(int id, const void *data, size_t len)
{
	return (struct kevents_send){
		.id = id, .data = (uintptr_t)data, .len = len, .seq = UINT64_MAX,
	};
}

struct kevents_receive abi_receive(int id, void *data, size_t size)
{
	struct kevents_receive receive = {
		.id = id, .data = (uintptr_t)data, .size = size,
	};

	memset(&receive.event, PAINT, sizeof(receive.event));
	return receive;
}

bool abi_is_painted(const void *memory, size_t size)
{
	return memory_is_all(memory, size, PAINT);
}
