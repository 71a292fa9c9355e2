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

void ke_poller_init(struct ke_poller *poller, wait_queue_head_t *wait)
{
	poller->wait = wait;
	poller->in = NULL;
	INIT_LIST_HEAD(&poller->entry);
}

/* All of them: those that wait exclusively may want something else than the first. */
void ke_poller_wake(struct ke_poller *poller)
{
	if (wq_has_sleeper(poller->wait))
		__wake_up(poller->wait, TASK_NORMAL, 0,
			  poll_to_key(EPOLLOUT | EPOLLWRNORM));
}

/* Returns whether it was linked. */
static bool leave(struct ke_poller *poller)
{
	struct ke_pollers *in = poller->in;
	bool was;

	if (!in)
		return false;
	spin_lock(&in->lock);
	was = !list_empty(&poller->entry);
	list_del_init(&poller->entry);
	spin_unlock(&in->lock);
	return was;
}

void ke_poller_enter(struct ke_poller *poller, struct ke_pollers *pollers)
{
	const bool moves = poller->in != pollers && leave(poller);

	poller->in = pollers;
	spin_lock(&pollers->lock);
	if (list_empty(&poller->entry))
		list_add_tail(&poller->entry, &pollers->list);
	spin_unlock(&pollers->lock);
	/* Linked to neither, it may have missed something. */
	if (moves)
		ke_poller_wake(poller);
}

void ke_poller_end(struct ke_poller *poller)
{
	leave(poller);
}
