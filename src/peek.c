// SPDX-License-Identifier: GPL-2.0-only
#include "peek.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "account.h"
#include "broker.h"
#include "client.h"
#include "event.h"
#include "lease.h"
#include "queue.h"
#include "receive.h"
#include "uaccess.h"

/*
 * A peek copies the event to a kernel buffer of its own under the lock of the queue, and from
 * there to user memory without the lock. While user memory is faulted in, a peek pins nothing
 * of the sender's but the struct pid. The lock is released between the portions of a long
 * event; if another event has become the oldest, the copy starts again.
 */
#define PORTION	32768U		/* bytes copied per hold of the lock */

struct copy {
	u64 seq;			/* of the event being copied; 0: none */
	u32 done;			/* bytes of its payload in data */
	u32 size;			/* of data */
	u32 wanted;			/* size that data needs */
	u8 *data;
	struct ke_event event;		/* the complete copy, without the payload */
};

/* Returns 1 if the copy has to go on, or 0 if it is complete and holds a reference to the pid. */
static int copy_portion_locked(struct copy *copy, const struct ke_queue *queue,
			       const struct ke_event *event)
{
	u32 n;

	lockdep_assert_held(&queue->lock);
	if (event->len > copy->size) {
		copy->wanted = event->len;
		return 1;
	}
	if (event->seq != copy->seq) {
		copy->seq = event->seq;
		copy->done = 0;
	}
	n = min(event->len - copy->done, PORTION);
	ke_payload_read(event, copy->done, n, copy->data + copy->done);
	copy->done += n;
	if (copy->done < event->len)
		return 1;
	copy->event = *event;
	get_pid(event->pid);
	return 0;
}

static int look(struct ke_client *client, s32 id, u64 size, struct copy *copy)
{
	struct ke_queue *queue = ke_broker_find_lock(client->broker, id);
	struct ke_event *event;
	HLIST_HEAD(dispose);
	int ret = -EPERM;

	if (!queue)
		return READ_ONCE(ke_limits.strict) ? -EPERM : -ENOMSG;
	__acquire(&queue->lock);
	if (ke_queue_allows_locked(queue, &client->identity, KE_ACCESS_RECEIVE)) {
		ke_lease_run_deadlines_locked(queue, &dispose);
		event = ke_queue_available_locked(queue);
		if (!event) {
			ret = -ENOMSG;
		} else if (event->len > size) {
			copy->wanted = event->len;
			ret = -EMSGSIZE;
		} else {
			ret = copy_portion_locked(copy, queue, event);
		}
	}
	ke_queue_unlock(queue);
	ke_event_free_list(&dispose);
	return ret;
}

/* Allocates data of the wanted size, which discards the copy so far. */
static int grow(struct copy *copy)
{
	const u32 size = roundup_pow_of_two(copy->wanted);

	kvfree(copy->data);
	copy->seq = 0;
	copy->size = 0;
	copy->data = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!copy->data)
		return -ENOMEM;
	copy->size = size;
	return 0;
}

int ke_peek(struct ke_client *client, s32 id, const struct ke_user_buf *buf, u32 *needed)
{
	struct copy copy = { .wanted = min_t(u64, buf->size, PAGE_SIZE) };
	int err;

	do {
		err = fatal_signal_pending(current) ? -EINTR : 0;
		if (!err && copy.wanted > copy.size)
			err = grow(&copy);
		if (!err)
			err = look(client, id, buf->size, &copy);
		cond_resched();
	} while (err > 0);
	if (!err) {
		err = ke_copy_flat_to_user(buf, &copy.event, copy.data, id);
		put_pid(copy.event.pid);
	} else if (err == -ENOMSG || err == -EPERM) {
		ke_client_found_empty(client, id);
	}
	kvfree(copy.data);
	*needed = copy.wanted;
	return err;
}

int ke_peek_watched(struct ke_client *client, const struct ke_user_buf *buf, u32 *needed)
{
	int err = -ENOMSG;
	s32 id;

	/* The event may have been received meanwhile, while other watches are ready. */
	while ((err == -ENOMSG || err == -EPERM) && ke_receive_find_watched(client, &id))
		err = ke_peek(client, id, buf, needed);
	return err == -EPERM ? -ENOMSG : err;
}
