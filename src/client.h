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
 * Returns a client in the network namespace of the calling process, or ERR_PTR(-ENOMEM).
 * @cred are the credentials of the file, which keeps them until ke_client_destroy().
 */
struct ke_client *ke_client_create(const struct cred *cred);

/* Requeues the leased events of @client, ends its watches and frees it. May sleep. */
void ke_client_destroy(struct ke_client *client);

/*
 * Adds a watch of @id. Returns 0, also if @client watches @id already, -EAGAIN, -EDQUOT,
 * -ENOMEM, or -EINTR after a fatal signal.
 */
int ke_client_watch(struct ke_client *client, s32 id);

/*
 * Ends the watch of @id. Returns 0, -ENOENT if @client does not watch @id, or -EINTR after a
 * fatal signal.
 */
int ke_client_unwatch(struct ke_client *client, s32 id);

/* Slow path of ke_client_found_empty(): a watch of the client is ready. */
void __ke_client_found_empty(struct ke_client *client, s32 id);

/*
 * Arms the watch of @id again, if there is one, after the client has found no event there.
 * May sleep.
 */
static inline void ke_client_found_empty(struct ke_client *client, s32 id)
{
	if (unlikely(ke_ready_list_has_any(&client->ready_list)))
		__ke_client_found_empty(client, id);
}

/* Writes the lines of @client in /proc/PID/fdinfo. */
void ke_client_show(struct ke_client *client, struct seq_file *seq);

/* Ends the lease of the event numbered @seq and frees the event. Returns 0 or -ENOENT. */
int ke_client_ack(struct ke_client *client, u64 seq);

/* Ends the lease of the event numbered @seq and requeues the event. Returns 0 or -ENOENT. */
int ke_client_nack(struct ke_client *client, u64 seq);

#endif /* KE_CLIENT_H */
