// SPDX-License-Identifier: GPL-2.0-only
#include "send.h"

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>
#include <linux/uio.h>

#include "account.h"
#include "broker.h"
#include "client.h"
#include "event.h"
#include "queue.h"
#include "trace.h"
#include "uaccess.h"
#include "watch.h"

/* Returns 0, or -EPERM if the claim denies @req. A sender that is denied must not wait. */
static int may_send(struct ke_client *client, const struct ke_send_req *req)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, req->id);
	bool allowed;

	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : 0;
	__acquire(&queue->lock);
	allowed = ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_SEND);
	ke_queue_unlock(queue);
	return allowed ? 0 : -EPERM;
}

/* Slow path of get_event(): the charge failed with @err. Waits for it if the send may wait. */
static noinline int wait_for_space(struct ke_client *client, const struct ke_send_req *req,
				   unsigned long bytes, bool now, int err)
{
	int denied = may_send(client, req);

	if (denied)
		return denied;
	if (req->waits && !now)
		return ke_charge_wait(&client->identity, bytes, req->deadline);
	ke_space_refused(&client->space_poller, bytes);
	return err;
}

/* Returns a charged event for @req, or an error. Does not wait for space if @now. */
static __always_inline struct ke_event *get_event(struct ke_client *client,
						  const struct ke_send_req *req, bool now)
{
	const unsigned long bytes = ke_event_bytes(req->len);
	struct ke_event *event;
	int err;

	err = ke_charge(&client->identity, bytes, req->waits);
	if (unlikely(err))
		err = wait_for_space(client, req, bytes, now, err);
	if (unlikely(err))
		return ERR_PTR(err);
	event = ke_event_create(client->identity.account, req->len);
	if (IS_ERR(event))
		ke_uncharge(client->identity.account, bytes);
	return event;
}

/* Sets req->event to a new event with its payload. Does not wait for space if @now. */
static __always_inline int create_event(struct ke_client *client,
					struct ke_send_req *req, bool now)
{
	struct ke_event *event;
	int err;

	if (req->len > READ_ONCE(ke_limits.max_event_size))
		return -EMSGSIZE;
	event = get_event(client, req, now);
	if (IS_ERR(event))
		return PTR_ERR(event);
	if (req->iter)
		err = ke_payload_copy_from_iter(event, req->iter);
	else
		err = ke_event_copy_from_user(event, req->data);
	if (err)
		ke_event_free(event);
	else
		req->event = event;
	return err;
}

/*
 * Appends the leading events of @reqs that are for @queue, as the first one is. Returns their
 * number, or -EPERM.
 */
static __always_inline int append(struct ke_client *client, struct ke_queue *queue,
				  struct ke_send_req *reqs, unsigned int n,
				  struct ke_wake_q *wake_q)
{
	struct ke_broker *broker = client->broker;
	unsigned long bytes = 0;
	struct ke_event *event;
	unsigned int i = 0;
	ktime_t now;

	if (!ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_SEND))
		return -EPERM;
	now = ktime_get();
	do {
		event = reqs[i].event;
		event->seq = atomic64_inc_return(&broker->seq);
		reqs[i].seq = event->seq;
		event->sent_ns = now;
		if (reqs[i].ttl_ms)
			event->ttl = ktime_add_ms(now, reqs[i].ttl_ms);
		bytes += event->bytes;
		ke_queue_append_locked(queue, event);
		trace_kevents_send(event);
	} while (++i < n && reqs[i].id == queue->id);
	ke_queue_add_bytes(queue, bytes, i);
	ke_queue_offer_locked(queue, i, wake_q);
	return i;
}

/* Appends the events of @reqs to their queues. Returns how many; @err is why it stopped, or 0. */
static __always_inline unsigned int deliver(struct ke_client *client,
					    struct ke_send_req *reqs,
					    unsigned int n, int *err)
{
	struct ke_broker *broker = client->broker;
	struct ke_queue *queue;
	unsigned int done = 0;
	struct ke_wake_q wake_q __uninitialized;
	int ret;

	*err = 0;
	while (done < n) {
		queue = ke_broker_use_lock(broker, reqs[done].id);
		if (IS_ERR(queue)) {
			*err = PTR_ERR(queue);
			break;
		}
		__acquire(&queue->lock);
		ke_wake_q_init(&wake_q, client->identity.account);
		ret = append(client, queue, reqs + done, n - done, &wake_q);
		ke_queue_unlock_and_wake(queue, &wake_q);
		if (ret < 0) {
			*err = ret;
			break;
		}
		for (; ret; ret--, done++)
			ke_put_seq_to_user(reqs[done].seq, reqs[done].seq_addr);
	}
	return done;
}

