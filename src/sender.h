/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_SENDER_H
#define KE_SENDER_H

#include <linux/cred.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct ke_charge;
struct ke_event;
struct ke_identity;
struct ke_user;
struct kmem_cache;
struct pid;

/* Bytes of the smallest event, and where it comes from: ke_event_init() knows. */
#define KE_SENDER_SPARE_SIZE	192
extern struct kmem_cache *ke_sender_spares;

/*
 * A process as it was when it sent: who its events are from, not who is charged for
 * them. It keeps the process' struct pid and memory for an event, both charged with it.
 * Its events keep it. The memory cgroup that the spare was charged to is that of its first use.
 */
struct ke_sender {
	refcount_t refs;
	kuid_t uid;			/* the real one, as gid */
	kgid_t gid;
	struct ke_user *user;		/* that is charged; a reference */
	struct pid *pid;
	struct ke_event *spare;		/* memory for the next one, or NULL */
	struct hlist_node node;		/* in ke_senders.recent */
	struct rcu_head rcu;
};

/* The processes that sent through one client; a reference to each. */
struct ke_senders {
	struct ke_sender *first;	/* of all; stays once it is set */
	spinlock_t lock;		/* lock map: broker.c */
	struct hlist_head recent;	/* lock; found under RCU */
	unsigned int count;		/* lock */
};

void ke_senders_init(struct ke_senders *senders);

/* The same as ke_sender_get() for those that were not the first. */
struct ke_sender *ke_sender_get_other(struct ke_senders *senders,
				      const struct ke_identity *identity);

/* What is charged for the calling process as a sender. */
struct ke_charge ke_sender_charge(void);

/* Whether @sender is the calling process as it is now. */
static inline bool ke_sender_is_current(const struct ke_sender *sender)
{
	const struct cred *cred = current_cred();

	return sender->pid == task_tgid(current) && uid_eq(sender->uid, cred->uid) &&
	       gid_eq(sender->gid, cred->gid);
}

/*
 * Returns a reference to what stands for the calling process, charged to @identity, that
 * of the client; -EAGAIN, -EDQUOT or -ENOMEM.
 */
static inline struct ke_sender *ke_sender_get(struct ke_senders *senders,
					      const struct ke_identity *identity)
{
	/* What it points to was written before: see remember(). */
	struct ke_sender *first = smp_load_acquire(&senders->first);

	if (unlikely(!first || !ke_sender_is_current(first)))
		return ke_sender_get_other(senders, identity);
	refcount_inc(&first->refs);
	return first;
}

/* Nobody refers to @sender any more. */
void ke_sender_free(struct ke_sender *sender);

static inline void ke_sender_put_many(struct ke_sender *sender, unsigned int n)
{
	if (unlikely(refcount_sub_and_test(n, &sender->refs)))
		ke_sender_free(sender);
}

static inline void ke_sender_put(struct ke_sender *sender)
{
	ke_sender_put_many(sender, 1);
}

/* Forgets them all; nobody uses @senders any more. */
void ke_senders_drop(struct ke_senders *senders);

#endif /* KE_SENDER_H */
