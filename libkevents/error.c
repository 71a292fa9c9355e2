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
	  "No such device, lease, watch or claim: without a device, run 'modprobe kevents'" },
	{ ENXIO,
	  "Not a KEvents device: run 'modprobe kevents', or correct $KEVENTS_DEVICE if set" },
	{ EACCES,
	  "No permission for the device: join its group ('ls -l /dev/kevents') and log in again" },
	{ EPERM,
	  "Not permitted by the claim of the ID or by 'strict', or by the device cgroup" },
	{ EAGAIN,
	  "All users together hold max_bytes: try again later, wait for room, or raise it" },
	{ EDQUOT,
	  "This user is at its own limit: receive what waits, wait for room, or raise it" },
	{ EBUSY,
	  "Another user owns this ID: use another ID, or ask the owner" },
	{ ENOTDIR,
	  "Not a KEvents device: correct $KEVENTS_DEVICE" },
	{ EISDIR,
	  "A directory, not a KEvents device: correct $KEVENTS_DEVICE" },
	{ EPROTONOSUPPORT,
	  "Module and library have different ABIs: install one version of both and reload" },
	{ EMFILE,
	  "Too many open files in this process: close some, or raise 'ulimit -n'" },
	{ ENFILE,
	  "Too many open files in the system: close some, or raise fs.file-max" },
	{ ENOMSG,
	  "Nothing waits under this ID: ask again later, or receive with a timeout" },
	{ ETIMEDOUT,
	  "No event, or no room, came in time: try again, or wait longer" },
	{ EMSGSIZE,
	  "The message is larger than the buffer that receives it, or than max_event_size" },
	{ EINTR,
	  "A signal interrupted the wait: call again" },
	{ EBADF,
	  "The context is not open: use it between ke_init() and ke_close()" },
	{ EINVAL,
	  "Invalid argument: reserved fields and unknown flags must be 0" },
	{ EFAULT,
	  "Bad address: the memory is not mapped, or smaller than its stated size" },
	{ ENOMEM,
	  "Out of memory: receive what waits, or raise the memory limit of this process" },
};

const char *ke_strerror(int err)
{
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].err == err || (err != INT_MIN && errors[i].err == -err))
			return errors[i].text;
	return "Unknown error: see errno(3)";
}
