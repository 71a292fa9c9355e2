// SPDX-License-Identifier: GPL-2.0-only
#include "choice.h"

#include <fnmatch.h>
#include <stdio.h>

static char **chosen;

void choice_set(char **patterns)
{
	chosen = patterns;
}

bool wanted(const char *work, const char *who, long parameter)
{
	char name[100];

	snprintf(name, sizeof(name), "%s/%s/%ld", work, who, parameter);
	for (char **pattern = chosen; *pattern; pattern++)
		if (fnmatch(*pattern, name, 0) == 0)
			return true;
	return !*chosen;
}
