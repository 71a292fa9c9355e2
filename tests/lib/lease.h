/* SPDX-License-Identifier: GPL-2.0-only */
/* Events on lease or with a time to live, and the statistics of an ID. */
#ifndef LEASE_H
#define LEASE_H

#include <kevents.h>
#include <stdbool.h>
#include <stdint.h>

/* Leases the oldest event of id, which must be this number. Returns its seq. */
uint64_t lease_number(kevents_ctx *client, int id, uint64_t number, uint32_t lease_ms);

/* Like lease_number(), but returns all fields of the event. */
struct ke_event lease_event(kevents_ctx *client, int id, uint64_t number, uint32_t lease_ms);

uint64_t send_number_for(int id, uint64_t number, uint32_t ttl_ms);

struct ke_stat stat_of(int id);

/* Returns whether ke_list() of ke has id. */
bool is_listed(int id);

/* Fails the test unless this many events of id wait and are on lease. */
void assert_counts(int id, unsigned int pending, unsigned int leased);

#endif /* LEASE_H */
