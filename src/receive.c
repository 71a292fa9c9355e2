// SPDX-License-Identifier: GPL-2.0-only
#include "receive.h"

#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kevents.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "broker.h"
#include "client.h"
#include "event.h"
#include "lease.h"
#include "queue.h"
#include "uaccess.h"
#include "trace.h"

/*
 * Take, copy, settle
 *
 * A receive takes an event out of its queue under the queue lock. It copies the event without
 * locks, because the copy may fault. Then it settles: the event is consumed, without the lock, or
 * leased, or returned to its place if the copy failed. A waiter is handed an event that is in
 * flight to it already. A watcher is woken, and takes an event itself.
 */

/* Events in flight that were taken from one queue. */
struct run {
	struct ke_queue *queue;
	unsigned int n;
	struct ke_event *events[KE_RUN_MAX];
};

static __always_inline int copy_event(const struct ke_recv_req *req, unsigned int i,
				      const struct ke_event *event, s32 id)
{
	return unlikely(req->iter) ? ke_copy_record_to_iter(req->iter, event, id) :
	       ke_event_copy_to_user(&req->bufs[i], event, id);
}

static ktime_t lease_end(const struct ke_user_buf *buf)
{
	return buf->lease_ms ? ktime_add_ms(ktime_get(), buf->lease_ms) : 0;
}

/*
 * Leases the first @done events of @run if @req leases. Returns the others, which were not copied,
 * to their places.
 */
static void settle_locked(struct ke_client *client, const struct ke_recv_req *req,
			  struct run *run, unsigned int done, struct hlist_head *dispose,
			  struct ke_wake_q *wake_q)
{
	unsigned int i;

	if (req->leases)
		for (i = 0; i < done; i++)
			ke_lease_begin_locked(run->queue, run->events[i], &client->leases,
					      lease_end(&req->bufs[req->done - done + i]));
	for (i = done; i < run->n; i++)
		ke_queue_untake_locked(run->queue, run->events[i], req->leases, dispose);
	ke_queue_offer_locked(run->queue, run->n - done, wake_q);
}

/* Copies the events of @run until a copy fails. Settles all of them. */
static int copy_run(struct ke_client *client, struct ke_recv_req *req, struct run *run)
{
	struct ke_queue *queue = run->queue;
	const s32 id = queue->id;
	unsigned long bytes = 0;
	struct ke_wake_q wake_q __uninitialized;
	unsigned int done;
	HLIST_HEAD(dispose);
	int err;

	err = fatal_signal_pending(current) ? -EINTR : 0;
	for (done = 0; !err && done < run->n; done++) {
		struct ke_event *event = run->events[done];

		err = copy_event(req, req->done + done, event, id);
		if (err)
			break;
		event->deliveries++;
		trace_kevents_receive(event);
		if (!req->leases) {
			bytes += event->bytes;
			hlist_add_head(&event->entry, &dispose);
		}
	}
	req->done += done;
	if (unlikely(req->leases || done < run->n)) {
		ke_wake_q_init(&wake_q, client->identity.account);
		spin_lock(&queue->lock);
		settle_locked(client, req, run, done, &dispose, &wake_q);
		ke_queue_unlock_and_wake(queue, &wake_q);
	}
	/* The last access to the queue, which may be gone already if no event is in flight. */
	if (done && !req->leases)
		ke_queue_consume(queue, bytes, done);
	ke_event_free_list(&dispose);
	return err;
}

/* Consumes or leases @event, which has been copied. */
static __always_inline void settle_one(struct ke_client *client, const struct ke_recv_req *req,
				       struct ke_queue *queue, struct ke_event *event)
{
	event->deliveries++;
	trace_kevents_receive(event);
	if (likely(!req->leases)) {
		ke_queue_consume(queue, event->bytes, 1);
		ke_event_free(event);
		return;
	}
	spin_lock(&queue->lock);
	ke_lease_begin_locked(queue, event, &client->leases, lease_end(req->bufs));
	ke_queue_unlock(queue);
}

