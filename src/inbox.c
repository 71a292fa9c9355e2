// SPDX-License-Identifier: GPL-2.0-only
#include "inbox.h"

#include <linux/poll.h>
#include <linux/sched.h>

void ke_inbox_init(struct ke_inbox *inbox)
{
	spin_lock_init(&inbox->lock);
	INIT_LIST_HEAD(&inbox->ready);
	INIT_LIST_HEAD(&inbox->row);
	init_waitqueue_head(&inbox->wait);
}

static struct ke_waiter *first_idle(struct ke_inbox *inbox)
{
	struct ke_waiter *first;

	first = list_first_entry_or_null(&inbox->row, struct ke_waiter, entry);
	return first && !first->woken ? first : NULL;
}

static void wake(struct ke_waiter *waiter)
{
	waiter->woken = true;
	/* Under the lock: without it the waiter might be gone. */
	wake_up_process(waiter->task);
}

bool ke_inbox_notify(struct ke_watch *watch, bool fresh,
		     struct ke_queue *waker)
{
	struct ke_inbox *inbox = watch->inbox;
	struct ke_waiter *waiter = NULL;

	spin_lock(&inbox->lock);
	if (list_empty(&watch->in_ready)) {
		list_add_tail(&watch->in_ready, &inbox->ready);
		fresh = true;
	}
	if (waker)
		waiter = first_idle(inbox);
	if (waiter) {
		waiter->waker = waker;
		wake(waiter);
	}
	spin_unlock(&inbox->lock);
	if (fresh && wq_has_sleeper(&inbox->wait))
		wake_up_poll(&inbox->wait, EPOLLIN | EPOLLRDNORM);
	return waiter;
}

void ke_inbox_forget(struct ke_watch *watch)
{
	spin_lock(&watch->inbox->lock);
	list_del_init(&watch->in_ready);
	spin_unlock(&watch->inbox->lock);
}

void ke_inbox_rotate(struct ke_watch *watch)
{
	struct ke_inbox *inbox = watch->inbox;

	spin_lock(&inbox->lock);
	if (!list_empty(&watch->in_ready))
		list_move_tail(&watch->in_ready, &inbox->ready);
	spin_unlock(&inbox->lock);
}

struct ke_watch *ke_inbox_first(struct ke_inbox *inbox)
{
	struct ke_watch *watch;

	spin_lock(&inbox->lock);
	watch = list_first_entry_or_null(&inbox->ready, struct ke_watch,
					 in_ready);
	spin_unlock(&inbox->lock);
	return watch;
}

bool ke_inbox_is_first(struct ke_inbox *inbox, const struct ke_waiter *waiter)
{
	bool first;

	spin_lock(&inbox->lock);
	first = inbox->row.next == &waiter->entry;
	spin_unlock(&inbox->lock);
	return first;
}

void ke_inbox_enter(struct ke_inbox *inbox, struct ke_waiter *waiter,
		    bool in_front)
{
	spin_lock(&inbox->lock);
	waiter->woken = true;
	if (in_front)
		list_add(&waiter->entry, &inbox->row);
	else
		list_add_tail(&waiter->entry, &inbox->row);
	spin_unlock(&inbox->lock);
}

void ke_inbox_leave(struct ke_inbox *inbox, struct ke_waiter *waiter)
{
	struct ke_waiter *next;

	spin_lock(&inbox->lock);
	list_del_init(&waiter->entry);
	next = list_empty(&inbox->ready) ? NULL : first_idle(inbox);
	if (next)
		wake(next);
	spin_unlock(&inbox->lock);
}

bool ke_inbox_may_sleep(struct ke_inbox *inbox, struct ke_waiter *waiter)
{
	bool sleep;

	spin_lock(&inbox->lock);
	set_current_state(TASK_INTERRUPTIBLE);
	sleep = inbox->row.next != &waiter->entry || list_empty(&inbox->ready);
	waiter->woken = !sleep;
	spin_unlock(&inbox->lock);
	if (!sleep)
		__set_current_state(TASK_RUNNING);
	return sleep;
}

struct ke_queue *ke_inbox_waker(struct ke_inbox *inbox,
				struct ke_waiter *waiter)
{
	struct ke_queue *waker;

	spin_lock(&inbox->lock);
	waker = waiter->waker;
	waiter->waker = NULL;
	spin_unlock(&inbox->lock);
	return waker;
}
