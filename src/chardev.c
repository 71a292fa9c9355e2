// SPDX-License-Identifier: GPL-2.0-only
#include "chardev.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kevents.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include <net/net_namespace.h>

#include "account.h"
#include "client.h"
#include "event.h"
#include "ioctl.h"
#include "receive.h"
#include "send.h"

static int chardev_open(struct inode *inode, struct file *file)
{
	struct ke_client *client = ke_client_create(file->f_cred);

	if (IS_ERR(client))
		return PTR_ERR(client);
	file->private_data = client;
	file->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, file);
}

static int chardev_release(struct inode *inode, struct file *file)
{
	ke_client_destroy(file->private_data);
	return 0;
}

static bool may_wait(const struct kiocb *iocb)
{
	return !(iocb->ki_flags & IOCB_NOWAIT) &&
	       !(iocb->ki_filp->f_flags & O_NONBLOCK);
}

/* Returns whether a signal ends a transfer of @size bytes that is partly done. */
static bool is_interrupted(const struct iov_iter *iter, size_t size)
{
	return iov_iter_count(iter) < size && signal_pending(current);
}

/*
 * read(2) and write(2) transfer whole records. They return an error only if they transferred none.
 * A read waits for the first record only. A write waits for space for each record.
 */

static ssize_t chardev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct ke_client *client = iocb->ki_filp->private_data;
	struct ke_recv_req req __uninitialized;
	size_t size = iov_iter_count(to);
	int err = 0;

	req.leases = false;
	req.waits = may_wait(iocb);
	req.deadline = NULL;
	req.iter = to;
	req.n = KE_RUN_MAX;
	while (!err && iov_iter_count(to) && !is_interrupted(to, size)) {
		err = ke_receive_watched(client, &req);
		req.waits = false;
		cond_resched();
	}
	return size - iov_iter_count(to) ?: err == -ENOMSG ? -EAGAIN : err;
}

static size_t padding_of(u32 len)
{
	return KEVENTS_RECORD_SIZE(len) - sizeof(struct kevents_record) - len;
}

/* Checks the zeros behind the payload at @from. Moves @from only if it returns -EFAULT. */
static int check_padding(struct iov_iter *from, u32 len)
{
	size_t size = padding_of(len);
	u64 padding = 0;

	if (!size)
		return 0;
	iov_iter_advance(from, len);
	if (!copy_from_iter_full(&padding, size, from))
		return -EFAULT;
	iov_iter_revert(from, len + size);
	return padding ? -EINVAL : 0;
}

static int write_record(struct ke_client *client, struct iov_iter *from, bool waits)
{
	struct ke_send_req req __uninitialized;
	size_t before = iov_iter_count(from);
	struct kevents_record record;
	int err;

	if (before < sizeof(record))
		return -EINVAL;
	if (!copy_from_iter_full(&record, sizeof(record), from))
		return -EFAULT;
	if (record.seq || KEVENTS_RECORD_SIZE(record.len) > before) {
		iov_iter_revert(from, sizeof(record));
		return -EINVAL;
	}
	req.id = record.id;
	req.len = record.len;
	req.iter = from;
	req.seq_addr = 0;
	req.ttl_ms = 0;
	req.waits = waits;
	req.deadline = NULL;
	err = check_padding(from, record.len);
	if (!err)
		err = ke_send(client, &req);
	if (err)
		iov_iter_revert(from, before - iov_iter_count(from));
	else
		iov_iter_advance(from, padding_of(record.len));
	return err;
}

static ssize_t chardev_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct ke_client *client = iocb->ki_filp->private_data;
	const bool waits = may_wait(iocb);
	size_t size = iov_iter_count(from);
	int err = 0;

	while (!err && iov_iter_count(from) && !is_interrupted(from, size)) {
		err = write_record(client, from, waits);
		cond_resched();
	}
	if (iov_iter_count(from) < size)
		return size - iov_iter_count(from);
	return err == -EDQUOT ? -EAGAIN : err;
}

static __poll_t chardev_poll(struct file *file, poll_table *wait)
{
	struct ke_client *client = file->private_data;
	__poll_t wanted = poll_requested_events(wait);
	__poll_t mask = 0;

	/*
	 * Register unconditionally: EPOLL_CTL_MOD may ask for other events, and does not register
	 * again. All events share one wait queue, because aio's IOCB_CMD_POLL supports only one.
	 */
	poll_wait(file, &client->ready_list.wait, wait);
	if (file->f_mode & FMODE_READ && wanted & (EPOLLIN | EPOLLRDNORM) &&
	    ke_receive_poll_watched(client))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (file->f_mode & FMODE_WRITE && wanted & (EPOLLOUT | EPOLLWRNORM) &&
	    ke_space_poll(&client->space_poller, ke_event_extra_bytes()))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static void chardev_show_fdinfo(struct seq_file *seq, struct file *file)
{
	ke_client_show(file->private_data, seq);
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.read_iter = chardev_read_iter,
	.write_iter = chardev_write_iter,
	.unlocked_ioctl = ke_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = chardev_poll,
	.show_fdinfo = chardev_show_fdinfo,
	.llseek = noop_llseek,
};

/* The mode applies until udev sets another. */
static struct miscdevice chardev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kevents",
	.fops = &chardev_fops,
	.mode = 0660,
};

int ke_chardev_init(void)
{
	return misc_register(&chardev);
}

void ke_chardev_exit(void)
{
	misc_deregister(&chardev);
}
