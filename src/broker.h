/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_BROKER_H
#define KE_BROKER_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct ke_event;
struct ke_receiver;
struct net;

/* All queues of one network namespace; lives as long as that. */
struct ke_broker {
	struct rhashtable queues;	/* struct ke_queue by ID */
	atomic64_t seq;			/* of the latest event */
	struct llist_head idle;		/* queues that may be unused */
	atomic_t idle_new;		/* put there since the last look */
	struct delayed_work reaper;
};

/* Returns the broker of @net, borrowed from it. */
struct ke_broker *ke_broker_of(const struct net *net);

/*
 * Accepts @event and writes its number to the address @seq_addr of the caller's
 * memory. Takes over @event if it returns 0; else -EFAULT, -EINTR or -ENOMEM.
 */
int ke_broker_send(struct ke_broker *broker, struct ke_event *event,
		   u64 seq_addr);

/* What ke_queue_receive_locked() returns, -ENOMEM, or -EINTR if killed. */
int ke_broker_receive(struct ke_broker *broker, s32 id,
		      struct ke_receiver *receiver);

/* Returns 1 if a receiver that comes now would find an event, else 0. */
int ke_broker_poll(struct ke_broker *broker, s32 id);

int ke_broker_init(void);
void ke_broker_exit(void);

#endif /* KE_BROKER_H */
