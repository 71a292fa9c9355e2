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
	struct toggler *toggler = arg;
	size_t size = page_size();

	while (!__atomic_load_n(&toggler->stop, __ATOMIC_ACQUIRE)) {
		if (toggler->remap) {
			munmap(toggler->page, size);
			sched_yield();
			mmap(toggler->page, size, USABLE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		} else {
			mprotect(toggler->page, size, PROT_NONE);
			sched_yield();
			mprotect(toggler->page, size, USABLE);
		}
		sched_yield();
	}
	return NULL;
}

void toggler_start(struct toggler *toggler)
{
	toggler->stop = false;
	ck_assert_int_eq(pthread_create(&toggler->thread, NULL, come_and_go, toggler), 0);
}

void toggler_stop(struct toggler *toggler)
{
	__atomic_store_n(&toggler->stop, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(pthread_join(toggler->thread, NULL), 0);
}

bool uffd_create(struct uffd *uffd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	uffd->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd->fd < 0 && errno == ENOSYS)
		return false;
	ASSERT_SYS(uffd->fd);
	ASSERT_SYS(ioctl(uffd->fd, UFFDIO_API, &api));
	uffd->page = memory_map(2, USABLE) + page_size();
	range.range.start = (uintptr_t)uffd->page;
	range.range.len = page_size();
	ASSERT_SYS(ioctl(uffd->fd, UFFDIO_REGISTER, &range));
	return true;
}

void uffd_wait(const struct uffd *uffd)
{
	struct pollfd fault = { .fd = uffd->fd, .events = POLLIN };

	ck_assert_msg(poll(&fault, 1, (int)(patience() * 1000)) == 1, "nobody touches the page");
}

void uffd_release(struct uffd *uffd)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)uffd->page, .len = page_size() },
	};

	ASSERT_SYS(ioctl(uffd->fd, UFFDIO_ZEROPAGE, &zero));
}

void uffd_fail(struct uffd *uffd)
{
	struct uffdio_range range = { .start = (uintptr_t)uffd->page, .len = page_size() };

	ASSERT_SYS(munmap(uffd->page, page_size()));
	ASSERT_SYS(ioctl(uffd->fd, UFFDIO_WAKE, &range));
}

bool uffd_is_hit(const struct uffd *uffd)
{
	struct pollfd fault = { .fd = uffd->fd, .events = POLLIN };

	ASSERT_SYS(poll(&fault, 1, 0));
	return fault.revents;
}
