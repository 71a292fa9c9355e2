// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: bench [--scaling | --profile] [PATTERN]...
 *
 * Prints a line for each figure, tabs between: what was done, who did it, the
 * parameter, and what it took in ns (or bytes). The patterns, as of file names,
 * choose by "WORK/WHO/PARAMETER". works.h says what there is; --scaling is for
 * several processors, --profile for profile/plugin.c.
 */
#include "choice.h"
#include "works.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const char *option = argc > 1 && argv[1][0] == '-' ? argv[1] : "";

	choice_set(argv + 1 + (*option != '\0'));
	if (strcmp(option, "--profile") == 0) {
		profile_pairs();
		profile_trips();
		return EXIT_SUCCESS;
	}
	if (strcmp(option, "--scaling") == 0) {
		bench_scaling();
		return EXIT_SUCCESS;
	}
	if (*option) {
		fprintf(stderr, "usage: bench [--scaling | --profile] [PATTERN]...\n");
		return EXIT_FAILURE;
	}
	bench_pairs();
	bench_round_trips();
	bench_waiters();
	bench_leases();
	bench_epoll();
	bench_processes();
	bench_memory();
	bench_backlogs();
	return EXIT_SUCCESS;
}
