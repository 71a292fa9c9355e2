/* SPDX-License-Identifier: GPL-2.0-only */
/* What poll and epoll tell of a client's file. */
#ifndef READINESS_H
#define READINESS_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* A new epoll that is to tell these events of the client. */
int epoll_of(const kevents_ctx *client, uint32_t events);

/* It is to tell these of the client from now on. */
void epoll_change(int epoll, const kevents_ctx *client, uint32_t events);

/* The events that epoll tells now, 0 for none. */
uint32_t told(int epoll);

/* Whether poll says within that time that ke may send. */
bool is_writable(int timeout_ms);

#endif /* READINESS_H */
