// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <linux/llist.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "account.h"
#include "identity.h"

void ke_ready_list_wake_pollers(struct ke_ready_list *list)
{
	wake_up_poll(&list->wait, EPOLLIN | EPOLLRDNORM);
}

static LLIST_HEAD(lists_to_wake);	/* struct ke_ready_list, by to_wake */

static void wake_lists(struct work_struct *work)
{
	struct ke_ready_list *list, *next;

	llist_for_each_entry_safe(list, next, llist_del_all(&lists_to_wake), to_wake) {
		/* Its client may close once this is seen; it is there for a grace period. */
		rcu_read_lock();
		xchg(&list->is_queued, 0);
		ke_ready_list_wake_pollers(list);
		rcu_read_unlock();
		cond_resched();
	}
}

static DECLARE_WORK(wake_work, wake_lists);

static void wake_later(struct ke_ready_list *list)
{
	if (!xchg(&list->is_queued, 1) && llist_add(&list->to_wake, &lists_to_wake))
		queue_work(ke_workqueue, &wake_work);
}

void ke_ready_list_init(struct ke_ready_list *list)
{
	spin_lock_init(&list->lock);
	INIT_LIST_HEAD(&list->ready);
	INIT_LIST_HEAD(&list->receivers);
	init_waitqueue_head(&list->wait);
	list->is_queued = 0;
}

void ke_ready_list_exit(struct ke_ready_list *list)
{
	if (READ_ONCE(list->is_queued))
		flush_work(&wake_work);
}

bool ke_watch_tell(struct ke_watch *watch, struct ke_waker *waker)
{
	struct ke_ready_list *list = watch->list;
	bool sleeps;

	spin_lock(&list->lock);
	if (list_empty(&watch->in_ready))
		list_add_tail(&watch->in_ready, &list->ready);
	sleeps = !list_empty(&list->receivers);
	spin_unlock(&list->lock);
	if (!wq_has_sleeper(&list->wait))
		return sleeps;
	/* What polls a file, and what polls that, may be any number. */
	if (waker && waker->n < KE_WAKER_MAX && waker->account == watch->identity->account)
		waker->lists[waker->n++] = list;
	else
		wake_later(list);
	return sleeps;
}

bool ke_ready_list_wake(struct ke_ready_list *list, s32 id, bool *more)
{
	struct ke_watcher *watcher;

	spin_lock(&list->lock);
	watcher = list_first_entry_or_null(&list->receivers, struct ke_watcher, entry);
	if (watcher) {
		list_del(&watcher->entry);
		watcher->id = id;
		/* Pairs with the load in receive.c. */
		smp_store_release(&watcher->woken, true);
		/* Under the lock: without it the watcher might be gone. */
		wake_up_process(watcher->task);
	}
	*more = !list_empty(&list->receivers);
	spin_unlock(&list->lock);
	return watcher;
}

void ke_watch_forget(struct ke_watch *watch)
{
	spin_lock(&watch->list->lock);
	list_del_init(&watch->in_ready);
	spin_unlock(&watch->list->lock);
}

void ke_watch_rotate(struct ke_watch *watch)
{
	struct ke_ready_list *list = watch->list;

	spin_lock(&list->lock);
	if (!list_empty(&watch->in_ready))
		list_move_tail(&watch->in_ready, &list->ready);
	spin_unlock(&list->lock);
}

struct ke_watch *ke_ready_list_first(struct ke_ready_list *list)
{
	struct ke_watch *watch;

	spin_lock(&list->lock);
	watch = list_first_entry_or_null(&list->ready, struct ke_watch, in_ready);
	spin_unlock(&list->lock);
	return watch;
}

void ke_watcher_add(struct ke_ready_list *list, struct ke_watcher *watcher, bool first)
{
	spin_lock(&list->lock);
	watcher->woken = false;
	if (first)
		list_add(&watcher->entry, &list->receivers);
	else
		list_add_tail(&watcher->entry, &list->receivers);
	spin_unlock(&list->lock);
}

bool ke_watcher_remove(struct ke_ready_list *list, struct ke_watcher *watcher)
{
	bool woken;

	spin_lock(&list->lock);
	woken = watcher->woken;
	if (!woken)
		list_del(&watcher->entry);
	spin_unlock(&list->lock);
	return woken;
}
