/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_ACCESS_H
#define KE_ACCESS_H

#include <linux/fault-inject-usercopy.h>
#include <linux/uaccess.h>

/*
 * As user_access_begin() and its kind, but among what fault injection makes fail,
 * as it does with the calls that copy. Macros, since no function may return while
 * user memory is open.
 */
#define ke_access_begin_read(from, len) \
	(!should_fail_usercopy() && user_read_access_begin(from, len))
#define ke_access_begin_write(to, len) \
	(!should_fail_usercopy() && user_write_access_begin(to, len))
#define ke_access_begin(at, len) \
	(!should_fail_usercopy() && user_access_begin(at, len))

#endif /* KE_ACCESS_H */
