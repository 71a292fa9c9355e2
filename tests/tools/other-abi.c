// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded, makes a program believe that the module speaks another ABI version. */
#include <dlfcn.h>
#include <linux/kevents.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which is how the library calls the device. */
long syscall(long number, ...)
{
	long (*real)(long number, ...) = dlsym(RTLD_NEXT, "syscall");
	long arg[6], ret;
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(args, long);
	va_end(args);
	ret = real(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	if (!ret && number == SYS_ioctl && (unsigned int)arg[1] == KEVENTS_IOC_INFO)
		((struct kevents_info *)arg[2])->abi_version++;
	return ret;
}
