// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded, makes jansson run out of memory in the function that $NO_MEMORY_IN names. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As <jansson.h> has them. */
int json_array_append_new(void *array, void *value);
int json_dumpf(const void *value, FILE *file, size_t flags);

static bool has_no_memory(const char *function)
{
	const char *name = getenv("NO_MEMORY_IN");

	return name && !strcmp(name, function);
}

int json_array_append_new(void *array, void *value)
{
	int (*real)(void *array, void *value) = dlsym(RTLD_NEXT, __func__);

	return has_no_memory(__func__) ? -1 : real(array, value);
}

int json_dumpf(const void *value, FILE *file, size_t flags)
{
	int (*real)(const void *value, FILE *file, size_t flags) = dlsym(RTLD_NEXT, __func__);

	return has_no_memory(__func__) ? -1 : real(value, file, flags);
}
