// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

/*
 * How an event reaches a receiver
 *
 * An event stays in the queue until it has been copied to its receiver. The
 * copy is made under the lock with page faults off; so copy and removal are one
 * step, and a receive that fails has not moved anything. Where a page is
 * missing, the copy is made once more without the lock and with faults on; the
 * event is still in its place then, for anybody to take, and if nobody did it
 * is removed.
 *
 * Receivers that wait stand in a row. An event wakes the first of them, which
 * takes the oldest event, leaves the row, and wakes the next if there is one
 * more event: one after the other, so that neither events nor receivers
 * overtake each other even if one of them fails. Whoever leaves the row, for
 * whatever reason, wakes the next; so no wake-up is lost. While a receiver
 * copies with faults on, which may take any time, it stands aside and others
 * may pass.
 *
 * One event is kept for each receiver in the row that will take one. A
 * receiver that comes later gets what there is beyond that, or stands in line.
 * The price of strict order: a receiver that has been woken and gets no
 * processor holds up those behind it.
 */

static struct kmem_cache *queue_cache;

static void queue_construct(void *object)
{
	struct ke_queue *queue = object;

	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->events);
	queue->waiters = RB_ROOT_CACHED;
	queue->tickets = 0;
	queue->pending = 0;
	queue->takers = 0;
	queue->pins = 0;
}

int ke_queue_init(void)
{
	queue_cache = kmem_cache_create("kevents_queue", sizeof(struct ke_queue),
					0, SLAB_ACCOUNT, queue_construct);
	return queue_cache ? 0 : -ENOMEM;
}

void ke_queue_exit(void)
{
	rcu_barrier();	/* free_rcu() of every queue has run */
	kmem_cache_destroy(queue_cache);
}

struct ke_queue *ke_queue_create(s32 id)
{
	struct ke_queue *queue;

	queue = kmem_cache_alloc(queue_cache, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!queue)
		return NULL;
	queue->id = id;
	queue->dead = false;
	queue->listed = false;
	queue->used = false;
	return queue;
}

void ke_queue_destroy(struct ke_queue *queue)
{
	ke_event_free_list(&queue->events);
	queue->pending = 0;
	kmem_cache_free(queue_cache, queue);
}

static void free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(queue_cache, container_of(rcu, struct ke_queue, rcu));
}

void ke_queue_destroy_rcu(struct ke_queue *queue)
{
	call_rcu(&queue->rcu, free_rcu);
}

bool ke_queue_ready_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return queue->pending > queue->takers;
}

bool ke_queue_unused_locked(const struct ke_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	return !queue->pending && !queue->pins;
}

static struct ke_receiver *first_waiter(const struct ke_queue *queue)
{
	struct rb_node *node = rb_first_cached(&queue->waiters);

	return node ? rb_entry(node, struct ke_receiver, node) : NULL;
}

static void wake_first(struct ke_queue *queue)
{
	struct ke_receiver *first;

	first = first_waiter(queue);
	if (!queue->pending || !first || first->woken)
		return;
	first->woken = true;
	/* Under the lock: without it the receiver might be gone. */
	wake_up_process(first->task);
}

void ke_queue_append_locked(struct ke_queue *queue, struct ke_event *event)
{
	lockdep_assert_held(&queue->lock);
	list_add_tail(&event->entry, &queue->events);
	queue->pending++;
	queue->used = true;
	wake_first(queue);
}

/* Whether @receiver may have the oldest event now. */
static bool may_take(const struct ke_queue *queue,
		     const struct ke_receiver *receiver)
{
	if (!receiver->ticket)
		return ke_queue_ready_locked(queue);
	return queue->pending && first_waiter(queue) == receiver;
}

static struct ke_event *first_event(const struct ke_queue *queue)
{
	return list_first_entry(&queue->events, struct ke_event, entry);
}

static void remove_event(struct ke_queue *queue, struct ke_event *event,
			 struct ke_receiver *receiver)
{
	queue->pending--;
	event->gone = true;
	if (event->copiers)
		list_del(&event->entry);
	else
		list_move(&event->entry, &receiver->taken);
}

