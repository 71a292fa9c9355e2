// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded, makes a program believe that the module speaks another ABI version. */
#include <dlfcn.h>
#include <linux/kevents.h>
#include <stdarg.h>
#include <sys/ioctl.h>

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int fd, unsigned long request, ...) = dlsym(RTLD_NEXT, "ioctl");
	struct kevents_info *info;
	va_list args;
	int ret;

	va_start(args, request);
	info = va_arg(args, void *);
	va_end(args);
	ret = real(fd, request, info);
	if (!ret && request == KEVENTS_IOC_INFO)
		info->abi_version++;
	return ret;
}