int ke_send(struct ke_client *client, struct ke_send_req *req)
{
	int err;

	err = create_event(client, req, false);
	if (likely(!err) && unlikely(!deliver(client, req, 1, &err))) {
		if (req->iter)
			iov_iter_revert(req->iter, req->len);
		ke_event_free(req->event);
	}
	if (unlikely(err))
		trace_kevents_refuse(req->id, req->len, err);
	return err;
}

/*
 * Returns how many leading @reqs are of the same class, or of the same length if they are long;
 * 0 if the first is not for ke_event_create_bulk().
 */
static unsigned int count_alike(const struct ke_send_req *reqs, unsigned int n)
{
	const u32 limit = READ_ONCE(ke_limits.max_event_size);
	u32 least, most;
	unsigned int class, i = 1;

	if (reqs[0].iter || reqs[0].len > min(limit, KE_EVENT_BULK_SIZE))
		return 0;
	least = reqs[0].len;
	most = least;
	class = ke_event_class(least);
	if (class < KE_EVENT_CLASSES) {
		least = class ? ke_event_class_size(class - 1) + 1 : 0;
		most = min(ke_event_class_size(class), limit);
	}
	while (i < n && reqs[i].len - least <= most - least)
		i++;
	return i;
}

/*
 * Creates the events of the leading @reqs in bulk if they are alike. Returns how many; the caller
 * creates the next one by itself, and sees an error there.
 */
static unsigned int create_alike(struct ke_client *client, struct ke_send_req *reqs,
				 unsigned int n)
{
	struct ke_event *events[KE_EVENT_BULK];
	const struct cred *cred = current_cred();
	unsigned int i, done = 0;
	unsigned long bytes;
	int err = 0;

	n = count_alike(reqs, min(n, KE_EVENT_BULK));
	if (n < 2)
		return 0;
	if (!ke_event_create_bulk(reqs[0].len, n, &client->identity, reqs[0].waits,
				  events))
		return 0;
	bytes = ke_event_bytes(reqs[0].len);
	for (i = 0; i < n; i++) {
		ke_event_begin(events[i], client->identity.account, reqs[i].len, bytes,
			       task_tgid(current), cred);
		if (!err)
			err = ke_event_copy_from_user(events[i], reqs[i].data);
		if (err)
			ke_event_free(events[i]);
		else
			reqs[done++].event = events[i];
	}
	return done;
}

/*
 * Creates the events of @reqs. Returns how many; @err is why it stopped, or 0. Only the first one
 * may wait for space: a later wait would hold back the events created before it.
 */
static unsigned int create_all(struct ke_client *client, struct ke_send_req *reqs,
			       unsigned int n, int *err)
{
	unsigned int made = 0, alike;

	for (*err = 0; made < n; made += alike) {
		alike = create_alike(client, reqs + made, n - made);
		if (alike)
			continue;
		*err = create_event(client, &reqs[made], made);
		if (*err)
			break;
		alike = 1;
	}
	return made;
}

/* Sends @reqs, of which the first may wait. Returns how many; @err is why it stopped, or 0. */
static unsigned int send_some(struct ke_client *client, struct ke_send_req *reqs,
			      unsigned int n, int *err)
{
	unsigned int made, done;
	int reason;

	made = create_all(client, reqs, n, &reason);
	done = deliver(client, reqs, made, err);
	if (done == made)
		*err = reason;
	while (made > done)
		ke_event_free(reqs[--made].event);
	return done;
}

unsigned int ke_send_all(struct ke_client *client,
			 struct ke_send_req *reqs, unsigned int n,
				 int *err)
{
	const bool waits = n && reqs[0].waits;
	unsigned int done = 0, went;

	do {
		went = send_some(client, reqs + done, n - done, err);
		done += went;
		/* Not an error: the next request becomes the first one, and waits for space. */
		if (went && waits && ke_is_refused(*err))
			*err = 0;
	} while (!*err && done < n);
	if (*err)
		trace_kevents_refuse(reqs[done].id, reqs[done].len, *err);
	return done;
}
