// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kevents.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "account.h"
#include "broker.h"
#include "chardev.h"
#include "event.h"
#include "queue.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* A module parameter and its bounds. */
struct bounded {
	void *value;
	unsigned long min;
	unsigned long max;
};

static int set_bounded_uint(const char *text, const struct kernel_param *kp)
{
	const struct bounded *bounded = kp->arg;
	unsigned int value;
	int err = kstrtouint(text, 0, &value);

	if (err)
		return err;
	if (value < bounded->min || value > bounded->max)
		return -EINVAL;
	WRITE_ONCE(*(unsigned int *)bounded->value, value);
	return 0;
}

/* Returns the charge for the largest event if its sender is in the initial pid namespace. */
static unsigned long max_event_bytes(void)
{
	return ke_event_bytes(ke_limits.max_event_size) - ke_event_extra_bytes();
}

static int set_event_size(const char *text, const struct kernel_param *kp)
{
	int err = set_bounded_uint(text, kp);

	if (err)
		return err;
	WRITE_ONCE(ke_limits.max_event_bytes, max_event_bytes());
	ke_account_recheck_all();
	return 0;
}

static int get_bounded_uint(char *text, const struct kernel_param *kp)
{
	const struct bounded *bounded = kp->arg;

	return sysfs_emit(text, "%u\n", READ_ONCE(*(unsigned int *)bounded->value));
}

static int set_bounded_ulong(const char *text, const struct kernel_param *kp)
{
	const struct bounded *bounded = kp->arg;
	unsigned long value;
	int err = kstrtoul(text, 0, &value);

	if (err)
		return err;
	if (value < bounded->min || value > bounded->max)
		return -EINVAL;
	WRITE_ONCE(*(unsigned long *)bounded->value, value);
	ke_account_recheck_all();
	return 0;
}

static int get_bounded_ulong(char *text, const struct kernel_param *kp)
{
	const struct bounded *bounded = kp->arg;

	return sysfs_emit(text, "%lu\n", READ_ONCE(*(unsigned long *)bounded->value));
}

static const struct kernel_param_ops event_size_ops = {
	.set = set_event_size,
	.get = get_bounded_uint,
};

static const struct kernel_param_ops bounded_ulong = {
	.set = set_bounded_ulong,
	.get = get_bounded_ulong,
};

static struct bounded max_event_size = { &ke_limits.max_event_size, 1, KEVENTS_EVENT_SIZE_MAX };
module_param_cb(max_event_size, &event_size_ops, &max_event_size, 0644);
__MODULE_PARM_TYPE(max_event_size, "uint");
MODULE_PARM_DESC(max_event_size, "Largest payload of an event in bytes, up to 1 MiB");

static struct bounded max_bytes = { &ke_limits.max_bytes, 0, LONG_MAX };
module_param_cb(max_bytes, &bounded_ulong, &max_bytes, 0644);
__MODULE_PARM_TYPE(max_bytes, "ulong");
MODULE_PARM_DESC(max_bytes, "Bytes held over all namespaces, bookkeeping included");

static struct bounded user_max_bytes = { &ke_limits.user_max_bytes, 0, LONG_MAX };
module_param_cb(user_max_bytes, &bounded_ulong, &user_max_bytes, 0644);
__MODULE_PARM_TYPE(user_max_bytes, "ulong");
MODULE_PARM_DESC(user_max_bytes, "Bytes held by one user, bookkeeping included");

/* The parameter without a value means 1, as for a bool. */
static int set_strict(const char *text, const struct kernel_param *kp)
{
	unsigned int value = 1;
	int err = text ? kstrtouint(text, 0, &value) : 0;

	if (err)
		return err;
	if (value > 1)
		return -EINVAL;
	WRITE_ONCE(ke_limits.strict, value);
	ke_broker_recheck_all();
	return 0;
}

static int get_strict(char *text, const struct kernel_param *kp)
{
	return sysfs_emit(text, "%d\n", READ_ONCE(ke_limits.strict));
}

static const struct kernel_param_ops strict_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_strict,
	.get = get_strict,
};

module_param_cb(strict, &strict_ops, NULL, 0644);
__MODULE_PARM_TYPE(strict, "uint");
MODULE_PARM_DESC(strict, "1: only claimed IDs can be used");

static int __init kevents_init(void)
{
	int err;

	ke_limits.max_event_bytes = max_event_bytes();
	err = ke_account_init();
	if (err)
		return err;
	err = ke_event_init();
	if (err)
		goto exit_account;
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
exit_account:
	ke_account_exit();
	return err;
}

static void __exit kevents_exit(void)
{
	ke_chardev_exit();
	ke_broker_exit();
	ke_queue_exit();
	ke_event_exit();
	ke_account_exit();
}

module_init(kevents_init);
module_exit(kevents_exit);

MODULE_DESCRIPTION("Mailboxes in the kernel: messages left under integer IDs");
MODULE_AUTHOR("The KEvents developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(KEVENTS_VERSION);