/* Fast path of copy_run(): a single event, to a buffer. */
static __always_inline int copy_one(struct ke_client *client, struct ke_recv_req *req,
				    struct ke_queue *queue, struct ke_event *event)
{
	struct run run __uninitialized;

	if (likely(!fatal_signal_pending(current) &&
		   !ke_event_copy_to_user(req->bufs, event, queue->id))) {
		settle_one(client, req, queue, event);
		req->done++;
		return 0;
	}
	run.queue = queue;
	run.n = 1;
	run.events[0] = event;
	return copy_run(client, req, &run);
}

/* Takes the oldest event of @queue. Returns 0, -ENOMSG, or -EMSGSIZE if the buffer is too small. */
static __always_inline int take(struct ke_queue *queue, struct ke_recv_req *req,
				struct ke_event **event)
{
	*event = ke_queue_available_locked(queue);
	if (!*event)
		return -ENOMSG;
	if (unlikely((*event)->len > req->bufs->size)) {
		req->needed = (*event)->len;
		return -EMSGSIZE;
	}
	ke_queue_take_locked(queue, *event, req->leases);
	return 0;
}

static bool is_in_time(const ktime_t *deadline)
{
	return !deadline || ktime_get() < *deadline;
}

/* Sleeps in the current task state. Returns false if the deadline has passed. */
static bool sleep_until(ktime_t *deadline)
{
	return schedule_hrtimeout_range(deadline, current->timer_slack_ns,
					HRTIMER_MODE_ABS);
}

/* Sleeps until @is_over is set. Returns 0, -ETIMEDOUT or -ERESTARTSYS. */
static int sleep_until_set(const bool *is_over, ktime_t *deadline)
{
	bool in_time = is_in_time(deadline);
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		/* Pairs with smp_store_release() in finish_waiter() and ke_ready_list_wake(). */
		if (smp_load_acquire(is_over))
			break;
		/* Before signals: a wait that is restarted again and again still times out. */
		err = -ETIMEDOUT;
		if (!in_time)
			break;
		err = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		in_time = sleep_until(deadline);
		err = 0;
	}
	__set_current_state(TASK_RUNNING);
	return err;
}

/*
 * Removes @waiter unless it is done. Runs deadlines first, which may hand it the event of a lease
 * that has timed out. Returns false if it is done.
 */
static bool cancel_wait(struct ke_queue *queue, struct ke_waiter *waiter,
			struct hlist_head *dispose)
{
	bool cancelled = false;

	/* The waiter keeps the queue until it is done, and RCU keeps the queue after that. */
	rcu_read_lock();
	/* Pairs with smp_store_release() in finish_waiter(). */
	if (!smp_load_acquire(&waiter->done)) {
		spin_lock(&queue->lock);
		if (!waiter->done)
			ke_lease_run_deadlines_locked(queue, dispose);
		cancelled = !waiter->done;
		if (cancelled)
			ke_queue_remove_waiter_locked(queue, waiter);
		ke_queue_unlock(queue);
	}
	rcu_read_unlock();
	return cancelled;
}

/* Sleeps as a waiter of @queue. Returns 0 with *@event in flight to the caller, or an error. */
static noinline int wait_in_line(struct ke_client *client, struct ke_queue *queue,
				 struct ke_recv_req *req, struct ke_event **event,
				 struct hlist_head *dispose)
	__releases(&queue->lock)
{
	struct ke_waiter waiter = {
		.task = current,
		.identity = &client->identity,
		.leases = req->leases,
		.size = req->bufs->size,
	};
	const s32 id = queue->id;
	int err;

	ke_queue_add_waiter_locked(queue, &waiter);
	spin_unlock(&queue->lock);
	ke_event_free_list(dispose);
	ke_client_found_empty(client, id);
	err = sleep_until_set(&waiter.done, req->deadline);
	if (err && cancel_wait(queue, &waiter, dispose))
		return err;
	*event = waiter.event;
	req->needed = waiter.needed;
	return waiter.event ? 0 : waiter.err;
}

