// SPDX-License-Identifier: GPL-2.0-only
/* P3: what a receive writes beside the payload: nothing, not even what is there already. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/harness.h"
#include "lib/memory.h"
#include "lib/task.h"
#include "lib/user.h"

#define PAGES 16
#define OLD 0x11
#define NEW 0xee

#define NO_WRITE_FAULTS "this kernel tells of no writes to pages"

/*
 * A buffer whose pages are write-protected, and a thread that is told of the first write
 * to each. Before it lets that go on, it stores new values in the whole page, as any other
 * thread of the program might do at that moment.
 */
struct guard {
	int fd;			/* userfaultfd */
	int stop;		/* eventfd */
	unsigned char *pages;
	bool written[PAGES];
	pthread_t thread;
};

static void protect(const struct guard *guard, void *from, size_t pages, uint64_t mode)
{
	struct uffdio_writeprotect range = {
		.range = { .start = (uintptr_t)from, .len = pages * page_size() },
		.mode = mode,
	};

	ASSERT_SYS(ioctl(guard->fd, UFFDIO_WRITEPROTECT, &range));
}

static void answer(struct guard *guard, const struct uffd_msg *msg)
{
	uintptr_t offset = msg->arg.pagefault.address - (uintptr_t)guard->pages;
	size_t page = offset / page_size();
	unsigned char *start = guard->pages + page * page_size();
	struct uffdio_range range = { .start = (uintptr_t)start, .len = page_size() };

	protect(guard, start, 1, UFFDIO_WRITEPROTECT_MODE_DONTWAKE);
	memset(start, NEW, page_size());
	__atomic_store_n(&guard->written[page], true, __ATOMIC_RELEASE);
	ASSERT_SYS(ioctl(guard->fd, UFFDIO_WAKE, &range));
}

static void *watch_writes(void *arg)
{
	struct guard *guard = arg;
	struct pollfd fds[] = {
		{ .fd = guard->fd, .events = POLLIN }, { .fd = guard->stop, .events = POLLIN },
	};
	struct uffd_msg msg;

	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents && read(guard->fd, &msg, sizeof(msg)) == sizeof(msg))
			answer(guard, &msg);
		else if (fds[1].revents)
			return NULL;
	}
}

