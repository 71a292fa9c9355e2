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
	case -EACCES:	/* from a security module */
	case -EPERM:	/* from a seccomp filter */
	case -EFAULT:
		return err;
	default:	/* $KEVENTS_DEVICE names another device */
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
	/* Linux closes fd even if close() fails with EINTR. */
	return close(fd) && errno == EBADF ? -EBADF : 0;
}

int ke_fd(const kevents_ctx *ctx)
{
	return ke_context_fd(ctx);
}

uint64_t ke_deadline_after(int timeout_ms)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec +
	       (uint64_t)timeout_ms * 1000000;
}