int ke_receive(struct ke_client *client, s32 id, struct ke_recv_req *req)
{
	struct ke_broker *broker = client->broker;
	struct ke_event *event = NULL;
	struct ke_queue *queue;
	HLIST_HEAD(dispose);
	int err = -EPERM;

	if (req->waits)
		queue = ke_broker_use_lock(broker, id);
	else
		queue = ke_broker_find_lock(broker, id);
	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : -ENOMSG;
	if (IS_ERR(queue))
		return PTR_ERR(queue);
	__acquire(&queue->lock);
	if (ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE)) {
		ke_lease_run_deadlines_locked(queue, &dispose);
		err = take(queue, req, &event);
	}
	if (err == -ENOMSG && req->waits)
		err = wait_in_line(client, queue, req, &event, &dispose);
	else
		ke_queue_unlock(queue);
	ke_event_free_list(&dispose);
	if (unlikely(err)) {
		if (err == -ENOMSG || err == -EPERM)
			ke_client_found_empty(client, id);
		return err;
	}
	return copy_one(client, req, queue, event);
}

int ke_receive_poll(struct ke_client *client, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, id);
	HLIST_HEAD(dispose);
	int ret = -EPERM;

	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : 0;
	__acquire(&queue->lock);
	if (ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE)) {
		ke_lease_run_deadlines_locked(queue, &dispose);
		ret = ke_queue_available_locked(queue) ? 1 : 0;
	}
	ke_queue_unlock(queue);
	ke_event_free_list(&dispose);
	if (ret != 1)
		ke_client_found_empty(client, id);
	return ret;
}

/* Returns the event of @queue that the client of @watch may receive now, or NULL. */
static struct ke_event *first_for(const struct ke_queue *queue, const struct ke_watch *watch)
{
	struct ke_event *event = ke_queue_available_locked(queue);

	if (!event || !ke_queue_allows_locked(queue, watch->identity, KE_ACCESS_RECEIVE))
		return NULL;
	return event;
}

/*
 * Returns the first ready watch whose client may receive an event, or NULL. The queue lock is
 * held, and *@event is the event. Ready watches without an event are re-armed.
 */
static struct ke_watch *next_ready_lock(struct ke_client *client, struct ke_event **event,
					struct hlist_head *dispose)
{
	struct ke_watch *watch;
	struct ke_queue *queue;

	for (;;) {
		rcu_read_lock();
		watch = ke_ready_list_first(&client->ready_list);
		if (!watch) {
			rcu_read_unlock();
			return NULL;
		}
		queue = watch->queue;
		spin_lock(&queue->lock);
		if (watch->dead) {
			ke_queue_unlock(queue);
			rcu_read_unlock();
			continue;
		}
		/* The queue lock keeps a watch that is not dead. */
		rcu_read_unlock();
		ke_lease_run_deadlines_locked(queue, dispose);
		*event = first_for(queue, watch);
		if (*event) {
			__release(&queue->lock);
			return watch;
		}
		ke_queue_rearm_watch_locked(queue, watch, NULL);
		ke_queue_unlock(queue);
		cond_resched();
	}
}

static __always_inline bool find_watched(struct ke_client *client, s32 *id)
{
	struct ke_event *event;
	struct ke_watch *watch;
	HLIST_HEAD(dispose);

	watch = next_ready_lock(client, &event, &dispose);
	if (watch) {
		__acquire(&watch->queue->lock);
		if (id)
			*id = watch->queue->id;
		ke_queue_unlock(watch->queue);
	}
	ke_event_free_list(&dispose);
	return watch;
}

bool ke_receive_find_watched(struct ke_client *client, s32 *id)
{
	return find_watched(client, id);
}

bool ke_receive_poll_watched(struct ke_client *client)
{
	/* Orders poll_wait() before the check: pairs with ke_watch_set_ready(). */
	smp_mb();
	return find_watched(client, NULL);
}

/*
 * Takes @event, the oldest, and the events after it, as long as they fit and no other watch is
 * ready. @event is not looked up again, because it may have expired since it was found.
 */
