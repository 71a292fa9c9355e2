/* SPDX-License-Identifier: GPL-2.0-only */
/* Many clients, of users that are not those of the process. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <kevents.h>
#include <stdint.h>
#include <sys/types.h>

/* From here on a test may count through IDs of its own. */
#define CLIENTS_FIRST_ID 0x50000000

/* Lets the process have so many files, and some more. */
void clients_allow(unsigned int count);

/* Opens them as this user; the caller closes and frees them. */
kevents_ctx *clients_open(uid_t uid, unsigned int count);
void clients_close(kevents_ctx *clients, unsigned int count);

/* ke_limits() of the client. */
struct ke_limits client_limits(kevents_ctx *client);

/* Sends as many events of this size as it may; returns how many, and why no more. */
unsigned int client_fill(kevents_ctx *client, int id, size_t size, int *refusal);

/* Bytes that one event of this size is charged; nothing waits under the ID. */
uint64_t client_charge(kevents_ctx *client, int id, size_t size);

#endif /* CLIENTS_H */
