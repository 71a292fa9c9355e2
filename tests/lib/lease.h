/* SPDX-License-Identifier: GPL-2.0-only */
/* Events that are leased or have a time to live, and how many an ID has. */
#ifndef LEASE_H
#define LEASE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* Leases the oldest event of id, which must be this number; returns its seq. */
uint64_t lease_number(kevents_ctx *client, int id, uint64_t number, uint32_t lease_ms);

/* The same; returns all that the receive says. */
struct ke_event lease_event(kevents_ctx *client, int id, uint64_t number, uint32_t lease_ms);

uint64_t send_number_for(int id, uint64_t number, uint32_t ttl_ms);

struct ke_stat stat_of(int id);

/* Whether ke_list() names id to ke. */
bool is_listed(int id);

/* So many events of id wait, and so many are leased. */
void assert_counts(int id, unsigned int pending, unsigned int leased);

#endif /* LEASE_H */
