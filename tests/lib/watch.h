/* SPDX-License-Identifier: GPL-2.0-only */
/* Receives from watched IDs, and whether poll and the like report them. */
#ifndef WATCH_H
#define WATCH_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* Returns a fresh ID that ke watches. */
int watched_id(void);

/* Receives a number from any watched ID, and returns it. There must be one. */
uint64_t receive_watched(kevents_ctx *client);

/* Like receive_watched(), and sets the ID. */
uint64_t receive_watched_of(kevents_ctx *client, int *id);

/* Returns whether the client's file is readable. poll, select and epoll must agree. */
bool is_readable(const kevents_ctx *client);

/* Fails the test if the client is readable or can receive. */
void assert_nothing_watched(kevents_ctx *client);

/* Fails the test unless the client is readable and the next event is this number. */
void assert_watched(kevents_ctx *client, uint64_t number);

#endif /* WATCH_H */
