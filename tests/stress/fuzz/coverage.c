// SPDX-License-Identifier: GPL-2.0-only
/* KCOV, if the kernel has it and the module was built for it. */
#include <fcntl.h>
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fuzz.h"

#define WORDS 262144

static unsigned long *words;
static int fd = -1;

void coverage_begin(void)
{
	fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, WORDS))
		return;
	words = mmap(NULL, WORDS * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (words == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		words = NULL;
	else
		__atomic_store_n(&words[0], 0, __ATOMIC_RELAXED);
}

bool coverage_end(uint8_t *seen, size_t size, unsigned int *fresh)
{
	unsigned long i, count;
	size_t at;

	if (!words || ioctl(fd, KCOV_DISABLE, 0))
		return false;
	count = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
	for (i = 1; i <= count && i < WORDS; i++) {
		at = (words[i] * UINT64_C(0x9e3779b97f4a7c15) >> 32) % size;
		*fresh += !seen[at];
		seen[at] = 1;
	}
	return count;
}
