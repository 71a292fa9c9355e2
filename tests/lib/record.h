/* SPDX-License-Identifier: GPL-2.0-only */
/* What read() and write() of the device speak. */
#ifndef RECORD_H
#define RECORD_H

#include <check.h>
#include <errno.h>
#include <linux/kevents.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* A record of an event that is a number, as it is: an array is a stream. */
struct number_record {
	struct kevents_record head;
	__aligned_u64 number;
};

struct number_record number_record(int id, uint64_t number);

/* Fails the test unless the record is this number's, received. */
void assert_number_record(const struct number_record *record, int id, uint64_t number);

/* Writes a record of len bytes that memory_fill() makes; returns where it ends. */
char *record_put(char *at, int id, size_t len, unsigned int seed);

/* Fails the test unless such a record is there, received; returns where it ends. */
const char *record_expect(const char *at, int id, size_t len, unsigned int seed);

/* The descriptor of ke. */
int device(void);

/* What a read() or a write() returns, or why it fails. */
#define ASSERT_COUNT(call, expected) ck_assert_int_eq((ssize_t)(call), (ssize_t)(expected))

#define ASSERT_ERROR(call, error)						\
do {										\
	ssize_t result_ = (call);						\
										\
	ck_assert_msg(result_ == -1 && errno == (error), "%s: %zd, %s", #call,	\
		      result_, result_ < 0 ? strerror(errno) : "no error");	\
} while (0)

#endif /* RECORD_H */
