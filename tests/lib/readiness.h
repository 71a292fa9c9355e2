/* SPDX-License-Identifier: GPL-2.0-only */
/* What poll and epoll report for a client's file. */
#ifndef READINESS_H
#define READINESS_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* Creates an epoll instance that waits for these events of the client. */
int epoll_of(const kevents_ctx *client, uint32_t events);

/* Makes it wait for these events of the client instead. */
void epoll_change(int epoll, const kevents_ctx *client, uint32_t events);

/* Returns the events that epoll reports now, or 0. */
uint32_t told(int epoll);

/* Returns whether poll reports ke as writable within timeout_ms. */
bool is_writable(int timeout_ms);

#endif /* READINESS_H */
