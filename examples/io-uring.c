// SPDX-License-Identifier: GPL-2.0-only
/*
 * io-uring ID...
 *
 * Reads the events of several IDs through io_uring, as many at a time as there are,
 * until none has come for a second. kevents(4) describes the records.
 */
#include <err.h>
#include <errno.h>
#include <kevents.h>
#include <liburing.h>
#include <linux/kevents.h>
#include <stdio.h>
#include <stdlib.h>

/* Room for the largest possible event. */
static _Alignas(8) char room[KEVENTS_RECORD_SIZE(KEVENTS_EVENT_SIZE_MAX)];

static void check(int ret, const char *what)
{
	if (ret < 0)
		errx(EXIT_FAILURE, "%s: %s", what, ke_strerror(ret));
}

static void print_records(const char *at, const char *end)
{
	const struct kevents_record *record;

	for (; at < end; at += KEVENTS_RECORD_SIZE(record->len)) {
		record = (const void *)at;
		printf("%d: %.*s\n", record->id, (int)record->len, at + sizeof(*record));
	}
}

/* Returns the result of a read, or -ECANCELED after a second. */
static int read_records(struct io_uring *ring, int fd)
{
	static struct __kernel_timespec second = { .tv_sec = 1 };
	struct io_uring_sqe *read = io_uring_get_sqe(ring);
	struct io_uring_sqe *timeout = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int result = 0;

	if (!read || !timeout)
		return -EBUSY;
	io_uring_prep_read(read, fd, room, sizeof(room), 0);
	io_uring_sqe_set_data(read, room);
	read->flags |= IOSQE_IO_LINK;
	io_uring_prep_link_timeout(timeout, &second, 0);
	io_uring_sqe_set_data(timeout, NULL);
	check(io_uring_submit(ring), "submit");
	for (int i = 0; i < 2; i++) {
		check(io_uring_wait_cqe(ring, &cqe), "wait");
		if (io_uring_cqe_get_data(cqe))
			result = cqe->res;
		io_uring_cqe_seen(ring, cqe);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	kevents_ctx ctx;
	int size;

	check(ke_init(&ctx), "open");
	for (int i = 1; i < argc; i++)
		check(ke_watch(&ctx, atoi(argv[i])), "watch");
	check(io_uring_queue_init(2, &ring, 0), "ring");
	while ((size = read_records(&ring, ke_fd(&ctx))) > 0)
		print_records(room, room + size);
	if (size != -ECANCELED)
		check(size, "read");
	io_uring_queue_exit(&ring);
	return ke_close(&ctx) ? EXIT_FAILURE : EXIT_SUCCESS;
}
