// SPDX-License-Identifier: GPL-2.0-only
#include "chardev.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/uio.h>
#include <net/net_namespace.h>

#include "account.h"
#include "client.h"
#include "event.h"
#include "ioctl.h"
#include "receive.h"
#include "stream.h"

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

static ssize_t chardev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	return ke_stream_read(iocb->ki_filp->private_data, to, may_wait(iocb));
}

static ssize_t chardev_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	return ke_stream_write(iocb->ki_filp->private_data, from, may_wait(iocb));
}

static __poll_t chardev_poll(struct file *file, poll_table *wait)
{
	struct ke_client *client = file->private_data;
	__poll_t wanted = poll_requested_events(wait);
	__poll_t mask = 0;
	s32 id;

	/*
	 * Whatever is wanted now: when epoll wants something else, it does not ask
	 * again where to wait. One wait queue: libaio does not take more.
	 */
	poll_wait(file, &client->ready_list.wait, wait);
	if (file->f_mode & FMODE_READ && wanted & (EPOLLIN | EPOLLRDNORM) &&
	    ke_receive_poll_watched(client, &id))
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

/* The mode holds until udev knows better. */
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
