// SPDX-License-Identifier: GPL-2.0-only
/* io_uring: reads and writes that wait without a thread of ours, and are cancelled. */
#include <liburing.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/watch.h"

#define RECORD sizeof(struct number_record)
#define NO_URING "this kernel has no io_uring"

enum { READ = 1, WRITE, TIMEOUT, CANCEL, POLL };

static struct io_uring ring;

static bool ring_create(void)
{
	int err = io_uring_queue_init(16, &ring, 0);

	if (err == -ENOSYS || err == -EPERM)
		return false;
	ASSERT_OK(err);
	return true;
}

static struct io_uring_sqe *new_entry(uint64_t name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	ck_assert_ptr_nonnull(sqe);
	memset(sqe, 0, sizeof(*sqe));
	sqe->user_data = name;
	return sqe;
}

static void prepare(struct io_uring_sqe *sqe, int operation, const void *data, unsigned int len)
{
	uint64_t name = sqe->user_data;

	io_uring_prep_rw(operation, sqe, ke_fd(&ke), data, len, 0);
	sqe->user_data = name;
}

static void submit(int count)
{
	ASSERT_RESULT(io_uring_submit(&ring), count);
}

/* Submits one operation. */
static void start(int operation, uint64_t name, const void *data, unsigned int len)
{
	prepare(new_entry(name), operation, data, len);
	submit(1);
}

/* Takes the next completion; whose it is must be known. */
static int finish(uint64_t name)
{
	struct __kernel_timespec limit = { .tv_sec = (long)patience() };
	struct io_uring_cqe *cqe;
	int result;

	ASSERT_OK(io_uring_wait_cqe_timeout(&ring, &cqe, &limit));
	ck_assert_uint_eq(cqe->user_data, name);
	result = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return result;
}

