// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kevents.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "broker.h"
#include "chardev.h"
#include "event.h"
#include "queue.h"

static int set_max_event_size(const char *value, const struct kernel_param *kp)
{
	unsigned int size;
	int err = kstrtouint(value, 0, &size);

	if (err)
		return err;
	if (!size || size > KEVENTS_EVENT_SIZE_MAX)
		return -EINVAL;
	WRITE_ONCE(ke_max_event_size, size);
	return 0;
}

static const struct kernel_param_ops max_event_size_ops = {
	.set = set_max_event_size,
	.get = param_get_uint,
};

module_param_cb(max_event_size, &max_event_size_ops, &ke_max_event_size, 0644);
__MODULE_PARM_TYPE(max_event_size, "uint");
MODULE_PARM_DESC(max_event_size, "Largest payload of an event in bytes, up to 1 MiB");

static int __init kevents_init(void)
{
	int err;

	err = ke_event_init();
	if (err)
		return err;
	err = ke_queue_init();
	if (err)
		goto exit_event;
	err = ke_broker_init();
	if (err)
		goto exit_queue;
	err = ke_chardev_init();
	if (err)
		goto exit_broker;
	return 0;

exit_broker:
	ke_broker_exit();
exit_queue:
	ke_queue_exit();
exit_event:
	ke_event_exit();
	return err;
}

static void __exit kevents_exit(void)
{
	ke_chardev_exit();
	ke_broker_exit();
	ke_queue_exit();
	ke_event_exit();
}

module_init(kevents_init);
module_exit(kevents_exit);

MODULE_DESCRIPTION("Mailboxes in the kernel: messages left under integer IDs");
MODULE_AUTHOR("The KEvents developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(KEVENTS_VERSION);
