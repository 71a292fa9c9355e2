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
 * The ready watches of a client and the watchers that wait for one. The lock nests inside that
 * of a queue.
 */
struct ke_ready_list {
	spinlock_t lock;		/* lock map: docs/internals.md */
	struct list_head ready;		/* struct ke_watch, next turn first; lock, or RCU to read */
	struct list_head receivers;	/* lock: struct ke_watcher, next to be woken first */
	wait_queue_head_t wait;		/* pollers of the file, for events and for space */
	struct llist_node to_wake;	/* in lists_to_wake if is_queued */
	int is_queued;			/* set by xchg(), which s390 lacks for bool */
};

/*
 * A watched ID. Each watch is in one list of its queue: armed, ready, sleeping or denied; see
 * struct ke_queue. Freed after a grace period.
 */
struct ke_watch {
	struct list_head in_queue;	/* queue lock */
	bool dead;			/* queue lock: the watch has ended */
	struct list_head in_ready;	/* list->lock: on list->ready, or empty */
	struct ke_ready_list *list;	/* the client's */
	struct ke_queue *queue;		/* kept until dead */
	const struct ke_identity *identity;	/* the client's */
	struct rb_node node;		/* watches_lock: in ke_client.watches */
	struct rcu_head rcu;
};

/* A receiver that sleeps until any watched ID has an event, on its stack. */
struct ke_watcher {
	struct list_head entry;		/* ke_ready_list.lock: on receivers until woken */
	struct task_struct *task;
	bool woken;			/* likewise; set after id, and read without the lock */
	s32 id;				/* ID of the event that the watcher was woken for */
};

void ke_ready_list_init(struct ke_ready_list *list);

/* Waits for a worker that has @list queued. No watch is on @list any more. May sleep. */
void ke_ready_list_exit(struct ke_ready_list *list);

#define KE_WAKE_Q_MAX	4

/* Clients of one account, whose pollers a call wakes when it has released its locks. */
struct ke_wake_q {
	const struct ke_account *account;
	unsigned int n;
	struct ke_ready_list *lists[KE_WAKE_Q_MAX];	/* n entries */
};

static inline void ke_wake_q_init(struct ke_wake_q *wake_q, const struct ke_account *account)
{
	wake_q->account = account;
	wake_q->n = 0;
}

/* Wakes the pollers that wait for events. The caller keeps the client of @list, e.g. by RCU. */
void ke_ready_list_wake_pollers(struct ke_ready_list *list);

/* Has a worker wake the pollers that wait for events. */
void ke_ready_list_wake_pollers_later(struct ke_ready_list *list);

/*
 * Puts @watch on the ready list of its client. Pollers of the client are woken through @wake_q
 * if that is not NULL, has space and belongs to the same account, otherwise by a worker.
 * Returns whether watchers of the client sleep. The caller holds the lock of the queue.
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
	/* Pairs with the barrier in ke_receive_poll_watched(). */
	if (!wq_has_sleeper(&list->wait))
		return sleeps;
	/* A file may have any number of pollers: other users' are left to the worker. */
	if (wake_q && wake_q->n < KE_WAKE_Q_MAX && wake_q->account == watch->identity->account)
		wake_q->lists[wake_q->n++] = list;
	else
		ke_ready_list_wake_pollers_later(list);
	return sleeps;
}

/*
 * Wakes the first watcher of @list for an event of @id. Returns false if there is none. Sets
 * @more to whether others still sleep.
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

/* Moves @watch to the end of the ready list if it is there. */
void ke_watch_rotate(struct ke_watch *watch);

/*
 * Returns the ready watch whose turn it is, or NULL. The watch may be dead; the caller holds
 * rcu_read_lock(), which keeps it. A caller that is going to sleep has called ke_watcher_add()
 * before, or has joined list->wait and executed a full barrier. Such a caller either finds a
 * watch that becomes ready, or is woken for it.
 */
static inline struct ke_watch *ke_ready_list_first(struct ke_ready_list *list)
{
	return list_first_or_null_rcu(&list->ready, struct ke_watch, in_ready);
}

/* Whether a watch is ready. The answer may be stale, because no lock is taken. */
static inline bool ke_ready_list_has_any(const struct ke_ready_list *list)
{
	return READ_ONCE(list->ready.next) != &list->ready;
}

/* Whether more than one watch is ready. The answer may be stale, too. */
static inline bool ke_ready_list_has_others(const struct ke_ready_list *list)
{
	return READ_ONCE(list->ready.next) != READ_ONCE(list->ready.prev);
}

/* Adds @watcher to the end of the watchers of @list, or to the front if @first. */
void ke_watcher_add(struct ke_ready_list *list, struct ke_watcher *watcher, bool first);

/* Removes @watcher unless it was woken, and thereby removed. Returns whether it was woken. */
bool ke_watcher_remove(struct ke_ready_list *list, struct ke_watcher *watcher);

#endif /* KE_WATCH_H */
