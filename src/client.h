/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLIENT_H
#define KE_CLIENT_H

#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "account.h"
#include "identity.h"
#include "lease.h"
#include "watch.h"

struct cred;
struct ke_broker;
struct net;
struct seq_file;

/* One open file of the device; freed on its last close. */
struct ke_client {
	struct net *net;		/* a reference; keeps broker alive */
	struct ke_broker *broker;
	struct ke_identity identity;
	struct ke_ready_list ready_list;
	struct ke_lease_table leases;

	struct mutex watches_lock;	/* lock map: docs/internals.md */
	struct rb_root watches;		/* struct ke_watch by ID; watches_lock */

	struct ke_space_poller space_poller;
	struct rcu_head rcu;
};

/*
 * Returns a client of the calling process' network namespace, or -ENOMEM. @cred, those
 * of the file, outlive it.
 */
struct ke_client *ke_client_create(const struct cred *cred);

/* Returns all leases and ends all watches of @client before it frees it. */
void ke_client_destroy(struct ke_client *client);

/* Begins to watch @id; 0 if it does so already. -EAGAIN, -EDQUOT, -ENOMEM. */
int ke_client_watch(struct ke_client *client, s32 id);

/* Ends that; -ENOENT if it does not watch @id. */
int ke_client_unwatch(struct ke_client *client, s32 id);

/* Slow path of ke_client_found_empty(): a watch of the client is ready. */
void __ke_client_found_empty(struct ke_client *client, s32 id);

/* Re-arms the watch of @id, if there is one, after the client has found no event there. */
static inline void ke_client_found_empty(struct ke_client *client, s32 id)
{
	if (unlikely(ke_ready_list_has_any(&client->ready_list)))
		__ke_client_found_empty(client, id);
}

/* For /proc/PID/fdinfo. */
void ke_client_show(struct ke_client *client, struct seq_file *seq);

/* Ends the lease of number @seq; the event is gone. -ENOENT: no such lease. */
int ke_client_ack(struct ke_client *client, u64 seq);

/* Ends the lease of number @seq; the event is back. -ENOENT: no such lease. */
int ke_client_nack(struct ke_client *client, u64 seq);

#endif /* KE_CLIENT_H */
