/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_ACCOUNT_H
#define KE_ACCOUNT_H

#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "identity.h"

struct cred;
struct kmem_cache;
struct user_namespace;

/* The limits, module parameters; read them with READ_ONCE(). */
struct ke_limits {
	unsigned int max_event_size;	/* bytes of one payload */
	unsigned long max_event_bytes;	/* that are charged for an event of that size */
	unsigned long max_bytes;	/* held over all brokers */
	unsigned long user_max_bytes;	/* held by one account */
	bool strict;			/* only claimed IDs can be used */
};

extern struct ke_limits ke_limits;

/* Those of one account that wait for space. */
struct ke_space_line {
	struct list_head senders;	/* blocked, in the order in which they came */
	struct list_head pollers;	/* struct ke_space_poller */
};

/*
 * What one user holds over all brokers: a user of the initial user namespace, or
 * a user namespace that root made, as a whole.
 */
struct ke_account {
	kuid_t uid;
	struct user_namespace *ns;	/* a reference; NULL: the account of uid */
	void *spare;			/* memory for a small event; taken by xchg() */

	/* All below: ke_charges.lock */
	struct hlist_node node;
	unsigned int files;		/* open ones, which keep the account, as bytes do */
	unsigned long bytes;
	struct ke_space_line lines[2];	/* by ke_identity.passes_limits */
	struct list_head waiting;	/* in ke_charges.waiting if they have entries */
};

/* What all accounts hold. */
struct ke_charges {
	spinlock_t lock;		/* lock map: docs/internals.md */
	unsigned long bytes;
	struct list_head waiting;	/* accounts that wait for space */
	unsigned int n_waiting;
};

extern struct ke_charges ke_charges;

/* An open file that may be polled for space to send. */
struct ke_space_poller {
	const struct ke_identity *identity;
	wait_queue_head_t *wait;
	unsigned int extra;		/* ke_charges.lock: bytes beyond max_event_bytes */
	struct list_head entry;		/* ke_charges.lock: in ke_space_line.pollers, or empty */
};

/* For what is done behind the callers' backs; not for what must be quick. */
extern struct workqueue_struct *ke_workqueue;

/* What spare is freed to; set while there may be any. */
extern struct kmem_cache *ke_account_spare_cache;

/*
 * Returns the account that @cred counts for, which is kept until ke_account_put(), or NULL
 * without memory.
 */
struct ke_account *ke_account_get(const struct cred *cred);
void ke_account_put(struct ke_account *account);

/* Frees @account, which has neither files nor charges. */
void ke_account_unlock_unused(struct ke_account *account) __releases(&ke_charges.lock);

/*
 * Tells @account, and a bounded number of the others that wait, that there may be space. A
 * worker tells the rest.
 */
void ke_account_serve_locked(struct ke_account *account);

/*
 * Whether @identity may be charged @bytes more: 0; -EDQUOT if its account would hold
 * too much; -EAGAIN if all accounts together would.
 */
static inline int ke_account_check_locked(const struct ke_identity *identity,
					  unsigned long bytes)
{
	const unsigned long max = READ_ONCE(ke_limits.max_bytes);
	const unsigned long held = identity->account->bytes + bytes;
	const unsigned long total = ke_charges.bytes + bytes;

	lockdep_assert_held(&ke_charges.lock);
	if (unlikely(held > READ_ONCE(ke_limits.user_max_bytes)) && !identity->passes_limits)
		return -EDQUOT;
	if (unlikely(total > max))
		return -EAGAIN;
	if (unlikely(held > (max - total) / 4) && !identity->passes_limits)
		return -EDQUOT;
	return 0;
}

static inline void ke_account_add_locked(struct ke_account *account, unsigned long bytes)
{
	account->bytes += bytes;
	ke_charges.bytes += bytes;
}

/*
 * Charges @bytes to the account of @identity; 0, -EAGAIN or -EDQUOT. If @waits, the caller
 * can wait, and does not overtake those that do.
 */
static inline int ke_charge(const struct ke_identity *identity, unsigned long bytes,
			    bool waits)
{
	struct ke_account *account = identity->account;
	int err = -EDQUOT;

	spin_lock(&ke_charges.lock);
	if (likely(!waits || list_empty(&account->lines[identity->passes_limits].senders)))
		err = ke_account_check_locked(identity, bytes);
	if (likely(!err))
		ke_account_add_locked(account, bytes);
	spin_unlock(&ke_charges.lock);
	return err;
}

/*
 * Charges @bytes as ke_charge() does, and waits for space until @deadline
 * (CLOCK_MONOTONIC; NULL: no limit) behind the senders of the account that came before.
 * Returns 0, -ETIMEDOUT or -ERESTARTSYS.
 */
int ke_charge_wait(const struct ke_identity *identity, unsigned long bytes,
		   ktime_t *deadline);

/*
 * Memory that is freed after a grace period is uncharged before: space that a call
 * makes is there when it returns. The memory cgroup counts it until then.
 */
static inline void ke_uncharge(struct ke_account *account, unsigned long bytes)
{
	spin_lock(&ke_charges.lock);
	account->bytes -= bytes;
	ke_charges.bytes -= bytes;
	if (unlikely(!list_empty(&ke_charges.waiting)))
		ke_account_serve_locked(account);
	if (unlikely(!account->bytes && !account->files))
		ke_account_unlock_unused(account);
	else
		spin_unlock(&ke_charges.lock);
}

/* Whether @err says that there was no space for a charge. */
static inline bool ke_is_refused(int err)
{
	return err == -EAGAIN || err == -EDQUOT;
}

/*
 * The limits have changed: all that wait for space are looked at again. The caller holds
 * the module's parameter lock.
 */
void ke_account_recheck_all(void);

void ke_space_poller_init(struct ke_space_poller *poller,
			  const struct ke_identity *identity, wait_queue_head_t *wait);

/*
 * Whether there is space to send as poll(2) understands it: for an event of
 * max_event_size, for which the caller pays @extra bytes more than others. If not, those
 * that poll are told when there is.
 */
bool ke_space_poll(struct ke_space_poller *poller, unsigned int extra);

/*
 * A charge of @bytes was refused: edge-triggered polls are told when there is space, if
 * that has come in between at once.
 */
void ke_space_refused(struct ke_space_poller *poller, unsigned long bytes);

/* Nobody polls @poller any more. May sleep. */
void ke_space_poller_exit(struct ke_space_poller *poller);

int ke_account_init(void);
void ke_account_exit(void);

#endif /* KE_ACCOUNT_H */
