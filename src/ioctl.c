// SPDX-License-Identifier: GPL-2.0-only
#include "ioctl.h"

#include <linux/fs.h>
#include <linux/kevents.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "broker.h"
#include "client.h"
#include "event.h"
#include "queue.h"

static_assert(sizeof(struct kevents_info) == 128);
static_assert(sizeof(struct kevents_send) == 56);
static_assert(sizeof(struct kevents_received) == 64);
static_assert(sizeof(struct kevents_receive) == 112);
static_assert(offsetof(struct kevents_receive, event) == 48);
static_assert(sizeof(struct kevents_poll) == 16);

#define RECEIVE_FLAGS	(KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_TERMINATE)

static u64 address_of(const void __user *field)
{
	return (uintptr_t)field;
}

static long do_info(struct kevents_info __user *arg)
{
	struct kevents_info info = {
		.abi_version = KEVENTS_ABI_VERSION,
		.max_event_size = READ_ONCE(ke_max_event_size),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long do_send(struct ke_client *client, fmode_t mode,
		    struct kevents_send __user *arg)
{
	struct kevents_send send;
	struct ke_event *event;
	int err;

	if (!(mode & FMODE_WRITE))
		return -EBADF;
	if (copy_from_user(&send, arg, offsetof(struct kevents_send, seq)))
		return -EFAULT;
	if (send.flags || send.ttl_ms ||
	    memchr_inv(send.reserved, 0, sizeof(send.reserved)))
		return -EINVAL;

	event = ke_event_create(send.id, send.data, send.len);
	if (IS_ERR(event))
		return PTR_ERR(event);
	err = ke_broker_send(client->broker, event, address_of(&arg->seq));
	if (err)
		ke_event_free(event);
	return err;
}

static long do_receive(struct ke_client *client, fmode_t mode,
		       struct kevents_receive __user *arg)
{
	struct ke_receiver receiver = { .task = current };
	struct kevents_receive receive;
	ktime_t deadline;
	int err;

	if (!(mode & FMODE_READ))
		return -EBADF;
	if (copy_from_user(&receive, arg, offsetof(struct kevents_receive, event)))
		return -EFAULT;
	if (receive.flags & ~RECEIVE_FLAGS || receive.lease_ms ||
	    memchr_inv(receive.reserved, 0, sizeof(receive.reserved)))
		return -EINVAL;

	INIT_LIST_HEAD(&receiver.taken);
	receiver.peek = receive.flags & KEVENTS_RECEIVE_PEEK;
	receiver.waits = receive.timeout_ms;
	receiver.sink.data = receive.data;
	receiver.sink.size = receive.size;
	receiver.sink.terminate = receive.flags & KEVENTS_RECEIVE_TERMINATE;
	receiver.sink.received = address_of(&arg->event);
	if (receive.timeout_ms > 0) {
		deadline = ktime_add_ms(ktime_get(), receive.timeout_ms);
		receiver.deadline = &deadline;
	}
	err = ke_broker_receive(client->broker, receive.id, &receiver);
	if (err == -EMSGSIZE && put_user((u64)receiver.sink.needed, &arg->event.len))
		return -EFAULT;
	return err;
}

static long do_poll(struct ke_client *client, fmode_t mode,
		    const struct kevents_poll __user *arg)
{
	struct kevents_poll poll;

	if (!(mode & FMODE_READ))
		return -EBADF;
	if (copy_from_user(&poll, arg, sizeof(poll)))
		return -EFAULT;
	if (poll.flags || poll.reserved)
		return -EINVAL;
	return ke_broker_poll(client->broker, poll.id);
}

long ke_ioctl(struct ke_client *client, fmode_t mode, unsigned int cmd,
	      unsigned long arg)
{
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case KEVENTS_IOC_INFO:
		return do_info(user);
	case KEVENTS_IOC_SEND:
		return do_send(client, mode, user);
	case KEVENTS_IOC_RECEIVE:
		return do_receive(client, mode, user);
	case KEVENTS_IOC_POLL:
		return do_poll(client, mode, user);
	default:
		return -ENOTTY;
	}
}
