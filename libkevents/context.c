// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <fcntl.h>
#include <linux/kevents.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEVICE	"/dev/kevents"

static int check_abi(const kevents_ctx *ctx)
{
	struct kevents_info info = { 0 };
	int err = ke_context_ioctl(ctx, KEVENTS_IOC_INFO, &info);

	switch (err) {
	case 0:
		return info.abi_version == KEVENTS_ABI_VERSION ? 0 : -EPROTONOSUPPORT;
	case -EACCES:	/* of a security module, */
	case -EPERM:	/* or a filter of system calls */
	case -EFAULT:
		return err;
	default:	/* $KEVENTS_DEVICE is something else */
		return -ENXIO;
	}
}

int ke_init(kevents_ctx *ctx)
{
	const char *device = secure_getenv("KEVENTS_DEVICE");
	int fd, err;

	if (!ctx)
		return -EINVAL;
	memset(ctx, 0, sizeof(*ctx));
	fd = open(device && *device ? device : DEVICE, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno == ENODEV ? -ENXIO : -errno;
	ctx->handle = fd + 1;
	err = check_abi(ctx);
	if (err)
		ke_close(ctx);
	return err;
}

int ke_close(kevents_ctx *ctx)
{
	int fd = ke_context_fd(ctx);

	if (fd < 0)
		return fd;
	ctx->handle = 0;
	/* Linux has closed fd even where it reports EINTR. */
	return close(fd) && errno == EBADF ? -EBADF : 0;
}

int ke_fd(const kevents_ctx *ctx)
{
	return ke_context_fd(ctx);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

struct ke_timer ke_timer_start(int timeout_ms)
{
	struct ke_timer timer = { .timeout_ms = timeout_ms };

	if (timeout_ms > 0)
		timer.end_ns = now_ns() + timeout_ms * INT64_C(1000000);
	return timer;
}

int ke_timer_left_ms(const struct ke_timer *timer)
{
	int64_t left;

	if (timer->timeout_ms <= 0)
		return timer->timeout_ms;
	left = timer->end_ns - now_ns();
	return left > 0 ? (int)((left + 999999) / 1000000) : 0;
}
