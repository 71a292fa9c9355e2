// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define PARTS 4		/* parts that do not overlap */

static char *good[PARTS], *edge[PARTS], *read_only[PARTS], *changing;

size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static char *map(size_t size, int protection)
{
	char *memory = mmap(NULL, size + page_size(), protection,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory + size, page_size(), PROT_NONE))
		fail("no memory");
	return memory;
}

void memory_create(void)
{
	unsigned int i;

	for (i = 0; i < PARTS; i++) {
		good[i] = map(MEMORY_MAX, PROT_READ | PROT_WRITE);
		edge[i] = map(MEMORY_MAX, PROT_READ | PROT_WRITE);
		read_only[i] = map(MEMORY_MAX, PROT_READ);
	}
	changing = map(MEMORY_MAX, PROT_READ | PROT_WRITE);
}

void *changing_page(void)
{
	return changing;
}

static void *at(uintptr_t address)
{
	return (void *)address;
}

void *memory_at(enum place place, size_t size, unsigned int n)
{
	n %= PARTS;
	switch (place) {
	case GOOD: return good[n];
	case EDGE: return edge[n] + MEMORY_MAX - size;
	case READ_ONLY: return read_only[n];
	case CROSSING: return edge[n] + MEMORY_MAX - size + 1;
	case KERNEL: return at(UINTPTR_MAX / 2 + 1 + UINT32_MAX);
	case WRAPPING: return at(UINTPTR_MAX - 3);
	case CHANGING: return changing;
	default: return at(4096);
	}
}

bool can_read(enum place place)
{
	return place == GOOD || place == EDGE || place == READ_ONLY;
}

bool can_write(enum place place)
{
	return place == GOOD || place == EDGE;
}
