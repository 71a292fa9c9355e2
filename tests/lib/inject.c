// SPDX-License-Identifier: GPL-2.0-only
#include "inject.h"

#include <fcntl.h>
#include <stdio.h>

#include "harness.h"
#include "lease.h"
#include "limits.h"

#define MANY 2000	/* more faults than any call has */
#define BURST 20	/* failing copies in a row; no call retries that often */

static int fault_fd = -1, copies_fd = -1;

static int debugfs_open(const char *fault, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", fault, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	return fd;
}

static void debugfs_set(const char *fault, const char *name, const char *value)
{
	int fd = debugfs_open(fault, name);

	ck_assert_int_eq(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static void debugfs_set_number(const char *fault, const char *name, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	debugfs_set(fault, name, text);
}

static int debugfs_number(const char *fault, const char *name)
{
	int fd = debugfs_open(fault, name);
	char text[16] = "";

	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	return atoi(text);
}

static int task_file(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}

bool faults_available(void)
{
	fault_fd = task_file("fail-nth");
	if (fault_fd < 0 && errno == ENOENT)
		return false;
	ASSERT_SYS(fault_fd);
	copies_fd = task_file("make-it-fail");
	ASSERT_SYS(copies_fd);
	/* By default each failure dumps its stack, and allocations that may sleep do not fail. */
	debugfs_set("failslab", "verbose", "0");
	debugfs_set("failslab", "ignore-gfp-wait", "N");
	debugfs_set("fail_page_alloc", "verbose", "0");
	debugfs_set("fail_page_alloc", "ignore-gfp-wait", "N");
	debugfs_set("fail_page_alloc", "ignore-gfp-highmem", "N");
	debugfs_set("fail_page_alloc", "min-order", "0");
	debugfs_set("fail_usercopy", "verbose", "0");
	debugfs_set("fail_usercopy", "task-filter", "Y");
	debugfs_set("fail_usercopy", "probability", "100");
	return true;
}

static void one_begin(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	ck_assert_int_gt(pwrite(fault_fd, text, strlen(text), 0), 0);
}

/* Reading the count needs a copy, which may fail itself: then 1 was left. */
unsigned int fault_remaining(void)
{
	char text[16] = "1";

	if (pread(fault_fd, text, sizeof(text) - 1, 0) < 0)
		ck_assert_int_eq(errno, EFAULT);
	while (pwrite(fault_fd, "0", 1, 0) < 0)
		ck_assert_int_eq(errno, EFAULT);
	return strtoul(text, NULL, 10);
}

static void copies_begin(unsigned int nth)
{
	debugfs_set_number("fail_usercopy", "space", nth);
	debugfs_set_number("fail_usercopy", "times", BURST);
	ck_assert_int_eq(pwrite(copies_fd, "1", 1, 0), 1);
}

/* The write needs a copy, which fails as well until the burst is over. */
static bool copies_end(void)
{
	int left = BURST;

	while (pwrite(copies_fd, "0", 1, 0) < 0) {
		ck_assert_int_eq(errno, EFAULT);
		left--;
	}
	return debugfs_number("fail_usercopy", "times") < left;
}

void fault_begin(enum fault fault, unsigned int nth)
{
	if (fault == FAULT_COPIES)
		copies_begin(nth);
	else
		one_begin(nth);
}

bool fault_end(enum fault fault)
{
	return fault == FAULT_COPIES ? copies_end() : !fault_remaining();
}

void fault_pieces_begin(void)
{
	debugfs_set("fail_usercopy", "times", "0");
	debugfs_set("failslab", "task-filter", "Y");
	debugfs_set("failslab", "ignore-gfp-wait", "Y");
	debugfs_set("failslab", "times", "-1");
	debugfs_set("failslab", "probability", "100");
	ck_assert_int_eq(pwrite(copies_fd, "1", 1, 0), 1);
}

void fault_pieces_end(void)
{
	ck_assert_int_eq(pwrite(copies_fd, "0", 1, 0), 1);
	debugfs_set("failslab", "probability", "0");
	debugfs_set("failslab", "task-filter", "N");
	debugfs_set("failslab", "ignore-gfp-wait", "N");
}

struct state {
	struct ke_limits limits;
	struct ke_stat stats[8];
	uint64_t first[8];	/* seq of the oldest event; 0: none */
	uint32_t deliveries[8];
};

static char room[1 << 20];

static struct state take_state(const int *ids, size_t count)
{
	struct state state = { .limits = limits_now() };
	size_t i;

	ck_assert_uint_le(count, ARRAY_SIZE(state.stats));
	for (i = 0; i < count; i++) {
		struct ke_event ev = { .data = room, .size = sizeof(room) };
		int err = ke_receive(&ke, ids[i], &ev, KE_PEEK, 0);

		ck_assert_msg(!err || err == -ENOMSG, "a peek gives %d", err);
		state.stats[i] = stat_of(ids[i]);
		state.first[i] = err ? 0 : ev.seq;
		state.deliveries[i] = err ? 0 : ev.deliveries;
	}
	return state;
}

/* A call that was undone has changed the counters of sent and received events. */
static void assert_state(const struct failing *failing, unsigned int nth, bool undone,
			 const struct state *was, const int *ids, size_t count)
{
	struct state is = take_state(ids, count);
	size_t i;

	for (i = 0; i < count; i++) {
		ck_assert_msg(undone || !memcmp(&is.stats[i], &was->stats[i], sizeof(is.stats[i])),
			      "%s: fault %u changed ID %zu", failing->name, nth, i);
		ck_assert_msg(is.stats[i].pending == was->stats[i].pending &&
			      is.stats[i].leased == was->stats[i].leased &&
			      is.stats[i].bytes == was->stats[i].bytes,
			      "%s: fault %u changed what ID %zu holds", failing->name, nth, i);
		ck_assert_msg(undone || (is.first[i] == was->first[i] &&
					 is.deliveries[i] == was->deliveries[i]),
			      "%s: fault %u changed which event comes first", failing->name, nth);
	}
	limits_wait_back_to(&was->limits);
}

static bool is_allowed(const struct failing *failing, int result)
{
	return result == failing->expected || result == -ENOMEM || result == -EFAULT ||
	       (result > 0 && result < failing->expected);
}

/* Returns how many faults the call had. */
static unsigned int fail_in_turn(const struct failing *failing, enum fault fault,
				 const int *ids, size_t count)
{
	unsigned int nth;
	bool failed = true;

	for (nth = 1; failed; nth++) {
		struct state was;
		int result;

		ck_assert_msg(nth < MANY, "%s never ends untouched", failing->name);
		if (failing->prepare)
			failing->prepare();
		was = take_state(ids, count);
		fault_begin(fault, nth);
		result = failing->call();
		failed = fault_end(fault);
		ck_assert_msg(failed ? is_allowed(failing, result) : result == failing->expected,
			      "%s, fault %u: %d, not %d", failing->name, nth, result,
			      failing->expected);
		if (result >= 0 && failing->check)
			failing->check(result);
		if (result >= 0 && failing->undo)
			failing->undo(result);
		assert_state(failing, nth, result >= 0 && failing->undo, &was, ids, count);
	}
	return nth - 2;
}

void fail_each(const struct failing *failing, const int *ids, size_t count)
{
	unsigned int one = fail_in_turn(failing, FAULT_ONE, ids, count);
	unsigned int copies = failing->one ? 0 :
			      fail_in_turn(failing, FAULT_COPIES, ids, count);

	dprintf(STDOUT_FILENO, "# %s: %u faults\n", failing->name, one + copies);
	ck_assert_msg(failing->passes == !one, "%s has %u faults", failing->name, one);
}
