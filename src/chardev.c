// SPDX-License-Identifier: GPL-2.0-only
#include "chardev.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>

#include "client.h"
#include "ioctl.h"

static int chardev_open(struct inode *inode, struct file *file)
{
	struct ke_client *client = ke_client_create();

	if (IS_ERR(client))
		return PTR_ERR(client);
	file->private_data = client;
	return stream_open(inode, file);
}

static int chardev_release(struct inode *inode, struct file *file)
{
	ke_client_destroy(file->private_data);
	return 0;
}

static long chardev_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	return ke_ioctl(file->private_data, file->f_mode, cmd, arg);
}

/* Never readable: that is for watched IDs, and a client has none. */
static __poll_t chardev_poll(struct file *file, poll_table *wait)
{
	return file->f_mode & FMODE_WRITE ? EPOLLOUT | EPOLLWRNORM : 0;
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.release = chardev_release,
	.unlocked_ioctl = chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = chardev_poll,
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
