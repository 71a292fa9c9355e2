/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_WATCH_H
#define KE_WATCH_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "identity.h"

struct ke_account;
struct ke_queue;
struct task_struct;

/*
 * What a client knows of its watched IDs. The lock lies inside that of a queue.
 */
struct ke_ready_list {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct list_head ready;		/* ke_watch that may have an event, in turn; lock, or RCU */
	struct list_head receivers;	/* lock: ke_watcher that sleeps, first come first */
	wait_queue_head_t wait;		/* poll and epoll, for space to send, too */
	struct llist_node to_wake;	/* of those that a worker is to wake */
	int is_queued;			/* it is in there; by xchg(), which s390 lacks for bool */
};

/*
 * A watched ID. It is in one list of its queue at any time: quiet, ready, sleeping or
 * denied; see struct ke_queue. Freed after a grace period.
 */
struct ke_watch {
	struct list_head in_queue;	/* queue lock */
	bool dead;			/* queue lock: the client is done with it */
	struct list_head in_ready;	/* ready list's lock: in ready, or empty */
	struct ke_ready_list *list;	/* its client's */
	struct ke_queue *queue;		/* alive until dead */
	const struct ke_identity *identity;	/* its client's */
	struct rb_node node;		/* in ke_client.watches */
	struct rcu_head rcu;
};

/* A receiver that waits for any watched ID, on its stack. */
struct ke_watcher {
	struct list_head entry;		/* list's lock: in receivers, until it is woken */
	struct task_struct *task;
	bool woken;			/* list's lock; set last: for an event of id */
	s32 id;
};

void ke_ready_list_init(struct ke_ready_list *list);

/* No watch is on @list any more. May sleep. */
void ke_ready_list_exit(struct ke_ready_list *list);

#define KE_WAKE_Q_MAX	4

/* A call that wakes what polls some clients of its own account, once it holds no lock. */
struct ke_wake_q {
	const struct ke_account *account;
	unsigned int n;
	struct ke_ready_list *lists[KE_WAKE_Q_MAX];	/* n of those clients' */
};

static inline void ke_wake_q_init(struct ke_wake_q *wake_q, const struct ke_account *account)
{
	wake_q->account = account;
	wake_q->n = 0;
}

void ke_ready_list_wake_pollers(struct ke_ready_list *list);

/* Wakes them by a worker. */
void ke_ready_list_wake_pollers_later(struct ke_ready_list *list);

/*
 * Puts @watch on the ready list of its client and wakes the pollers of that client: through
 * @wake_q, which may be NULL, if that has room and they are of its account, else by a worker.
 * Returns whether watchers of the client sleep.
 */
static inline bool ke_watch_set_ready(struct ke_watch *watch, struct ke_wake_q *wake_q)
{
	struct ke_ready_list *list = watch->list;
	bool sleeps;

	spin_lock(&list->lock);
	if (list_empty(&watch->in_ready))
		list_add_tail_rcu(&watch->in_ready, &list->ready);
	sleeps = !list_empty(&list->receivers);
	spin_unlock(&list->lock);
	if (!wq_has_sleeper(&list->wait))
		return sleeps;
	/* What polls a file, and what polls that, may be any number. */
	if (wake_q && wake_q->n < KE_WAKE_Q_MAX && wake_q->account == watch->identity->account)
		wake_q->lists[wake_q->n++] = list;
	else
		ke_ready_list_wake_pollers_later(list);
	return sleeps;
}

/*
 * Wakes the receiver of @list that has slept for longest, for an event of @id; returns
 * false if none sleeps. @more: others do.
 */
bool ke_ready_list_wake(struct ke_ready_list *list, s32 id, bool *more);

/* Removes @watch from the ready list of its client. */
static inline void ke_watch_clear_ready(struct ke_watch *watch)
{
	struct ke_ready_list *list = watch->list;

	spin_lock(&list->lock);
	list_del_init(&watch->in_ready);
	spin_unlock(&list->lock);
}

/* Moves @watch to the end of the ready list. */
void ke_watch_rotate(struct ke_watch *watch);

/*
 * Returns the watch whose turn it is, or NULL. It may be dead; RCU keeps it. A caller that is
 * going to sleep has become a watcher before, or is in wait, with a full barrier after that:
 * so it either finds the watch, or is found when that is told.
 */
static inline struct ke_watch *ke_ready_list_first(struct ke_ready_list *list)
{
	return list_first_or_null_rcu(&list->ready, struct ke_watch, in_ready);
}

/* Whether a watch is ready; by the time it is read it may not be. */
static inline bool ke_ready_list_has_any(const struct ke_ready_list *list)
{
	return READ_ONCE(list->ready.next) != &list->ready;
}

/* Whether more than one is; likewise. */
static inline bool ke_ready_list_has_others(const struct ke_ready_list *list)
{
	return READ_ONCE(list->ready.next) != READ_ONCE(list->ready.prev);
}

/* Has @watcher woken from now on, after those that came before, or @first of all. */
void ke_watcher_add(struct ke_ready_list *list, struct ke_watcher *watcher, bool first);

/* Ends that. Returns whether it had been woken. */
bool ke_watcher_remove(struct ke_ready_list *list, struct ke_watcher *watcher);

#endif /* KE_WATCH_H */
