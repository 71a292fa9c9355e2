// SPDX-License-Identifier: GPL-2.0-only
/* The errors of each call, as documented. That of a fatal signal is never seen. */
#include <errno.h>
#include <limits.h>

#include "fuzz.h"
#include "parallel.h"

static const struct {
	unsigned int command;
	int most;	/* the largest result */
	int errors[11];
} calls[] = {
	{ KEVENTS_IOC_INFO, 0, { EFAULT } },
	{ KEVENTS_IOC_SEND, 0, { EBADF, EFAULT, EINVAL, EMSGSIZE, EPERM, ENOMEM, EAGAIN,
				 EDQUOT, ETIMEDOUT, EINTR } },
	{ KEVENTS_IOC_SEND_BATCH, INT_MAX, { EBADF, EFAULT, EINVAL, EMSGSIZE, EPERM, ENOMEM,
					     EAGAIN, EDQUOT, ETIMEDOUT, EINTR } },
	{ KEVENTS_IOC_RECEIVE, 0, { EBADF, EFAULT, EINVAL, EMSGSIZE, EPERM, ENOMEM, ENOMSG,
				    EAGAIN, EDQUOT, ETIMEDOUT, EINTR } },
	{ KEVENTS_IOC_RECEIVE_BATCH, INT_MAX, { EBADF, EFAULT, EINVAL, EMSGSIZE, ENOMSG,
						ETIMEDOUT, EINTR } },
	{ KEVENTS_IOC_POLL, 1, { EBADF, EFAULT, EINVAL, EPERM } },
	{ KEVENTS_IOC_ACK, 0, { EFAULT, EINVAL, ENOENT } },
	{ KEVENTS_IOC_NACK, 0, { EFAULT, EINVAL, ENOENT } },
	{ KEVENTS_IOC_WATCH, 0, { EBADF, EFAULT, EINVAL, EAGAIN, EDQUOT, ENOMEM } },
	{ KEVENTS_IOC_UNWATCH, 0, { EFAULT, EINVAL, ENOENT } },
	{ KEVENTS_IOC_STAT, 0, { EFAULT, EINVAL, EPERM } },
	{ KEVENTS_IOC_LIST, 0, { EFAULT, EINVAL } },
	{ KEVENTS_IOC_PURGE, INT_MAX, { EBADF, EFAULT, EINVAL, EPERM } },
	{ KEVENTS_IOC_CLAIM, 0, { EFAULT, EINVAL, EBUSY, EDQUOT, EAGAIN, ENOMEM } },
	{ KEVENTS_IOC_UNCLAIM, 0, { EFAULT, EINVAL, ENOENT, EPERM } },
	{ KEVENTS_IOC_LIMITS, 0, { EFAULT, ENOMEM } },
	{ CALL_READ, INT_MAX, { EBADF, EFAULT, EMSGSIZE, EAGAIN, EINTR } },
	{ CALL_WRITE, INT_MAX, { EBADF, EFAULT, EINVAL, EMSGSIZE, EPERM, ENOMEM, EAGAIN,
				 EINTR } },
	{ CALL_POLL, 1, { EINTR } },
};

static bool is_documented(unsigned int command, long result)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (calls[i].command != command)
			continue;
		if (result >= 0)
			return result <= calls[i].most;
		for (k = 0; k < ARRAY_SIZE(calls->errors) && calls[i].errors[k]; k++)
			if (result == -calls[i].errors[k])
				return true;
		return false;
	}
	return result == -ENOTTY;
}

void check_call(const char *name, unsigned int command, long result)
{
	if (!is_documented(command, result))
		fail("%s (%#x) returns %ld (%s)", name, command, result, error_name(result));
}

static void check_wait(const char *name, uint64_t deadline_ns, long result, bool is_refused)
{
	bool is_limited = deadline_ns && deadline_ns <= INT64_MAX;

	if ((is_refused && deadline_ns) || (result == -ETIMEDOUT && !is_limited) ||
	    (result == -EINTR && !deadline_ns))
		fail("a %s that may wait until %llu returns %ld (%s)", name,
		     (unsigned long long)deadline_ns, result, error_name(result));
}

void check_send_waits(uint64_t deadline_ns, long result)
{
	check_wait("send", deadline_ns, result, result == -EAGAIN || result == -EDQUOT);
}

void check_receive_waits(uint64_t deadline_ns, long result)
{
	check_wait("receive", deadline_ns, result, result == -ENOMSG);
	if (!deadline_ns && (result == -EAGAIN || result == -EDQUOT))
		fail("a receive that does not wait makes a queue");
}
