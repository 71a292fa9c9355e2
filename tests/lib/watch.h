/* SPDX-License-Identifier: GPL-2.0-only */
/* Receives from the watched IDs, and what poll and its kin say of them. */
#ifndef WATCH_H
#define WATCH_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* A fresh ID that ke watches. */
int watched_id(void);

/* Receives a number of any watched ID, which must be there; returns it. */
uint64_t receive_watched(kevents_ctx *client);

/* The same; says under which ID it was. */
uint64_t receive_watched_of(kevents_ctx *client, int *id);

/* Whether the client's file is readable: poll, select, epoll must agree. */
bool is_readable(const kevents_ctx *client);

/* Neither readable nor anything to receive. */
void assert_nothing_watched(kevents_ctx *client);

/* Readable, and a receive would find this number. */
void assert_watched(kevents_ctx *client, uint64_t number);

#endif /* WATCH_H */
