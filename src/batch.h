/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_BATCH_H
#define KE_BATCH_H

#include <linux/kevents.h>

struct ke_client;

/* Return how many entries were done, or what stopped the first. */
long ke_batch_send(struct ke_client *client,
		   const struct kevents_batch __user *arg);
long ke_batch_receive(struct ke_client *client,
		      const struct kevents_batch __user *arg);

#endif /* KE_BATCH_H */
