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

/* Limits, which module parameters may change at any time: read them with READ_ONCE(). */
struct ke_limits {
	unsigned int max_event_size;	/* bytes of one payload */
	unsigned long max_event_bytes;	/* charge for that, sent from the initial pid namespace */
	unsigned long max_bytes;	/* held by all accounts */
	unsigned long user_max_bytes;	/* held by one account */
	bool strict;			/* only claimed IDs may be used */
};

extern struct ke_limits ke_limits;

/* Senders and pollers of one account that wait for space. */
struct ke_space_line {
	struct list_head senders;	/* struct space_waiter, oldest first */
	struct list_head pollers;	/* struct ke_space_poller */
};

/*
 * The bytes that one user holds over all brokers. The user is either one of the initial user
 * namespace, with all user namespaces that this user owns, or a user namespace that root
 * owns, with all those below it.
 */
struct ke_account {
	kuid_t uid;
	struct user_namespace *ns;	/* a reference, or NULL for a user of the initial one */
	void *spare;			/* free event of class 0 or NULL; xchg(), cmpxchg() */

	/* Protected by ke_charges.lock */
	struct hlist_node node;
	unsigned int files;		/* open ones; the account is freed at 0 files and bytes */
	unsigned long bytes;
	struct ke_space_line lines[2];	/* by ke_identity.passes_limits */
	struct list_head waiting;	/* on ke_charges.waiting unless both lines are empty */
};

/* The bytes that all accounts hold. */
struct ke_charges {
	spinlock_t lock;		/* lock map: docs/internals.md */
	unsigned long bytes;
	struct list_head waiting;	/* accounts with waiting senders or pollers */
	unsigned int n_waiting;
};

extern struct ke_charges ke_charges;

/* An open file that can be polled for space. */
struct ke_space_poller {
	const struct ke_identity *identity;
	wait_queue_head_t *wait;
	unsigned int extra;		/* ke_charges.lock: see ke_space_poll() */
	struct list_head entry;		/* likewise: on a line or ready_pollers, or empty */
};

/* Runs deferred work; NULL before ke_account_init() and after ke_account_exit(). */
extern struct workqueue_struct *ke_workqueue;

/* The cache of ke_account.spare; valid while any account has a spare. */
extern struct kmem_cache *ke_account_spare_cache;

/*
 * Returns the account of @cred, which is kept until ke_account_put(), or NULL without memory.
 * May sleep.
 */
struct ke_account *ke_account_get(const struct cred *cred);
void ke_account_put(struct ke_account *account);

/* Unhashes and frees @account, which has neither files nor charges. */
void ke_account_unlock_unused(struct ke_account *account) __releases(&ke_charges.lock);

/*
 * Serves @account and a bounded number of other accounts: charges and wakes the senders for
 * which there is space, and has a worker wake the pollers. A worker serves the rest.
 */
void ke_account_serve_locked(struct ke_account *account);

/*
 * Returns 0 if @identity may be charged @bytes, -EAGAIN if all accounts together would exceed
 * max_bytes, or -EDQUOT if its account would exceed user_max_bytes or a quarter of what is
 * then free. The last two do not apply if @identity passes limits.
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
 * Charges @bytes to the account of @identity. A caller that can wait sets @waits, and gets
 * -EDQUOT rather than overtake senders that wait. Returns 0, -EAGAIN or -EDQUOT.
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
 * Waits in line until @bytes have been charged to the account of @identity, or until @deadline
 * (CLOCK_MONOTONIC; NULL: no limit). Returns 0, -ETIMEDOUT or -ERESTARTSYS.
 */
int ke_charge_wait(const struct ke_identity *identity, unsigned long bytes,
		   ktime_t *deadline);

/*
 * Uncharges @bytes, which may free @account, and offers the space to senders and pollers.
 * Memory that RCU frees is uncharged without waiting for the grace period, so that a call
 * has made space by the time it returns. The memory cgroup is charged until the end of the
 * grace period.
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

/* Whether @err is the result of a charge for which there is no space. */
static inline bool ke_is_refused(int err)
{
	return err == -EAGAIN || err == -EDQUOT;
}

/*
 * Has a worker serve all senders and pollers that wait for space, after a limit has changed.
 * The caller holds the module's parameter lock.
 */
void ke_account_recheck_all(void);

void ke_space_poller_init(struct ke_space_poller *poller,
			  const struct ke_identity *identity, wait_queue_head_t *wait);

/*
 * Returns whether the file is writable: whether there is space for an event of max_event_size,
 * or for half of what the account could hold alone if that is less. The caller is charged
 * @extra bytes more than max_event_bytes for such an event. If there is no space, the pollers
 * in @poller->wait, which the caller has joined, are woken when there is.
 */
bool ke_space_poll(struct ke_space_poller *poller, unsigned int extra);

/*
 * Has the pollers of @poller woken when there is space, after a charge of @bytes has failed:
 * an edge-triggered poller needs a wake-up to try again. If there is space by now, they are
 * woken at once.
 */
void ke_space_refused(struct ke_space_poller *poller, unsigned long bytes);

/* Removes @poller from all lists and waits for a wake-up in progress. May sleep. */
void ke_space_poller_exit(struct ke_space_poller *poller);

int ke_account_init(void);
void ke_account_exit(void);

#endif /* KE_ACCOUNT_H */
