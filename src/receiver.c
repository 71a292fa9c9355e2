// SPDX-License-Identifier: GPL-2.0-only
#include "receiver.h"

#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "inbox.h"
#include "lease.h"
#include "payer.h"
#include "queue.h"
#include "quota.h"
#include "reaper.h"
#include "sink.h"
#include "trace.h"

/* What one receive hands out without letting go of the queue: events, bytes. */
#define RUN_MAX		32
#define RUN_BYTES_MAX	16384

/*
 * How an event reaches a receiver
 *
 * An event stays in the queue until it has been copied to its receiver. The
 * copy is made under the lock with page faults off; so copy and removal are one
 * step, and a receive that fails has not moved anything. Where a page is
 * missing, it is brought without the lock; the event stays in its place, for
 * anybody to take, and the receiver tries again: what it gets then may be
 * another one, so nothing of this one has been copied.
 *
 * Receivers that wait stand in a row. An event wakes the first of them, which
 * takes the oldest event, leaves the row, and wakes the next if there is one
 * more event: one after the other, so that neither events nor receivers
 * overtake each other even if one of them fails. Whoever leaves the row, for
 * whatever reason, wakes the next; so no wake-up is lost. While a receiver
 * brings a page, which may take any time, it stands aside and others may pass.
 *
 * One event is kept for each receiver in the row. A receiver that comes later
 * gets what there is beyond that, or stands in line. The price of strict order: a
 * receiver that has been woken and gets no processor holds up those behind it.
 */

/* Whether @receiver stands in a queue's row. */
static bool in_row(const struct ke_receiver *receiver)
{
	return receiver->waiter && !receiver->inbox;
}

/* Whether @receiver may have the oldest event now. */
static inline bool may_take(const struct ke_queue *queue,
			    const struct ke_receiver *receiver)
{
	if (!in_row(receiver))
		return ke_queue_ready_locked(queue);
	return queue->counts.pending &&
	       ke_queue_waiter_locked(queue) == receiver->waiter;
}

static bool came_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ke_waiter, node)->ticket <
	       rb_entry(b, struct ke_waiter, node)->ticket;
}

static void enter_row(struct ke_queue *queue, struct ke_receiver *receiver)
{
	rb_add_cached(&receiver->waiter->node, &queue->waiters, came_before);
	queue->counts.waiters++;
}

/*
 * Whoever is next now learns of it; who polls, too, if @receiver leaves an event
 * behind that was kept for it.
 */
static void leave_row(struct ke_queue *queue, struct ke_receiver *receiver,
		      bool empty_handed)
{
	const bool was_ready = ke_queue_ready_locked(queue);

	rb_erase_cached(&receiver->waiter->node, &queue->waiters);
	receiver->waiter->woken = false;
	queue->counts.waiters--;
	if (empty_handed && !was_ready && ke_queue_ready_locked(queue))
		ke_queue_wake_for_new_locked(queue, 1);
	else
		ke_queue_wake_locked(queue);
}

/* The event has been copied to @receiver: now it is its. */
static __always_inline void take(struct ke_queue *queue, struct ke_event *event,
				 struct ke_receiver *receiver)
{
	ktime_t until = 0;

	receiver->bytes += event->len;
	event->deliveries++;
	trace_kevents_receive(event);
	if (!receiver->lessee) {
		ke_queue_consume_locked(queue, event, &receiver->ended);
		return;
	}
	ke_queue_detach_locked(queue, event);
	if (receiver->lease_ms)
		until = ktime_add_ms(ktime_get(), receiver->lease_ms);
	ke_lease_begin_locked(queue, event, receiver->lessee, until);
}

/*
 * Brings the pages that an event of @len bytes needs, and says whether the memory
 * is good; then it is all to do again: -EAGAIN. It may take any time, so nobody is
 * to wait for @receiver meanwhile.
 */
static noinline int fault_in(struct ke_queue *queue, struct ke_receiver *receiver, u32 len)
	__must_hold(&queue->lock)
{
	struct ke_holder holder = { .user = receiver->identity->user };
	const bool was_in_row = in_row(receiver);
	int err;

	ke_payer_add(&queue->payer, &holder);
	if (was_in_row)
		leave_row(queue, receiver, true);
	spin_unlock(&queue->lock);
	if (receiver->stall)
		receiver->stall(receiver, true);
	err = ke_sink_bring(&receiver->sink, len);
	if (receiver->stall)
		receiver->stall(receiver, false);
	cond_resched();
	spin_lock(&queue->lock);
	if (was_in_row)
		enter_row(queue, receiver);
	ke_payer_remove(&queue->payer, &holder);
	return err ?: -EAGAIN;
}

