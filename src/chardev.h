/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CHARDEV_H
#define KE_CHARDEV_H

/* Registers /dev/kevents, which may be opened before this returns. */
int ke_chardev_init(void);
void ke_chardev_exit(void);

#endif /* KE_CHARDEV_H */
