// SPDX-License-Identifier: GPL-2.0-only
/*
 * What no message queue can go below: two system calls, an argument each, and a
 * copy in and out of one buffer. No queue, no lock, no allocation; not for use.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "floor.h"

static void *buffer;

static long floor_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct floor_message message;
	void __user *user;

	if (copy_from_user(&message, (void __user *)arg, sizeof(message)))
		return -EFAULT;
	if (message.len > FLOOR_SIZE)
		return -EMSGSIZE;
	user = u64_to_user_ptr(message.address);
	switch (cmd) {
	case FLOOR_SEND:
		return copy_from_user(buffer, user, message.len) ? -EFAULT : 0;
	case FLOOR_RECEIVE:
		return copy_to_user(user, buffer, message.len) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static const struct file_operations floor_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = floor_ioctl,
};

static struct miscdevice floor_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kevents-floor",
	.fops = &floor_fops,
};

static int __init floor_init(void)
{
	int err;

	buffer = kzalloc(FLOOR_SIZE, GFP_KERNEL);
	if (!buffer)
		return -ENOMEM;
	err = misc_register(&floor_device);
	if (err)
		kfree(buffer);
	return err;
}

static void __exit floor_exit(void)
{
	misc_deregister(&floor_device);
	kfree(buffer);
}

module_init(floor_init);
module_exit(floor_exit);

MODULE_DESCRIPTION("The least that passing a message through the kernel costs");
MODULE_LICENSE("GPL");
