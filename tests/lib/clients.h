/* SPDX-License-Identifier: GPL-2.0-only */
/* Many clients, opened as other users than that of the process. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <kevents.h>
#include <stdint.h>
#include <sys/types.h>

/* The first of the IDs that a test may use in ascending order. */
#define CLIENTS_FIRST_ID 0x50000000

/* Raises the limit of open files to count and some more. */
void clients_allow(unsigned int count);

/* Opens count clients as this user. clients_close() closes and frees them. */
kevents_ctx *clients_open(uid_t uid, unsigned int count);
void clients_close(kevents_ctx *clients, unsigned int count);

struct ke_limits client_limits(kevents_ctx *client);

/* Sends events of this size until a send fails. Returns how many, and sets the error. */
unsigned int client_fill(kevents_ctx *client, int id, size_t size, int *refusal);

/* Returns the bytes charged for an event of this size. The ID must have no events. */
uint64_t client_charge(kevents_ctx *client, int id, size_t size);

#endif /* CLIENTS_H */
