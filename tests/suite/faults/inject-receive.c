// SPDX-License-Identifier: GPL-2.0-only
/* P3, P9: receives of every kind with every allocation and copy failing in turn. */
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "lib/harness.h"
#include "lib/inject-ids.h"
#include "lib/lease.h"
#include "lib/memory.h"
#include "lib/record.h"
#include "lib/task.h"

#define LONGEST 60000
#define SEVERAL 3

static char room[LONGEST + 1];
static size_t payload_len;
static struct ke_event last, several[SEVERAL];
static uint64_t numbers[SEVERAL];
static struct number_record records[SEVERAL];

static int outcome(ssize_t result)
{
	return result < 0 ? -errno : (int)result;
}

static int get(void)
{
	return ke_get_event(&ke, ids[SINGLE], room, sizeof(uint64_t) + 1);
}

static int get_nothing(void)
{
	return ke_get_event(&ke, ids[EMPTY], room, sizeof(uint64_t) + 1);
}

static int get_too_much(void)
{
	return ke_get_event(&ke, ids[SINGLE], room, 1);
}

static int receive_any(int id, unsigned int flags, int timeout_ms, uint32_t lease_ms)
{
	last = (struct ke_event){ .data = room, .size = sizeof(room), .lease_ms = lease_ms };
	return ke_receive(&ke, id, &last, flags, timeout_ms);
}

static int receive(void)
{
	return receive_any(ids[SINGLE], 0, -1, 0);
}

static int receive_too_much(void)
{
	int err;

	last = (struct ke_event){ .data = room, .size = 1 };
	err = ke_receive(&ke, ids[SINGLE], &last, 0, 0);
	if (err == -EMSGSIZE && last.len != sizeof(uint64_t))
		return -EPROTO;
	return err;
}

static int peek(void)
{
	return receive_any(ids[FULL], KE_PEEK, 0, 0);
}

static int wait_in_vain(void)
{
	return receive_any(ids[EMPTY], 0, 1, 0);
}

static int wait_for_unused(void)
{
	return receive_any(ids[UNUSED], 0, 1, 0);
}

static int take_lease(void)
{
	return receive_any(ids[SINGLE], KE_LEASE, 0, 0);
}

static int take_limited_lease(void)
{
	return receive_any(ids[SINGLE], KE_LEASE, 0, 3600000);
}

static void nack_last(int result)
{
	(void)result;
	ASSERT_OK(ke_nack(&ke, last.seq));
}

/* So that nothing but the next receive can have left there what is looked for. */
static void clear(void)
{
	memset(room, 0xa5, sizeof(room));
	memset(numbers, 0xa5, sizeof(numbers));
	memset(records, 0xa5, sizeof(records));
}

static void assert_number(uint64_t expected)
{
	uint64_t number;

	memcpy(&number, room, sizeof(number));
	ck_assert_uint_eq(number, expected);
}

static void assert_last(int id, uint64_t number)
{
	assert_number(number);
	ck_assert_int_eq(last.id, id);
	ck_assert_uint_eq(last.len, sizeof(number));
	ck_assert_uint_ne(last.seq, 0);
	ck_assert_uint_ge(last.deliveries, 1);
	ck_assert_int_eq(last.pid, getpid());
}

static void is_text_of_4(int result)
{
	(void)result;
	assert_number(4);
	ck_assert_int_eq(room[sizeof(uint64_t)], '\0');
}

static void is_event_4(int result)
{
	(void)result;
	assert_last(ids[SINGLE], 4);
}

static void is_event_1(int result)
{
	(void)result;
	assert_last(ids[FULL], 1);
}

START_TEST(p3_receiving)
{
	PREPARE_IDS();
	FAIL("get", get, ids_refill, 0, clear, is_text_of_4);
	FAIL("get of nothing", get_nothing, NULL, -ENOMSG);
	FAIL("get of too much", get_too_much, NULL, -EMSGSIZE);
	FAIL("receive", receive, ids_refill, 0, clear, is_event_4);
	FAIL("receive of too much", receive_too_much, NULL, -EMSGSIZE);
	FAIL("peek", peek, NULL, 0, clear, is_event_1);
	FAIL("receive that waits in vain", wait_in_vain, NULL, -ETIMEDOUT);
	FAIL("the same, of an ID not in use", wait_for_unused, NULL, -ETIMEDOUT);
	FAIL("lease", take_lease, nack_last, 0, clear, is_event_4);
	FAIL("lease with a limit", take_limited_lease, nack_last, 0, clear, is_event_4);
	ids_check_and_drain();
}
END_TEST

static int receive_payload(void)
{
	return receive_any(ids[EMPTY], 0, 0, 0);
}

static int peek_at_payload(void)
{
	return receive_any(ids[EMPTY], KE_PEEK, 0, 0);
}

static int get_payload(void)
{
	return ke_get_event(&ke, ids[EMPTY], room, payload_len + 1);
}

static void send_payload(int result)
{
	(void)result;
	memory_fill(room, payload_len, 1);
	ASSERT_OK(ke_send_event(&ke, ids[EMPTY], room, payload_len));
}

