/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_CHARDEV_H
#define KE_CHARDEV_H

/* Makes /dev/kevents visible; from then on there are clients. */
int ke_chardev_init(void);
void ke_chardev_exit(void);

#endif /* KE_CHARDEV_H */
