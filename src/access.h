/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KE_ACCESS_H
#define KE_ACCESS_H

#include <linux/fault-inject-usercopy.h>
#include <linux/types.h>
#include <linux/uaccess.h>

/*
 * As user_access_begin() and its kind, but among what fault injection makes fail,
 * as it does with the calls that copy.
 */
static __always_inline bool ke_access_begin_read(const void __user *from, size_t len)
{
	return !should_fail_usercopy() && user_read_access_begin(from, len);
}

static __always_inline bool ke_access_begin_write(void __user *to, size_t len)
{
	return !should_fail_usercopy() && user_write_access_begin(to, len);
}

static __always_inline bool ke_access_begin(void __user *at, size_t len)
{
	return !should_fail_usercopy() && user_access_begin(at, len);
}

#endif /* KE_ACCESS_H */
