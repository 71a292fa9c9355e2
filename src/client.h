/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CLIENT_H
#define KE_CLIENT_H

struct ke_broker;
struct net;

/* One open file of the device; freed on its last close. */
struct ke_client {
	struct net *net;		/* a reference; keeps broker alive */
	struct ke_broker *broker;
};

/* Returns a client of the calling process' network namespace, or -ENOMEM. */
struct ke_client *ke_client_create(void);
void ke_client_destroy(struct ke_client *client);

#endif /* KE_CLIENT_H */
