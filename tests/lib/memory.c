// SPDX-License-Identifier: GPL-2.0-only
#include "memory.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness.h"

#define USABLE (PROT_READ | PROT_WRITE)

size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

char *memory_map(size_t pages, int protection)
{
	char *memory = mmap(NULL, pages * page_size(), protection,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

char *memory_before_gap(size_t size)
{
	size_t pages = (size + page_size() - 1) / page_size();
	char *memory = memory_map(pages + 1, USABLE);
	char *gap = memory + pages * page_size();

	ASSERT_SYS(mprotect(gap, page_size(), PROT_NONE));
	return gap - size;
}

static unsigned char pattern(size_t i, unsigned int seed)
{
	return (unsigned char)(i + (i >> 8) * 31 + seed * 7 + 1);
}

void memory_fill(void *memory, size_t size, unsigned int seed)
{
	unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = pattern(i, seed);
}

bool memory_is(const void *memory, size_t size, unsigned int seed)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != pattern(i, seed))
			return false;
	return true;
}

bool memory_is_all(const void *memory, size_t size, unsigned char byte)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte)
			return false;
	return true;
}

void assert_same_bytes(const void *is, const void *should, size_t size)
{
	const unsigned char *a = is, *b = should;
	size_t i;

	for (i = 0; i < size; i++)
		ck_assert_msg(a[i] == b[i], "byte %zu is %#x, not %#x", i, a[i], b[i]);
}

static void *come_and_go(void *arg)
{
	struct flicker *flicker = arg;
	size_t size = page_size();

	while (!__atomic_load_n(&flicker->stop, __ATOMIC_ACQUIRE)) {
		if (flicker->remap) {
			munmap(flicker->page, size);
			sched_yield();
			mmap(flicker->page, size, USABLE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		} else {
			mprotect(flicker->page, size, PROT_NONE);
			sched_yield();
			mprotect(flicker->page, size, USABLE);
		}
		sched_yield();
	}
	return NULL;
}

void flicker_start(struct flicker *flicker)
{
	flicker->stop = false;
	ck_assert_int_eq(pthread_create(&flicker->thread, NULL, come_and_go, flicker), 0);
}

void flicker_stop(struct flicker *flicker)
{
	__atomic_store_n(&flicker->stop, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(pthread_join(flicker->thread, NULL), 0);
}

bool stall_create(struct stall *stall)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	stall->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (stall->fd < 0 && errno == ENOSYS)
		return false;
	ASSERT_SYS(stall->fd);
	ASSERT_SYS(ioctl(stall->fd, UFFDIO_API, &api));
	stall->page = memory_map(2, USABLE) + page_size();
	range.range.start = (uintptr_t)stall->page;
	range.range.len = page_size();
	ASSERT_SYS(ioctl(stall->fd, UFFDIO_REGISTER, &range));
	return true;
}

void stall_wait(const struct stall *stall)
{
	struct pollfd fault = { .fd = stall->fd, .events = POLLIN };

	ck_assert_msg(poll(&fault, 1, (int)(patience() * 1000)) == 1, "nobody touches the page");
}

void stall_release(struct stall *stall)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)stall->page, .len = page_size() },
	};

	ASSERT_SYS(ioctl(stall->fd, UFFDIO_ZEROPAGE, &zero));
}

void stall_fail(struct stall *stall)
{
	struct uffdio_range range = { .start = (uintptr_t)stall->page, .len = page_size() };

	ASSERT_SYS(munmap(stall->page, page_size()));
	ASSERT_SYS(ioctl(stall->fd, UFFDIO_WAKE, &range));
}

bool stall_is_hit(const struct stall *stall)
{
	struct pollfd fault = { .fd = stall->fd, .events = POLLIN };

	ASSERT_SYS(poll(&fault, 1, 0));
	return fault.revents;
}