/*
 * Hands the oldest event to @receiver, whose turn it is. -EAGAIN if the lock was
 * given up; then nothing that was known before holds any more.
 */
static __always_inline int hand_out(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	struct ke_event *event = ke_queue_first_locked(queue);
	int err;

	err = ke_sink_show(&receiver->sink, event, queue->id);
	if (err == -EFAULT)
		err = fault_in(queue, receiver, event->len);
	if (!err && !receiver->peek)
		take(queue, event, receiver);
	return err;
}

bool ke_receiver_in_time(const struct ke_receiver *receiver)
{
	return !receiver->deadline || ktime_get() < *receiver->deadline;
}

bool ke_receiver_sleep(struct ke_receiver *receiver)
{
	bool in_time = schedule_hrtimeout_range(receiver->deadline,
						current->timer_slack_ns,
						HRTIMER_MODE_ABS);

	__set_current_state(TASK_RUNNING);
	return in_time;
}

/* What has expired must not wait, charged, for as long as @receiver does. */
static void free_ended(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	ke_reaper_note_locked(queue->realm->reaper, queue);
	spin_unlock(&queue->lock);
	ke_event_free_list(&receiver->ended, NULL);
	spin_lock(&queue->lock);
}

/*
 * An event that can be had goes before the deadline, and the deadline before a signal:
 * a receive that signals restart again and again ends all the same.
 */
static int wait_in_row(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	bool in_time = ke_receiver_in_time(receiver);
	int err;

	for (;;) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!ke_queue_allows_locked(queue, receiver->identity, KE_ACCESS_RECEIVE))
			return -EPERM;
		if (ke_lease_settle_locked(queue, &receiver->ended))
			continue;
		if (may_take(queue, receiver)) {
			err = hand_out(queue, receiver);
			if (err != -EAGAIN)
				return err;
			continue;
		}
		if (!in_time)
			return -ETIMEDOUT;
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (!hlist_empty(&receiver->ended)) {
			free_ended(queue, receiver);
			continue;
		}
		receiver->waiter->woken = false;
		ke_reaper_note_locked(queue->realm->reaper, queue);
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock(&queue->lock);
		in_time = ke_receiver_sleep(receiver);
		spin_lock(&queue->lock);
	}
}

/* Waits for its turn behind those who came before. */
static noinline int stand_in_line(struct ke_queue *queue, struct ke_receiver *receiver)
	__must_hold(&queue->lock)
{
	struct ke_waiter waiter = {
		.task = current,
		.ticket = ++queue->tickets,
	};
	struct ke_holder holder = { .user = receiver->identity->user };
	int err;

	ke_payer_add(&queue->payer, &holder);
	ke_reaper_note_locked(queue->realm->reaper, queue);
	spin_unlock(&queue->lock);
	ke_sink_prefault(&receiver->sink);
	spin_lock(&queue->lock);

	receiver->waiter = &waiter;
	enter_row(queue, receiver);
	err = wait_in_row(queue, receiver);
	leave_row(queue, receiver, err);
	receiver->waiter = NULL;
	ke_payer_remove(&queue->payer, &holder);
	return err;
}

static __always_inline int try(struct ke_receiver *receiver,
			       struct ke_queue *queue)
	__must_hold(&queue->lock)
{
	lockdep_assert_held(&queue->lock);
	queue->used = true;
	if (ke_lease_settle_locked(queue, &receiver->ended))
		return -EAGAIN;
	return may_take(queue, receiver) ? hand_out(queue, receiver) : -ENOMSG;
}

int ke_receiver_take_locked(struct ke_receiver *receiver, struct ke_queue *queue,
			    const struct ke_inbox *inbox)
{
	const unsigned int most = min(receiver->most, receiver->done + RUN_MAX);
	const size_t most_bytes = receiver->bytes + RUN_BYTES_MAX;
	int err;

	do {
		err = try(receiver, queue);
		if (err)
			break;
		receiver->done++;
	} while (receiver->done < most && receiver->bytes < most_bytes &&
		 !ke_inbox_has_others(inbox) && receiver->next(receiver));
	return err;
}

int ke_receiver_receive_locked(struct ke_receiver *receiver,
			       struct ke_queue *queue)
{
	int err;

	do {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!ke_queue_allows_locked(queue, receiver->identity, KE_ACCESS_RECEIVE))
			return -EPERM;
		err = try(receiver, queue);
	} while (err == -EAGAIN);
	if (err == -ENOMSG && receiver->waits)
		err = stand_in_line(queue, receiver);
	return err;
}