static void is_payload(int result)
{
	(void)result;
	ck_assert(memory_is(room, payload_len, 1));
}

/* Nothing; what goes word by word, with an odd end; one copy; one of many pages. */
START_TEST(p3_receiving_payloads_of_every_kind)
{
	static const size_t lengths[] = { 0, 61, 200, 5000, LONGEST };
	size_t i;

	PREPARE_IDS();
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		payload_len = lengths[i];
		send_payload(0);
		FAIL("get of a payload", get_payload, send_payload, 0, clear, is_payload);
		FAIL("receive of it", receive_payload, send_payload, 0, clear, is_payload);
		FAIL("peek at it", peek_at_payload, NULL, 0, clear, is_payload);
		ck_assert_uint_eq(drain(ids[EMPTY]), 1);
	}
	ids_check_and_drain();
}
END_TEST

static int receive_watched_number(void)
{
	return receive_any(0, KE_WATCHED, 0, 0);
}

static int lease_watched_number(void)
{
	return receive_any(0, KE_WATCHED | KE_LEASE, 0, 0);
}

static int peek_at_watched_number(void)
{
	return receive_any(0, KE_WATCHED | KE_PEEK, 0, 0);
}

START_TEST(p3_receiving_from_a_watched_id)
{
	PREPARE_IDS();
	ASSERT_OK(ke_watch(&ke, ids[SINGLE]));
	FAIL("receive of watched IDs", receive_watched_number, ids_refill, 0, clear, is_event_4);
	FAIL("lease of watched IDs", lease_watched_number, nack_last, 0, clear, is_event_4);
	FAIL("peek at watched IDs", peek_at_watched_number, NULL, 0, clear, is_event_4);
	ids_check_and_drain();
}
END_TEST

static int receive_several(unsigned int flags)
{
	size_t i;

	for (i = 0; i < SEVERAL; i++)
		several[i] = (struct ke_event){ .data = &numbers[i], .size = sizeof(*numbers) };
	return ke_receive_batch(&ke, several, SEVERAL, flags, 0);
}

static int receive_batch(void)
{
	return receive_several(0);
}

static int lease_batch(void)
{
	return receive_several(KE_LEASE);
}

static int read_records(void)
{
	return outcome(read(ke_fd(&ke), records, sizeof(records)));
}

static int read_pieces(void)
{
	struct iovec pieces[] = {
		{ records, 5 },
		{ (char *)records + 5, sizeof(records) - 5 },
	};

	return outcome(readv(ke_fd(&ke), pieces, ARRAY_SIZE(pieces)));
}

/* The first ones have come; the others wait and nobody has had them. */
static void are_the_first(int result)
{
	int i;

	for (i = 0; i < result; i++) {
		ck_assert_uint_eq(numbers[i], i + 1);
		ck_assert_int_eq(several[i].id, ids[FULL]);
	}
	ck_assert_uint_eq(stat_of(ids[FULL]).pending, SEVERAL - result);
}

static void are_the_first_records(int result)
{
	int i, count = result / (int)sizeof(*records);

	ck_assert_uint_eq(result % sizeof(*records), 0);
	for (i = 0; i < count; i++)
		assert_number_record(&records[i], ids[FULL], i + 1);
	ck_assert_uint_eq(stat_of(ids[FULL]).pending, SEVERAL - count);
}

static void nack_several(int result)
{
	while (result-- > 0)
		ASSERT_OK(ke_nack(&ke, several[result].seq));
}

/* Takes what is left, in order and for the first time, and sends all anew. */
static void send_anew(int result)
{
	uint64_t number;

	for (number = result + 1; number <= SEVERAL; number++) {
		ASSERT_OK(receive_any(ids[FULL], 0, 0, 0));
		assert_number(number);
		ck_assert_uint_eq(last.deliveries, 1);
	}
	for (number = 1; number <= SEVERAL; number++)
		send_number(ids[FULL], number);
}

static void send_records_anew(int result)
{
	send_anew(result / (int)sizeof(*records));
}

START_TEST(p3_receiving_several_at_once)
{
	PREPARE_IDS();
	ASSERT_OK(ke_watch(&ke, ids[FULL]));
	FAIL("receive_batch", receive_batch, send_anew, SEVERAL, clear, are_the_first);
	FAIL("read", read_records, send_records_anew, sizeof(records), clear,
	     are_the_first_records);
	FAIL("readv", read_pieces, send_records_anew, sizeof(records), clear,
	     are_the_first_records);
	FAIL("receive_batch with leases", lease_batch, nack_several, SEVERAL, clear,
	     are_the_first);
	ids_check_and_drain();
}
END_TEST

static int wait_watched_in_vain(void)
{
	return receive_any(0, KE_WATCHED, 1, 0);
}

static int poll_file(void)
{
	struct pollfd fd = { .fd = ke_fd(&ke), .events = POLLIN | POLLOUT };

	return outcome(poll(&fd, 1, 0));
}

static int epoll;

static int add_to_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

	return outcome(epoll_ctl(epoll, EPOLL_CTL_ADD, ke_fd(&ke), &event));
}

