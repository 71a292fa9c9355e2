/* SPDX-License-Identifier: GPL-2.0-only */
/* The records of read() and write() on the device. */
#ifndef RECORD_H
#define RECORD_H

#include <check.h>
#include <errno.h>
#include <linux/kevents.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* The record of an event whose payload is a number. An array of these is a valid buffer. */
struct number_record {
	struct kevents_record head;
	__aligned_u64 number;
};

struct number_record number_record(int id, uint64_t number);

/* Fails the test unless the record is that of a received event with this number. */
void assert_number_record(const struct number_record *record, int id, uint64_t number);

/* Writes a record whose payload is memory_fill(len, seed). Returns its end. */
char *record_put(char *at, int id, size_t len, unsigned int seed);

/* Fails the test unless such a record of a received event comes next. Returns its end. */
const char *record_expect(const char *at, int id, size_t len, unsigned int seed);

/* Returns the descriptor of ke. */
int device(void);

/* Fail the test unless a read() or write() returns this count, or fails with this error. */
#define ASSERT_COUNT(call, expected) ck_assert_int_eq((ssize_t)(call), (ssize_t)(expected))

#define ASSERT_ERROR(call, error)						\
do {										\
	ssize_t result_ = (call);						\
										\
	ck_assert_msg(result_ == -1 && errno == (error), "%s: %zd, %s", #call,	\
		      result_, result_ < 0 ? strerror(errno) : "no error");	\
} while (0)

#endif /* RECORD_H */
