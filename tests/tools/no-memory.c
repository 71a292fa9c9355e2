// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded, makes jansson run out of memory in the function that $NO_MEMORY_IN names. */
#include <dlfcn.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_no_memory(const char *function)
{
	const char *name = getenv("NO_MEMORY_IN");

	return name && !strcmp(name, function);
}

int json_array_append_new(json_t *array, json_t *value)
{
	typeof(json_array_append_new) *real = dlsym(RTLD_NEXT, "json_array_append_new");

	return has_no_memory("json_array_append_new") ? -1 : real(array, value);
}

int json_dumpf(const json_t *value, FILE *file, size_t flags)
{
	typeof(json_dumpf) *real = dlsym(RTLD_NEXT, "json_dumpf");

	return has_no_memory("json_dumpf") ? -1 : real(value, file, flags);
}