/* Returns false if this kernel cannot do it. */
static bool guard_start(struct guard *guard)
{
	struct uffdio_api api = {
		.api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register range = {
		.range.len = PAGES * page_size(), .mode = UFFDIO_REGISTER_MODE_WP,
	};

	memset(guard, 0, sizeof(*guard));
	guard->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (guard->fd < 0 || ioctl(guard->fd, UFFDIO_API, &api))
		return false;
	guard->stop = eventfd(0, EFD_CLOEXEC);
	ASSERT_SYS(guard->stop);
	guard->pages = (unsigned char *)memory_map(PAGES, PROT_READ | PROT_WRITE);
	memset(guard->pages, OLD, PAGES * page_size());
	range.range.start = (uintptr_t)guard->pages;
	ASSERT_SYS(ioctl(guard->fd, UFFDIO_REGISTER, &range));
	protect(guard, guard->pages, PAGES, UFFDIO_WRITEPROTECT_MODE_WP);
	ck_assert_int_eq(pthread_create(&guard->thread, NULL, watch_writes, guard), 0);
	return true;
}

static void guard_stop(const struct guard *guard)
{
	ASSERT_SYS(eventfd_write(guard->stop, 1));
	ck_assert_int_eq(pthread_join(guard->thread, NULL), 0);
	close(guard->stop);
	close(guard->fd);
}

static bool is_written(const struct guard *guard, size_t page)
{
	return __atomic_load_n(&guard->written[page], __ATOMIC_ACQUIRE);
}

/* All stores are there, but for so many bytes of payload, and nothing else was written. */
static void assert_nothing_beside(const struct guard *guard, size_t payload)
{
	size_t size = page_size(), page, i, from;

	for (page = 0; page < PAGES; page++) {
		from = page ? 0 : payload;
		for (i = from; i < size; i++)
			ck_assert_msg(guard->pages[page * size + i] ==
				      (is_written(guard, page) ? NEW : OLD),
				      "a store to byte %zu of page %zu is lost", i, page);
		ck_assert_msg(!is_written(guard, page) || from,
			      "page %zu is written to, where no payload is", page);
	}
}

static struct receiver receiver_into(const struct guard *guard, int id, unsigned int flags,
				     int timeout_ms)
{
	return (struct receiver){
		.id = id, .flags = flags, .timeout_ms = timeout_ms,
		.data = guard->pages, .size = PAGES * page_size(),
	};
}

/* Another user's event comes while the receive waits, or none does. */
static void assert_waiting_receive_keeps_off(unsigned int flags)
{
	struct receiver receiver;
	int id = fresh_id();
	struct guard guard;
	kevents_ctx hers;
	uint64_t number;

	if (!guard_start(&guard))
		SKIP(NO_WRITE_FAULTS);
	user_open(&hers, fresh_user());
	ASSERT_OK(ke_watch(&ke, id));
	receiver = receiver_into(&guard, id, flags, 500);
	receiver_block(&receiver);
	receiver_join(&receiver);
	ASSERT_RESULT(receiver.result, -ETIMEDOUT);
	assert_nothing_beside(&guard, 0);

	receiver = receiver_into(&guard, id, flags, -1);
	receiver_block(&receiver);
	assert_nothing_beside(&guard, 0);
	ASSERT_OK(ke_send_event(&hers, id, &id, sizeof(id)));
	receiver_join(&receiver);
	ASSERT_OK(receiver.result);
	assert_nothing_beside(&guard, sizeof(id));
	number = 0;
	memcpy(&number, guard.pages, sizeof(id));
	ck_assert_uint_eq(number, (uint64_t)id);
	if (flags & KE_LEASE)
		ASSERT_OK(ke_ack(&ke, receiver.ev.seq));
	guard_stop(&guard);
	ASSERT_OK(ke_close(&hers));
}

START_TEST(p3_a_receive_that_waits_writes_nothing_beside_the_payload)
{
	assert_waiting_receive_keeps_off(0);
}
END_TEST

START_TEST(p3_a_receive_that_waits_for_a_lease_writes_nothing_beside_the_payload)
{
	assert_waiting_receive_keeps_off(KE_LEASE);
}
END_TEST

START_TEST(p3_a_receive_that_waits_for_watched_ids_writes_nothing_beside_the_payload)
{
	assert_waiting_receive_keeps_off(KE_WATCHED);
}
END_TEST

START_TEST(p3_receives_that_find_something_or_nothing_write_nothing_beside_the_payload)
{
	struct ke_event ev = { .size = PAGES * page_size() };
	struct guard guard;
	int id = fresh_id();

	if (!guard_start(&guard))
		SKIP(NO_WRITE_FAULTS);
	ev.data = guard.pages;
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -ENOMSG);
	assert_nothing_beside(&guard, 0);
	send_number(id, 1);
	send_number(id, 2);
	ev.size = sizeof(uint64_t) - 1;
	ASSERT_RESULT(ke_receive(&ke, id, &ev, 0, 0), -EMSGSIZE);
	assert_nothing_beside(&guard, 0);
	ev.size = PAGES * page_size();
	ASSERT_OK(ke_receive(&ke, id, &ev, KE_PEEK, 0));
	assert_nothing_beside(&guard, sizeof(uint64_t));
	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	assert_nothing_beside(&guard, sizeof(uint64_t));
	ASSERT_OK(ke_watch(&ke, id));
	ASSERT_RESULT(ke_receive_batch(&ke, &ev, 1, 0, 0), 1);
	assert_nothing_beside(&guard, sizeof(uint64_t));
	guard_stop(&guard);
}
END_TEST

TESTS(30, WITH_CLIENT,
      p3_a_receive_that_waits_writes_nothing_beside_the_payload,
      p3_a_receive_that_waits_for_a_lease_writes_nothing_beside_the_payload,
      p3_a_receive_that_waits_for_watched_ids_writes_nothing_beside_the_payload,
      p3_receives_that_find_something_or_nothing_write_nothing_beside_the_payload)
