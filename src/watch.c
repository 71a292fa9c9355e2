// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <linux/llist.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include "account.h"

void ke_ready_list_wake_pollers(struct ke_ready_list *list)
{
	wake_up_poll(&list->wait, EPOLLIN | EPOLLRDNORM);
}

static LLIST_HEAD(lists_to_wake);	/* ke_ready_list.to_wake */

static void wake_lists(struct work_struct *work)
{
	struct ke_ready_list *list, *next;

	llist_for_each_entry_safe(list, next, llist_del_all(&lists_to_wake), to_wake) {
		/* When is_queued is 0, only RCU keeps @list from being freed with its client. */
		rcu_read_lock();
		xchg(&list->is_queued, 0);
		ke_ready_list_wake_pollers(list);
		rcu_read_unlock();
		cond_resched();
	}
}

static DECLARE_WORK(wake_work, wake_lists);

void ke_ready_list_wake_pollers_later(struct ke_ready_list *list)
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

bool ke_ready_list_wake(struct ke_ready_list *list, s32 id, bool *more)
{
	struct ke_watcher *watcher;

	spin_lock(&list->lock);
	watcher = list_first_entry_or_null(&list->receivers, struct ke_watcher, entry);
	if (watcher) {
		list_del(&watcher->entry);
		watcher->id = id;
		/* Pairs with the load in sleep_until_set(). */
		smp_store_release(&watcher->woken, true);
		/* The lock keeps @watcher: its task has to call ke_watcher_remove() first. */
		wake_up_process(watcher->task);
	}
	*more = !list_empty(&list->receivers);
	spin_unlock(&list->lock);
	return watcher;
}

void ke_watch_rotate(struct ke_watch *watch)
{
	struct ke_ready_list *list = watch->list;

	spin_lock(&list->lock);
	/* Lockless readers must not find the list empty while its only entry is moved. */
	if (!list_empty(&watch->in_ready) && !list_is_singular(&list->ready))
		list_move_tail(&watch->in_ready, &list->ready);
	spin_unlock(&list->lock);
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
