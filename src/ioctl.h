/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_IOCTL_H
#define KE_IOCTL_H

#include <linux/types.h>

struct file;

/* unlocked_ioctl() of the device. Returns 0 or a count, or a negative errno. */
long ke_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* KE_IOCTL_H */
