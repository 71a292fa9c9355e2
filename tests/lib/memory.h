/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that is missing, read-only, comes and goes, or stalls an access. */
#ifndef MEMORY_H
#define MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t page_size(void);

/* Maps zeroed pages with this protection (PROT_*), until the test ends. */
char *memory_map(size_t pages, int protection);

/* Returns zeroed memory of this size, right before an inaccessible page. */
char *memory_before_gap(size_t size);

/* Fill memory with a pattern that depends on the seed, and check for it. */
void memory_fill(void *memory, size_t size, unsigned int seed);
bool memory_is(const void *memory, size_t size, unsigned int seed);
bool memory_is_all(const void *memory, size_t size, unsigned char byte);

void assert_same_bytes(const void *is, const void *should, size_t size);

/* A thread that makes a page inaccessible and accessible again, over and over. */
struct toggler {
	void *page;
	bool remap;	/* by munmap() and mmap(), which zeroes it, not by mprotect() */
	bool stop;
	pthread_t thread;
};

void toggler_start(struct toggler *toggler);
void toggler_stop(struct toggler *toggler);

#define NO_USERFAULTFD "this kernel has no userfaultfd"

/*
 * A page whose first access stalls, in user space or the kernel. An access to the page
 * before it does not.
 */
struct uffd {
	int fd;
	char *page;
};

/* Returns false if this kernel has no userfaultfd. */
bool uffd_create(struct uffd *uffd);

/* Waits until an access stalls. */
void uffd_wait(const struct uffd *uffd);

/* Lets the stalled accesses continue. */
void uffd_release(struct uffd *uffd);

/* Unmaps the page, so that the stalled accesses fail. */
void uffd_fail(struct uffd *uffd);

/* Returns whether an access is stalled now. */
bool uffd_is_hit(const struct uffd *uffd);

#endif /* MEMORY_H */