static bool came_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ke_receiver, node)->ticket <
	       rb_entry(b, struct ke_receiver, node)->ticket;
}

static void enter_row(struct ke_queue *queue, struct ke_receiver *receiver)
{
	rb_add_cached(&receiver->node, &queue->waiters, came_before);
	if (!receiver->peek)
		queue->takers++;
}

/* Whoever is next now learns of it. */
static void leave_row(struct ke_queue *queue, struct ke_receiver *receiver)
{
	rb_erase_cached(&receiver->node, &queue->waiters);
	receiver->woken = false;
	if (!receiver->peek)
		queue->takers--;
	wake_first(queue);
}

/*
 * Copies @event out with page faults on. Returns 0 if it is still the one that
 * @receiver may have, -EAGAIN if it is not, or the error of the copy.
 */
static int copy_out_sleeping(struct ke_queue *queue,
			     struct ke_receiver *receiver,
			     struct ke_event *event)
	__must_hold(&queue->lock)
{
	int err;

	event->copiers++;
	queue->pins++;
	if (receiver->ticket)
		leave_row(queue, receiver);
	spin_unlock(&queue->lock);
	err = ke_event_copy_out(event, &receiver->sink, KE_COPY_MAY_SLEEP);
	spin_lock(&queue->lock);
	if (receiver->ticket)
		enter_row(queue, receiver);
	queue->pins--;
	event->copiers--;

	if (event->gone) {
		if (!event->copiers)
			list_add(&event->entry, &receiver->taken);
		return err ?: -EAGAIN;
	}
	if (!err && (!may_take(queue, receiver) || first_event(queue) != event))
		return -EAGAIN;
	return err;
}

/* Hands the oldest event to @receiver, whose turn it is. */
static int hand_out(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	struct ke_event *event;
	int err;

	event = first_event(queue);
	err = ke_event_copy_out(event, &receiver->sink, KE_COPY_ATOMIC);
	if (err == -EFAULT)
		err = copy_out_sleeping(queue, receiver, event);
	if (!err && !receiver->peek)
		remove_event(queue, event, receiver);
	return err;
}

static int interruption(const struct ke_receiver *receiver)
{
	return receiver->deadline ? -EINTR : -ERESTARTSYS;
}

/* Sleeps until woken, or a signal, or the deadline; false after the latter. */
static bool sleep_unlocked(struct ke_queue *queue,
			   struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	bool in_time;

	receiver->woken = false;
	set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock(&queue->lock);
	in_time = schedule_hrtimeout_range(receiver->deadline,
					   current->timer_slack_ns,
					   HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
	spin_lock(&queue->lock);
	return in_time;
}

/* An event that can be had goes before a signal and the deadline. */
static int wait_in_row(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	bool in_time = true;
	int err;

	for (;;) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (may_take(queue, receiver)) {
			err = hand_out(queue, receiver);
			if (err != -EAGAIN)
				return err;
			continue;
		}
		if (signal_pending(current))
			return interruption(receiver);
		if (!in_time)
			return -ETIMEDOUT;
		in_time = sleep_unlocked(queue, receiver);
	}
}

/* Waits for its turn behind those who came before. */
static int stand_in_line(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	int err;

	queue->pins++;
	receiver->ticket = ++queue->tickets;
	spin_unlock(&queue->lock);
	ke_event_prefault(&receiver->sink);
	spin_lock(&queue->lock);

	enter_row(queue, receiver);
	err = wait_in_row(queue, receiver);
	leave_row(queue, receiver);
	queue->pins--;
	return err;
}

int ke_queue_receive_locked(struct ke_queue *queue,
			    struct ke_receiver *receiver)
{
	int err = -EAGAIN;

	lockdep_assert_held(&queue->lock);
	queue->used = true;
	while (err == -EAGAIN && may_take(queue, receiver)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		err = hand_out(queue, receiver);
	}
	if (err != -EAGAIN)
		return err;
	return receiver->waits ? stand_in_line(queue, receiver) : -ENOMSG;
}
