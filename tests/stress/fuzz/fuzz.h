/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the parts of the fuzzer. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DEVICE "/dev/kevents"

/*
 * Determines what a round does: random numbers come from seed and, from the step of each
 * cut on, from the seed of that cut. Cuts are in the order of their steps.
 */
#define CUTS_MAX 8
struct plan {
	uint64_t seed;
	unsigned int cut_count;
	struct cut {
		uint64_t step, seed;
	} cuts[CUTS_MAX];
};

/* Reads a plan of the form SEED[:STEP:SEED]... Returns false if text is not one. */
bool plan_read(struct plan *plan, const char *text);
void plan_print(const struct plan *plan);

/* Adds a cut to the plan at a random step. */
void plan_vary(struct plan *plan, uint64_t *state);

/* Returns a random number and advances the state. */
uint64_t random_next(uint64_t *state);

void random_start(const struct plan *plan);

/* Starts the next step of the round. */
void random_step(void);

uint64_t random_number(void);

/* Returns a random number below n. n is not 0. */
uint64_t random_below(uint64_t n);

bool one_in(unsigned int n);

/* Returns the deadline of a call that waits this long; -1: without limit. */
uint64_t deadline_ns(int timeout_ms);

/* The log of the calls of a round, to explain a failure. */
struct account {
	char text[1 << 16];
	size_t length;
	unsigned long calls;
};

extern struct account *account;

__attribute__((format(printf, 1, 2))) void trace(const char *format, ...);

/* Ends the process, which makes the round fail. */
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...);

/* Returns the result of a call, or -errno. */
long outcome(long result);

const char *error_name(long result);

/* Valid and invalid memory. */
enum place {
	GOOD,
	EDGE,		/* ends right before an inaccessible page */
	READ_ONLY,
	NOWHERE,
	CROSSING,	/* the last byte is inaccessible */
	KERNEL,
	WRAPPING,	/* at the end of the address space */
	CHANGING,	/* comes and goes; see changing_page() */
	PLACES,
};

/* Returns the address of size bytes of this kind, at most MEMORY_MAX; n tells a few apart. */
#define MEMORY_MAX 262144
void *memory_at(enum place place, size_t size, unsigned int n);

void memory_create(void);

/* The page at CHANGING. */
void *changing_page(void);
size_t page_size(void);

bool can_read(enum place place);
bool can_write(enum place place);

/* A round of calls one after the other, each checked against the model. */
void sequence_run(void);

/* A round of concurrent calls, which may fail only in documented ways. */
void parallel_run(void);

/* Coverage of the kernel, if KCOV is available. */
void coverage_begin(void);

/*
 * Marks the places reached in seen, a byte for each hash, and adds the number of new ones
 * to fresh. Returns false if there is no coverage.
 */
bool coverage_end(uint8_t *seen, size_t size, unsigned int *fresh);

#endif /* FUZZ_H */
