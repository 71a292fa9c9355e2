// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kevents.h"

#include <errno.h>
#include <limits.h>

static const struct {
	int err;
	const char *text;
} errors[] = {
	{ 0, "Success" },
	{ ENOENT,
	  "Not there: load the module with 'modprobe kevents', or no such lease or claim" },
	{ ENXIO,
	  "No KEvents device there: try 'modprobe kevents', or correct $KEVENTS_DEVICE if set" },
	{ EACCES,
	  "No permission for the device: join its group ('ls -l /dev/kevents') and log in again" },
	{ EPERM,
	  "Not permitted: by the ID's claim or 'strict'; or to open the device, by its cgroup" },
	{ EAGAIN,
	  "The broker is full: try again later, wait for room, or raise max_bytes" },
	{ EDQUOT,
	  "This user is over a limit: receive what waits, wait for room, or raise it" },
	{ EBUSY,
	  "Another user owns this ID: use another one, or ask the owner" },
	{ ENOTDIR,
	  "No KEvents device there: correct $KEVENTS_DEVICE" },
	{ EISDIR,
	  "No KEvents device there, but a directory: correct $KEVENTS_DEVICE" },
	{ EPROTONOSUPPORT,
	  "Module and library do not fit: install one version of both, then reload the module" },
	{ EMFILE,
	  "Too many open files in this process: close some, or raise 'ulimit -n'" },
	{ ENFILE,
	  "Too many open files in the system: close some, or raise fs.file-max" },
	{ ENOMSG,
	  "Nothing waits under this ID: ask again later, or receive with a timeout" },
	{ ETIMEDOUT,
	  "Nothing happened in time: try again, or wait longer" },
	{ EMSGSIZE,
	  "The message is too long: receive with a larger buffer, or send up to max_event_size" },
	{ EINTR,
	  "A signal came while waiting: call again" },
	{ EBADF,
	  "The context is not open for this: use it between ke_init() and ke_close()" },
	{ EINVAL,
	  "Invalid argument: set reserved fields and flags this version does not know to 0" },
	{ EFAULT,
	  "Bad address: pass memory that is as large as its stated size" },
	{ ENOMEM,
	  "Out of memory: receive what waits, or raise this process' memory limit" },
};

const char *ke_strerror(int err)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].err == err || (err != INT_MIN && errors[i].err == -err))
			return errors[i].text;
	return "Unknown error: see errno(3)";
}
