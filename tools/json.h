/* SPDX-License-Identifier: GPL-2.0-only */
/* The output of --json: the library's structures, with the names of their fields. */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <kevents.h>

/*
 * Each returns an object that the caller owns. A payload is named "data" if it is text,
 * and "data_base64" if not.
 */
json_t *json_event(const struct ke_event *event);
json_t *json_stat(const struct ke_stat *stat);
json_t *json_limits(const struct ke_limits *limits);

/* Adds value to array, which takes over the reference. */
void append_json(json_t *array, json_t *value);

/* Prints value on a line of its own to standard output, and releases it. */
void print_json(json_t *value);

#endif /* JSON_H */
