/* SPDX-License-Identifier: GPL-2.0-only */
/* What --json prints: the library's structures by the names of their fields. */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <kevents.h>

/*
 * These return an object that the caller owns. A payload that is text is
 * "data", any other "data_base64".
 */
json_t *json_event(const struct ke_event *event);
json_t *json_stat(const struct ke_stat *stat);
json_t *json_limits(const struct ke_limits *limits);

/* Adds value to array, which owns it then. */
void append_json(json_t *array, json_t *value);

/* Prints value in a line of its own to standard output, and releases it. */
void print_json(json_t *value);

#endif /* JSON_H */
