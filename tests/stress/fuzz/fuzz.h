/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the fuzzer share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DEVICE "/dev/kevents"

/*
 * What a round does follows from this alone: random numbers of seed and, from the step
 * of each cut on, of the seed of that. Cuts are in the order of their steps.
 */
#define CUTS_MAX 8
struct plan {
	uint64_t seed;
	unsigned int cut_count;
	struct cut {
		uint64_t step, seed;
	} cuts[CUTS_MAX];
};

/* A plan as text is SEED[:STEP:SEED]...; false if this is none. */
bool plan_read(struct plan *plan, const char *text);
void plan_print(const struct plan *plan);

/* Gives the plan one more cut, somewhere. */
void plan_vary(struct plan *plan, uint64_t *state);

/* A random number, and the next state. */
uint64_t random_next(uint64_t *state);

void random_start(const struct plan *plan);

/* The next step of the round begins. */
void random_step(void);

uint64_t random_number(void);

/* A number below n, which is not 0. */
uint64_t random_below(uint64_t n);

bool one_in(unsigned int n);

/* The deadline of a call that waits so long; -1: without limit. */
uint64_t deadline_ns(int timeout_ms);

/* Where the processes of a round write down what they do, for who reads of a failure. */
struct account {
	char text[1 << 16];
	size_t length;
	unsigned long calls;
};

extern struct account *account;

__attribute__((format(printf, 1, 2))) void trace(const char *format, ...);

/* Ends the process, and with that the round, as failed. */
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...);

/* What a call returned, or -errno. */
long outcome(long result);

const char *error_name(long result);

/* Memory, good and bad. */
enum place {
	GOOD,
	EDGE,		/* ends right before a page that cannot be touched */
	READ_ONLY,
	NOWHERE,
	CROSSING,	/* its last byte cannot be touched */
	KERNEL,
	WRAPPING,	/* at the end of the address space */
	CHANGING,	/* comes and goes; see changing_page() */
	PLACES,
};

/* The address of size bytes there, at most MEMORY_MAX; of a few, so with n. */
#define MEMORY_MAX 262144
void *memory_at(enum place place, size_t size, unsigned int n);

void memory_create(void);

/* The page at CHANGING. */
void *changing_page(void);
size_t page_size(void);

bool can_read(enum place place);
bool can_write(enum place place);

/* One round: calls one after the other, each checked against what it has to do. */
void sequence_run(void);

/* The other kind: everything at once; each call may fail in documented ways only. */
void parallel_run(void);

/* Coverage of the kernel, where that tells it. */
void coverage_begin(void);

/*
 * Marks the places reached in seen, a byte for a hash; adds how many are new to fresh.
 * False if nothing was told.
 */
bool coverage_end(uint8_t *seen, size_t size, unsigned int *fresh);

#endif /* FUZZ_H */
