// SPDX-License-Identifier: GPL-2.0-only
#include "json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "say.h"
#include "text.h"

static void exit_unless(bool has_memory)
{
	if (!has_memory)
		exit(say_error(-ENOMEM, "JSON"));
}

/* Consumes the reference to value, which is NULL if memory ran out. */
static void add(json_t *object, const char *name, json_t *value)
{
	exit_unless(!json_object_set_new(object, name, value));
}

static void add_number(json_t *object, const char *name, uint64_t value)
{
	add(object, name, json_integer((json_int_t)value));
}

static void add_payload(json_t *object, const void *data, size_t size)
{
	if (is_text(data, size)) {
		add(object, "data", json_stringn(size ? data : "", size));
	} else {
		char *text = base64(data, size);

		add(object, "data_base64", json_string(text));
		free(text);
	}
}

json_t *json_event(const struct ke_event *event)
{
	json_t *object = json_object();

	add(object, "id", json_integer(event->id));
	add_number(object, "seq", event->seq);
	add_number(object, "sent_ns", event->sent_ns);
	add_number(object, "deliveries", event->deliveries);
	add(object, "redelivered", json_boolean(event->flags & KE_REDELIVERED));
	add(object, "pid", json_integer(event->pid));
	add_number(object, "uid", event->uid);
	add_number(object, "gid", event->gid);
	add_number(object, "len", event->len);
	add_payload(object, event->data, event->len);
	return object;
}

json_t *json_stat(const struct ke_stat *stat)
{
	json_t *object = json_object();

	add(object, "id", json_integer(stat->id));
	add_number(object, "pending", stat->pending);
	add_number(object, "leased", stat->leased);
	add_number(object, "bytes", stat->bytes);
	add_number(object, "waiters", stat->waiters);
	add_number(object, "sent", stat->sent);
	add_number(object, "received", stat->received);
	add_number(object, "expired", stat->expired);
	add_number(object, "returned", stat->returned);
	add(object, "claimed", json_boolean(stat->claimed));
	if (stat->claimed) {
		add_number(object, "owner_uid", stat->owner_uid);
		add_number(object, "owner_gid", stat->owner_gid);
		add(object, "mode", json_sprintf("%04o", (unsigned int)stat->mode));
	}
	return object;
}

json_t *json_limits(const struct ke_limits *limits)
{
	json_t *object = json_object();

	add_number(object, "max_event_size", limits->max_event_size);
	add_number(object, "max_bytes", limits->max_bytes);
	add_number(object, "user_max_bytes", limits->user_max_bytes);
	add(object, "strict", json_boolean(limits->strict));
	add_number(object, "bytes", limits->bytes);
	add_number(object, "broker_bytes", limits->broker_bytes);
	add_number(object, "broker_events", limits->broker_events);
	add_number(object, "broker_ids", limits->broker_ids);
	add_number(object, "user_bytes", limits->user_bytes);
	return object;
}

void append_json(json_t *array, json_t *value)
{
	exit_unless(!json_array_append_new(array, value));
}

void print_json(json_t *value)
{
	int ret = json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);

	/* close_output() reports an error of the stream. */
	exit_unless(!ret || ferror(stdout));
	putchar('\n');
	json_decref(value);
}
