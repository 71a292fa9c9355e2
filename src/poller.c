// SPDX-License-Identifier: GPL-2.0-only
#include "poller.h"

#include <linux/poll.h>
#include <linux/sched.h>

void ke_pollers_init(struct ke_pollers *pollers)
{
	spin_lock_init(&pollers->lock);
	INIT_LIST_HEAD(&pollers->list);
}

void ke_pollers_wake(struct ke_pollers *pollers)
{
	struct ke_poller *poller, *next;

	spin_lock(&pollers->lock);
	list_for_each_entry_safe(poller, next, &pollers->list, entry) {
		list_del_init(&poller->entry);
		/* Under the lock: without it the file might be gone. */
		ke_poller_wake(poller);
	}
	spin_unlock(&pollers->lock);
}

void ke_poller_init(struct ke_poller *poller, wait_queue_head_t *wait,
		    struct ke_pollers *pollers)
{
	poller->wait = wait;
	poller->pollers = pollers;
	INIT_LIST_HEAD(&poller->entry);
}

/* All of them: those that wait exclusively may want something else than the first. */
void ke_poller_wake(struct ke_poller *poller)
{
	if (wq_has_sleeper(poller->wait))
		__wake_up(poller->wait, TASK_NORMAL, 0,
			  poll_to_key(EPOLLOUT | EPOLLWRNORM));
}

void ke_poller_enter(struct ke_poller *poller)
{
	struct ke_pollers *pollers = poller->pollers;

	spin_lock(&pollers->lock);
	if (list_empty(&poller->entry))
		list_add_tail(&poller->entry, &pollers->list);
	spin_unlock(&pollers->lock);
}

void ke_poller_end(struct ke_poller *poller)
{
	spin_lock(&poller->pollers->lock);
	list_del_init(&poller->entry);
	spin_unlock(&poller->pollers->lock);
}