static void assert_pending(void)
{
	struct io_uring_cqe *cqe;

	ASSERT_RESULT(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
}

START_TEST(a_ring_writes_and_reads)
{
	struct number_record records[3];
	int id = watched_id(), i;

	if (!ring_create())
		SKIP(NO_URING);
	for (i = 0; i < 3; i++)
		records[i] = number_record(id, i);
	start(IORING_OP_WRITE, WRITE, records, sizeof(records));
	ASSERT_RESULT(finish(WRITE), sizeof(records));
	memset(records, 0, sizeof(records));
	start(IORING_OP_READ, READ, records, sizeof(records));
	ASSERT_RESULT(finish(READ), sizeof(records));
	for (i = 0; i < 3; i++)
		assert_number_record(&records[i], id, i);
	start(IORING_OP_WRITE, WRITE, records, 8);
	ASSERT_RESULT(finish(WRITE), -EINVAL);
	send_number(id, 1);
	start(IORING_OP_READ, READ, records, 23);
	ASSERT_RESULT(finish(READ), -EMSGSIZE);
	start(IORING_OP_READ, READ, (void *)16, 100);
	ASSERT_RESULT(finish(READ), -EFAULT);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

START_TEST(p9_a_read_in_a_ring_completes_when_an_event_comes)
{
	struct number_record record;
	int id = watched_id(), i;

	if (!ring_create())
		SKIP(NO_URING);
	for (i = 0; i < 50; i++) {
		start(IORING_OP_READ, READ, &record, RECORD);
		assert_pending();
		send_number(id, i);
		ASSERT_RESULT(finish(READ), RECORD);
		assert_number_record(&record, id, i);
	}
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(p9_an_event_that_another_takes_leaves_the_read_pending)
{
	struct number_record record;
	int id = watched_id(), i;

	if (!ring_create())
		SKIP(NO_URING);
	start(IORING_OP_READ, READ, &record, RECORD);
	for (i = 0; i < 20; i++) {
		struct receiver receiver = RECEIVER(id);

		receiver_block(&receiver);
		send_number(id, i);
		receiver_expect(&receiver, i);
		assert_pending();
	}
	send_number(id, 99);
	ASSERT_RESULT(finish(READ), RECORD);
	assert_number_record(&record, id, 99);
}
END_TEST

START_TEST(p1_reads_in_a_ring_share_the_events)
{
	enum { READS = 8 };
	struct number_record records[READS];
	struct __kernel_timespec limit = { .tv_sec = (long)patience() };
	struct io_uring_cqe *cqe;
	unsigned int seen = 0;
	int id = watched_id(), i;

	if (!ring_create())
		SKIP(NO_URING);
	for (i = 0; i < READS; i++)
		start(IORING_OP_READ, i, &records[i], RECORD);
	for (i = 0; i < READS; i++)
		send_number(id, i);
	for (i = 0; i < READS; i++) {
		ASSERT_OK(io_uring_wait_cqe_timeout(&ring, &cqe, &limit));
		ASSERT_RESULT(cqe->res, RECORD);
		seen |= 1U << records[cqe->user_data].number;
		io_uring_cqe_seen(&ring, cqe);
	}
	ck_assert_uint_eq(seen, (1U << READS) - 1);
	assert_nothing_watched(&ke);
}
END_TEST

START_TEST(registered_buffers_work)
{
	const size_t len = 50000, size = 16 * page_size();
	char *memory = memory_map(16, PROT_READ | PROT_WRITE);
	struct iovec buffer = { memory, size };
	int id = watched_id(), i;

	if (!ring_create())
		SKIP(NO_URING);
	ASSERT_OK(io_uring_register_buffers(&ring, &buffer, 1));
	for (i = 0; i < 5; i++) {
		start(IORING_OP_READ_FIXED, READ, memory + 100, (unsigned int)size - 100);
		assert_pending();
		/* The same buffer: what is written is copied before it is read. */
		record_put(memory, id, len, i);
		start(IORING_OP_WRITE_FIXED, WRITE, memory, KEVENTS_RECORD_SIZE(len));
		ASSERT_RESULT(finish(WRITE), (int)KEVENTS_RECORD_SIZE(len));
		ASSERT_RESULT(finish(READ), (int)KEVENTS_RECORD_SIZE(len));
		record_expect(memory + 100, id, len, i);
	}
	send_number(id, 1);
	start(IORING_OP_READ_FIXED, READ, memory, 23);
	ASSERT_RESULT(finish(READ), -EMSGSIZE);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

static void cancel(void)
{
	struct io_uring_sqe *sqe = new_entry(CANCEL);

	io_uring_prep_cancel64(sqe, READ, 0);
	sqe->user_data = CANCEL;
	submit(1);
}

/*
 * Its end and the read's come in any order; returns the read's result. A cancel
 * that meets the read on its way to a worker or a poll may miss it, and says
 * ENOENT (Linux 6.1) or EALREADY.
 */
static int finish_both(uint64_t other)
{
	struct __kernel_timespec limit = { .tv_sec = (long)patience() };
	struct io_uring_cqe *cqe;
	int left = 2, result = 0;
	bool read_ended = false;

	while (left--) {
		ASSERT_OK(io_uring_wait_cqe_timeout(&ring, &cqe, &limit));
		if (cqe->user_data == READ) {
			result = cqe->res;
			read_ended = true;
		} else {
			ck_assert_uint_eq(cqe->user_data, other);
		}
		if (cqe->user_data == CANCEL && cqe->res < 0 && !read_ended) {
			cancel();
			left++;
		}
		io_uring_cqe_seen(&ring, cqe);
	}
	return result;
}

static void start_with_timeout(struct number_record *record, long ns)
{
	struct __kernel_timespec limit = { .tv_nsec = ns };
	struct io_uring_sqe *sqe = new_entry(READ);

	prepare(sqe, IORING_OP_READ, record, RECORD);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = new_entry(TIMEOUT);
	io_uring_prep_link_timeout(sqe, &limit, 0);
	sqe->user_data = TIMEOUT;
	submit(2);
}

START_TEST(p3_a_linked_timeout_ends_a_read)
{
	struct number_record record;
	int id = watched_id();

	if (!ring_create())
		SKIP(NO_URING);
	start_with_timeout(&record, 5000000);
	ASSERT_RESULT(finish_both(TIMEOUT), -ECANCELED);
	send_number(id, 1);
	assert_watched(&ke, 1);
	start_with_timeout(&record, 900000000);
	ASSERT_RESULT(finish_both(TIMEOUT), RECORD);
	assert_number_record(&record, id, 1);
}
END_TEST

/* Timeouts and events at about the same time: each event is read or stays. */
START_TEST(p1_a_linked_timeout_loses_nothing)
{
	struct number_record record;
	int id = watched_id(), i, result, cancelled = 0;

	if (!ring_create())
		SKIP(NO_URING);
	for (i = 0; i < 300; i++) {
		start_with_timeout(&record, 100000 + i % 7 * 20000);
		spin_ns(90000 + i % 5 * 30000);
		send_number(id, i);
		result = finish_both(TIMEOUT);
		if (result == -ECANCELED || result == -EINTR) {
			ck_assert_uint_eq(receive_watched(&ke), i);
			cancelled++;
		} else {
			ASSERT_RESULT(result, RECORD);
			assert_number_record(&record, id, i);
		}
		assert_nothing_watched(&ke);
	}
	ck_assert_int_gt(cancelled, 0);
}
END_TEST

/* In its own thread of the kernel if `flags` say so. */
static void cancel_reads(unsigned int flags)
{
	struct io_uring_sqe *sqe;
	struct number_record record;
	int id = watched_id(), i, result;

	for (i = 0; i < 100; i++) {
		sqe = new_entry(READ);
		prepare(sqe, IORING_OP_READ, &record, RECORD);
		sqe->flags |= flags;
		submit(1);
		if (i % 3 == 1)
			send_number(id, i);
		cancel();
		if (i % 3 == 2)
			send_number(id, i);
		result = finish_both(CANCEL);
		if (result == RECORD) {
			assert_number_record(&record, id, i);
		} else {
			ck_assert_msg(result == -ECANCELED || result == -EINTR,
				      "a cancelled read is %d", result);
			if (i % 3)
				ck_assert_uint_eq(receive_watched(&ke), i);
		}
		assert_nothing_watched(&ke);
	}
}

START_TEST(p1_cancelled_reads_lose_nothing)
{
	if (!ring_create())
		SKIP(NO_URING);
	cancel_reads(0);
}
END_TEST

START_TEST(p1_cancelled_reads_of_a_worker_lose_nothing)
{
	if (!ring_create())
		SKIP(NO_URING);
	cancel_reads(IOSQE_ASYNC);
}
END_TEST

/* O_NONBLOCK is not it: io_uring takes that upon itself and waits by poll. */
static void start_without_waiting(struct number_record *record)
{
	struct io_uring_sqe *sqe = new_entry(READ);

	prepare(sqe, IORING_OP_READ, record, RECORD);
	sqe->rw_flags = RWF_NOWAIT;
	submit(1);
}

START_TEST(a_read_in_a_ring_that_may_not_wait_does_not)
{
	struct number_record record;
	int id = watched_id();

	if (!ring_create())
		SKIP(NO_URING);
	start_without_waiting(&record);
	ASSERT_RESULT(finish(READ), -EAGAIN);
	send_number(id, 1);
	start_without_waiting(&record);
	ASSERT_RESULT(finish(READ), RECORD);
	assert_number_record(&record, id, 1);
}
END_TEST

START_TEST(p9_a_poll_in_a_ring_completes_when_an_event_comes)
{
	struct io_uring_sqe *sqe;
	int id = watched_id();

	if (!ring_create())
		SKIP(NO_URING);
	sqe = new_entry(POLL);
	io_uring_prep_poll_add(sqe, ke_fd(&ke), POLLIN);
	sqe->user_data = POLL;
	submit(1);
	assert_pending();
	send_number(id, 1);
	ck_assert_int_eq(finish(POLL) & POLLIN, POLLIN);
	ck_assert_uint_eq(receive_watched(&ke), 1);
}
END_TEST

static int read_for_ever(void *arg)
{
	struct number_record record[2];
	bool *ready = arg;

	ck_assert(ring_create());
	start(IORING_OP_READ, READ, &record[0], RECORD);
	prepare(new_entry(READ), IORING_OP_READ, &record[1], RECORD);
	ring.sq.sqes[1].flags |= IOSQE_ASYNC;
	submit(1);
	__atomic_store_n(ready, true, __ATOMIC_RELEASE);
	return finish(READ);
}

START_TEST(p6_a_process_that_is_killed_with_reads_in_its_ring_takes_nothing)
{
	bool *ready = shared_memory(sizeof(*ready));
	int id = watched_id(), i;
	pid_t pid;

	if (!ring_create())
		SKIP(NO_URING);
	for (i = 0; i < 10; i++) {
		*ready = false;
		pid = child_start(read_for_ever, ready);
		WAIT_UNTIL(__atomic_load_n(ready, __ATOMIC_ACQUIRE));
		ASSERT_SYS(kill(pid, SIGKILL));
		ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
		/* What is in the ring ends after the process. */
		WAIT_UNTIL((send_number(id, i), ke_poll_event(&ke, id)) == 1);
		drain(id);
	}
}
END_TEST

/* In this thread's ring, so that the kernel has something for the thread to do. */
static void start_timeouts(int count, uint64_t ms)
{
	static struct __kernel_timespec limits[16];
	struct io_uring_sqe *sqe;
	int i;

	for (i = 0; i < count; i++) {
		limits[i] = (struct __kernel_timespec){ .tv_nsec = (i + 1) * ms * 1000000 };
		sqe = new_entry(TIMEOUT);
		io_uring_prep_timeout(sqe, &limits[i], 0, 0);
		sqe->user_data = TIMEOUT;
	}
	submit(count);
}

START_TEST(p9_completions_in_a_ring_do_not_end_a_wait)
{
	struct ke_event ev = { .size = 0 };
	int id = fresh_id(), i;
	uint64_t begun;

	if (!ring_create())
		SKIP(NO_URING);
	begun = now_ns();
	start_timeouts(10, 50);
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 3000), -ETIMEDOUT);
	ck_assert_uint_ge(now_ns() - begun, UINT64_C(3000000000));
	for (i = 0; i < 10; i++)
		ASSERT_RESULT(finish(TIMEOUT), -ETIME);
}
END_TEST

struct late_send {
	pid_t receiver;
	int id;
};

static void *send_after_completions(void *arg)
{
	const struct late_send *send = arg;

	WAIT_UNTIL(*(volatile unsigned int *)ring.cq.ktail - *ring.cq.khead == 10);
	task_wait_blocked(send->receiver);
	ASSERT_OK(ke_send_event(&ke, send->id, NULL, 0));
	return NULL;
}

START_TEST(p9_a_wait_during_completions_in_a_ring_gets_its_event)
{
	struct ke_event ev = { .size = 0 };
	struct late_send send = { .receiver = gettid(), .id = fresh_id() };
	pthread_t thread;

	if (!ring_create())
		SKIP(NO_URING);
	start_timeouts(10, 20);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_after_completions, &send), 0);
	ASSERT_OK(ke_receive(&ke, send.id, &ev, 0, 1000000));
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

TESTS(60, WITH_CLIENT,
      a_ring_writes_and_reads,
      p9_a_read_in_a_ring_completes_when_an_event_comes,
      p9_an_event_that_another_takes_leaves_the_read_pending,
      p1_reads_in_a_ring_share_the_events,
      registered_buffers_work,
      p3_a_linked_timeout_ends_a_read,
      p1_a_linked_timeout_loses_nothing,
      p1_cancelled_reads_lose_nothing,
      p1_cancelled_reads_of_a_worker_lose_nothing,
      a_read_in_a_ring_that_may_not_wait_does_not,
      p9_a_poll_in_a_ring_completes_when_an_event_comes,
      p6_a_process_that_is_killed_with_reads_in_its_ring_takes_nothing,
      p9_completions_in_a_ring_do_not_end_a_wait,
      p9_a_wait_during_completions_in_a_ring_gets_its_event)
