// SPDX-License-Identifier: GPL-2.0-only
#include "client.h"

#include <linux/err.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/net_namespace.h>

#include "broker.h"

struct ke_client *ke_client_create(void)
{
	struct ke_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!client)
		return ERR_PTR(-ENOMEM);
	client->net = get_net(current->nsproxy->net_ns);
	client->broker = ke_broker_of(client->net);
	return client;
}

void ke_client_destroy(struct ke_client *client)
{
	put_net(client->net);
	kfree(client);
}