static void remove_from_epoll(int result)
{
	(void)result;
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_DEL, ke_fd(&ke), NULL));
}

static int wait_in_epoll(void)
{
	struct epoll_event event;

	return outcome(epoll_wait(epoll, &event, 1, 0));
}

START_TEST(p3_looking_and_waiting_for_readiness)
{
	PREPARE_IDS();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_SYS(epoll);
	ASSERT_OK(ke_watch(&ke, ids[EMPTY]));
	FAIL("receive of watched IDs in vain", wait_watched_in_vain, NULL, -ETIMEDOUT);
	FAIL("poll of the file", poll_file, NULL, 1);
	FAIL("epoll_ctl", add_to_epoll, remove_from_epoll, 0);
	ASSERT_OK(add_to_epoll());
	FAIL("epoll_wait", wait_in_epoll, NULL, 1, .passes = true);
	ids_check_and_drain();
}
END_TEST

/*
 * A call that waits, and gets an event while its copies fail. It waits without a limit, for
 * which the library would ask for the time, which may fail, too.
 */

static uint64_t came;

static int wait_for_event(unsigned int flags)
{
	last = (struct ke_event){ .data = &came, .size = sizeof(came) };
	return ke_receive(&ke, flags & KE_WATCHED ? 0 : ids[EMPTY], &last, flags, -1);
}

static int wait_for_id(void)
{
	return wait_for_event(0);
}

static int wait_for_lease(void)
{
	return wait_for_event(KE_LEASE);
}

static int wait_for_watched(void)
{
	return wait_for_event(KE_WATCHED);
}

static int wait_for_watched_lease(void)
{
	return wait_for_event(KE_WATCHED | KE_LEASE);
}

static int wait_for_batch(void)
{
	several[0] = (struct ke_event){ .data = &came, .size = sizeof(came) };
	return ke_receive_batch(&ke, several, 1, 0, -1);
}

static int wait_for_record(void)
{
	ssize_t result = read(ke_fd(&ke), records, sizeof(*records));

	came = records[0].number;
	return outcome(result);
}

struct waiting {
	const char *name;
	int (*call)(void);
	int expected;
	long number;		/* of the system call */
	bool leases;
};

static void send_7(void)
{
	send_number(ids[EMPTY], 7);
}

/* Returns whether something has failed; woken: after the event had come. */
static bool fail_while_waiting(const struct waiting *waiting, enum fault fault,
			       unsigned int nth, bool *woken)
{
	struct meanwhile meanwhile = { .call = waiting->number, .act = send_7 };
	bool failed, sent;
	int result;

	came = 0;
	meanwhile_begin(&meanwhile);
	fault_begin(fault, nth);
	result = waiting->call();
	failed = fault_end(fault);
	sent = meanwhile_end(&meanwhile);
	if (result == waiting->expected) {
		ck_assert(sent);
		ck_assert_uint_eq(came, 7);
		if (waiting->leases)
			ASSERT_OK(ke_ack(&ke, last.seq));
	} else {
		ck_assert_msg(failed && (result == -EFAULT || result == -ENOMEM),
			      "%s, fault %u: %d", waiting->name, nth, result);
		if (sent)
			ck_assert_uint_eq(receive_number(ids[EMPTY]), 7);
	}
	assert_empty(ids[EMPTY]);
	assert_counts(ids[EMPTY], 0, 0);
	*woken |= failed && sent;
	return failed;
}

static void fail_each_while_waiting(const struct waiting *waiting, enum fault fault)
{
	bool woken = false;
	unsigned int nth = 1;

	while (fail_while_waiting(waiting, fault, nth, &woken))
		nth++;
	ck_assert_msg(woken, "%s: nothing failed of one that was woken", waiting->name);
	dprintf(STDOUT_FILENO, "# %s that waits: %u faults\n", waiting->name, nth - 1);
}

START_TEST(p3_p9_an_event_that_comes_while_one_waits)
{
	static const struct waiting all[] = {
		{ "receive", wait_for_id, 0, SYS_ioctl, false },
		{ "lease", wait_for_lease, 0, SYS_ioctl, true },
		{ "receive of watched IDs", wait_for_watched, 0, SYS_ioctl, false },
		{ "lease of watched IDs", wait_for_watched_lease, 0, SYS_ioctl, true },
		{ "receive_batch", wait_for_batch, 1, SYS_ioctl, false },
		{ "read", wait_for_record, sizeof(*records), SYS_read, false },
	};
	enum fault fault;
	size_t i;

	PREPARE_IDS();
	ASSERT_OK(ke_watch(&ke, ids[EMPTY]));
	for (i = 0; i < ARRAY_SIZE(all); i++)
		for (fault = 0; fault < FAULTS; fault++)
			fail_each_while_waiting(&all[i], fault);
	ids_check_and_drain();
}
END_TEST

TESTS(120, WITH_CLIENT,
      p3_receiving,
      p3_receiving_payloads_of_every_kind,
      p3_receiving_from_a_watched_id,
      p3_receiving_several_at_once,
      p3_looking_and_waiting_for_readiness,
      p3_p9_an_event_that_comes_while_one_waits)
