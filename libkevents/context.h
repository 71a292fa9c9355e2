/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef KE_CONTEXT_H
#define KE_CONTEXT_H

#include <errno.h>
#include <linux/kevents.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kevents.h"

/* Returns the descriptor of ctx, -EINVAL if ctx is NULL, or -EBADF if it is not open. */
static inline int ke_context_fd(const kevents_ctx *ctx)
{
	if (!ctx)
		return -EINVAL;
	return ctx->handle <= 0 ? -EBADF : ctx->handle - 1;
}

/*
 * Like ioctl(2) on the device of ctx, but returns a negative errno on failure. syscall()
 * takes less time than the C library's ioctl().
 */
static inline int ke_context_ioctl(const kevents_ctx *ctx, unsigned long cmd, void *arg)
{
	int fd = ke_context_fd(ctx);
	long ret;

	if (fd < 0)
		return fd;
	ret = syscall(SYS_ioctl, fd, cmd, arg);
	return ret < 0 ? -errno : (int)ret;
}

/* Returns whether ev is not NULL and its reserved fields are 0. */
static inline bool ke_event_is_valid(const struct ke_event *ev)
{
	return ev && !(ev->reserved[0] | ev->reserved[1] | ev->reserved[2] | ev->reserved[3]);
}

/* Returns the deadline timeout_ms from now, never 0. timeout_ms must be more than 0. */
uint64_t ke_deadline_after(int timeout_ms);

/* Returns the deadline of a wait that starts now. timeout_ms is as in poll(2). */
static inline uint64_t ke_deadline(int timeout_ms)
{
	if (!timeout_ms)
		return 0;
	return timeout_ms < 0 ? KEVENTS_NO_DEADLINE : ke_deadline_after(timeout_ms);
}

static inline uint64_t ke_address(const void *p)
{
	return (uintptr_t)p;
}

#endif /* KE_CONTEXT_H */
