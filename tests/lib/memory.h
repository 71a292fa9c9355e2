/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is missing, read-only, comes and goes, or stalls who touches it. */
#ifndef MEMORY_H
#define MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t page_size(void);

/* Pages with this protection (PROT_*), zeroed; they stay until the test ends. */
char *memory_map(size_t pages, int protection);

/* Zeroed memory of this size, right before a page that cannot be touched. */
char *memory_before_gap(size_t size);

/* Fills memory with a pattern that depends on the seed, and looks for it. */
void memory_fill(void *memory, size_t size, unsigned int seed);
bool memory_is(const void *memory, size_t size, unsigned int seed);
bool memory_is_all(const void *memory, size_t size, unsigned char byte);

void assert_same_bytes(const void *is, const void *should, size_t size);

/* A thread that makes a page untouchable and touchable again, over and over. */
struct toggler {
	void *page;
	bool remap;	/* by munmap() and mmap(), which clears it, not mprotect() */
	bool stop;
	pthread_t thread;
};

void toggler_start(struct toggler *toggler);
void toggler_stop(struct toggler *toggler);

#define NO_USERFAULTFD "this kernel has no userfaultfd"

/* A page that stalls who touches it first, in the kernel, too; the one before does not. */
struct uffd {
	int fd;
	char *page;
};

/* Returns false if this kernel has no userfaultfd. */
bool uffd_create(struct uffd *uffd);

/* Returns when somebody is stalled there. */
void uffd_wait(const struct uffd *uffd);

/* Lets everybody go on who is stalled there. */
void uffd_release(struct uffd *uffd);

/* The same, after the page has been unmapped. */
void uffd_fail(struct uffd *uffd);

/* Whether somebody is stalled there now. */
bool uffd_is_hit(const struct uffd *uffd);

#endif /* MEMORY_H */