static __always_inline int take_run(struct ke_client *client, struct ke_recv_req *req,
				    struct run *run, struct ke_event *event)
{
	const unsigned int most = req->n - req->done;
	u64 left = req->iter ? iov_iter_count(req->iter) : 0;
	struct ke_queue *queue = run->queue;
	unsigned int n = 0;

	do {
		if (req->iter ? KEVENTS_RECORD_SIZE(event->len) > left :
				event->len > req->bufs[req->done + n].size) {
			req->needed = event->len;
			break;
		}
		left -= KEVENTS_RECORD_SIZE(event->len);
		ke_queue_take_locked(queue, event, req->leases);
		run->events[n++] = event;
	} while (n < most && !ke_ready_list_has_others(&client->ready_list) &&
		 (event = ke_queue_first_locked(queue)));
	run->n = n;
	return n ? 0 : -EMSGSIZE;
}

/* Moves @watch behind all other ready watches, or arms it if no event is left. */
static void end_turn(struct ke_watch *watch)
{
	if (ke_queue_first_locked(watch->queue))
		ke_watch_rotate(watch);
	else
		ke_queue_arm_watch_locked(watch->queue, watch);
}

/* Takes events of the first ready watch. Returns 0, -ENOMSG, -EMSGSIZE, or -EINTR if killed. */
static __always_inline int take_watched(struct ke_client *client, struct ke_recv_req *req,
					struct run *run)
{
	struct ke_event *event;
	struct ke_watch *watch;
	HLIST_HEAD(dispose);
	int err;

	if (fatal_signal_pending(current))
		return -EINTR;
	watch = next_ready_lock(client, &event, &dispose);
	if (!watch) {
		ke_event_free_list(&dispose);
		return -ENOMSG;
	}
	run->queue = watch->queue;
	__acquire(&run->queue->lock);
	req->id = run->queue->id;
	err = take_run(client, req, run, event);
	if (!err)
		end_turn(watch);
	ke_queue_unlock(run->queue);
	ke_event_free_list(&dispose);
	return err;
}

static __always_inline int copy_taken(struct ke_client *client, struct ke_recv_req *req,
				      struct run *run)
{
	if (run->n > 1 || req->iter)
		return copy_run(client, req, run);
	return copy_one(client, req, run->queue, run->events[0]);
}

/* Wakes another watcher for an event of @id that the caller was woken for and did not take. */
static void wake_next(struct ke_client *client, s32 id)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, id);

	if (!queue)
		return;
	__acquire(&queue->lock);
	ke_queue_wake_next_locked(queue);
	ke_queue_unlock(queue);
}

/*
 * Sleeps as a watcher until it has taken events. The caller is not a watcher while it copies them:
 * a page fault may block for ever, and other watchers would miss a wake-up spent on the caller.
 */
static noinline int wait_watched(struct ke_client *client, struct ke_recv_req *req,
				 struct run *run)
{
	struct ke_ready_list *list = &client->ready_list;
	struct ke_watcher watcher = { .task = current };
	bool again = false;
	int err, found;

	for (;; again = true) {
		ke_watcher_add(list, &watcher, again);
		found = take_watched(client, req, run);
		err = found == -ENOMSG ? sleep_until_set(&watcher.woken, req->deadline) : found;
		if (!ke_watcher_remove(list, &watcher))
			return err;
		if (found != -ENOMSG || err == -ERESTARTSYS)
			break;
		/* An available event takes precedence over the deadline. */
		found = take_watched(client, req, run);
		if (!found && req->id == watcher.id)
			return 0;
		if (found != -ENOMSG)
			err = found;
		if (found != -ENOMSG || err)
			break;
		wake_next(client, watcher.id);
	}
	/* Pass the wake-up on: the event that it was for may not have been taken. */
	wake_next(client, watcher.id);
	return err;
}

int ke_receive_watched(struct ke_client *client, struct ke_recv_req *req)
{
	struct run run __uninitialized;
	int err;

	req->done = 0;
	err = take_watched(client, req, &run);
	if (err == -ENOMSG && req->waits)
		err = wait_watched(client, req, &run);
	if (!err)
		err = copy_taken(client, req, &run);
	return req->done ? 0 : err;
}
