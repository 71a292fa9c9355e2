// SPDX-License-Identifier: GPL-2.0-only
/* Loading the module with every allocation and copy failing in turn. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "lib/harness.h"
#include "lib/inject.h"
#include "lib/log.h"
#include "lib/module.h"

#define MANY 20000

static bool is_loaded(void)
{
	return !access("/sys/module/kevents/parameters", F_OK);
}

static int load(int fd, const char *parameters)
{
	return syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
}

/*
 * How many come before parameters are looked at, which is right before what
 * the module does itself; what the loader makes of failures is not ours.
 */
static unsigned int faults_of_the_loader(int fd)
{
	fault_begin(FAULT_ONE, MANY);
	ASSERT_RESULT(load(fd, "max_event_size=none"), -EINVAL);
	return MANY - fault_remaining();
}

START_TEST(a_load_that_fails_leaves_nothing)
{
	unsigned int first, nth;
	const char *path = getenv("KEVENTS_MODULE");
	bool failed = true;
	int fd, err;

	if (!faults_available())
		SKIP("this kernel injects no faults");
	if (sizeof(long) == 4)
		SKIP("it is the same as for 64 bits");
	if (!path)
		SKIP("$KEVENTS_MODULE does not name the module's file");
	log_allow_complaints();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	ASSERT_OK(module_unload());
	first = faults_of_the_loader(fd);
	for (nth = first; failed; nth++) {
		ck_assert_uint_lt(nth, MANY);
		fault_begin(FAULT_ONE, nth);
		err = load(fd, "");
		failed = fault_end(FAULT_ONE);
		ck_assert_msg(!err || (failed && (err == -ENOMEM || err == -EFAULT)),
			      "fault %u: %d", nth, err);
		ck_assert_msg(is_loaded() == !err, "fault %u: %d, but the module is %sloaded", nth,
			      err, err ? "" : "not ");
		if (!err)
			ck_assert_int_eq(syscall(SYS_delete_module, "kevents", O_NONBLOCK), 0);
		/* All of it together is more than the log has room for. */
		log_assert_clean();
	}
	dprintf(STDOUT_FILENO, "# load: %u faults\n", nth - 1 - first);
	ASSERT_OK(module_load());
}
END_TEST

TESTS(600, WITHOUT_CLIENT, a_load_that_fails_leaves_nothing)
