// SPDX-License-Identifier: GPL-2.0-only
/* P1, P6: the soak of tests/stress/soak, for a short while. */
#include <libgen.h>
#include <stdio.h>

#include "lib/harness.h"
#include "lib/task.h"

static int run_soak(void *arg)
{
	char path[256] = "", program[512];

	(void)arg;
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return 1;
	snprintf(program, sizeof(program), "%s/soak", dirname(path));
	dup2(STDOUT_FILENO, STDERR_FILENO);
	execl(program, "soak", "10", NULL);
	perror(program);
	return 127;
}

START_TEST(p1_events_of_clients_that_die_are_accounted_for)
{
	child_run(run_soak, NULL);
}
END_TEST

TESTS(180, WITHOUT_CLIENT,
      p1_events_of_clients_that_die_are_accounted_for)
