/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The kernel interface of KEvents: the ioctls of /dev/kevents.
 *
 * Every structure has the same layout for 32-bit and 64-bit programs: fixed
 * widths, pointers as __u64, no implicit padding. Reserved fields and flags
 * without a meaning must be 0 (EINVAL otherwise). Unknown commands give
 * ENOTTY.
 *
 * A call that fails leaves every event where it was. What it wrote to its
 * output fields or to the caller's buffer until then has no meaning, but for
 * @len after EMSGSIZE.
 */
#ifndef _UAPI_LINUX_KEVENTS_H
#define _UAPI_LINUX_KEVENTS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Raised when a change breaks programs built for the version before. */
#define KEVENTS_ABI_VERSION	1

/* The largest value that the limit max_event_size can be given, in bytes. */
#define KEVENTS_EVENT_SIZE_MAX	(1U << 20)

/**
 * struct kevents_info - what this module is and allows
 * @abi_version: out: KEVENTS_ABI_VERSION of the module
 * @reserved32:  out: 0
 * @features:    out: bits for what was added within an ABI version; none yet
 * @max_event_size: out: largest payload that a send accepts now, in bytes
 * @reserved:    out: 0
 *
 * Allowed on every open file, whatever its access mode.
 */
struct kevents_info {
	__u32 abi_version;
	__u32 reserved32;
	__aligned_u64 features;
	__aligned_u64 max_event_size;
	__aligned_u64 reserved[13];
};

/**
 * struct kevents_send - leave an event under an ID
 * @id:         in: any value
 * @flags:      in: 0
 * @data:       in: address of the payload; not looked at when @len is 0
 * @len:        in: bytes of payload, at most max_event_size
 * @timeout_ms: in: how long to wait for room in milliseconds; 0 not at all, a
 *              negative value for ever
 * @ttl_ms:     in: 0
 * @reserved:   in: 0
 * @seq:        out: sequence number of the event; grows strictly within the
 *              network namespace, in the order in which events were accepted
 *
 * Errors: EBADF the file is not open for writing; EFAULT; EINVAL; EMSGSIZE
 * @len is over max_event_size; ENOMEM.
 */
struct kevents_send {
	__s32 id;
	__u32 flags;
	__aligned_u64 data;
	__aligned_u64 len;
	__s32 timeout_ms;
	__u32 ttl_ms;
	__aligned_u64 reserved[2];
	__aligned_u64 seq;
};

/* Show the event and leave it where it is. */
#define KEVENTS_RECEIVE_PEEK	(1U << 0)
/* Write a NUL byte behind the payload where there is room for it. */
#define KEVENTS_RECEIVE_TERMINATE (1U << 1)

/**
 * struct kevents_received - what the kernel says of an event
 * @len:        bytes of payload; set after EMSGSIZE, too
 * @seq:        its sequence number
 * @sent_ns:    when it was accepted, CLOCK_MONOTONIC of the receiver's time
 *              namespace, in nanoseconds
 * @id:         the ID it was sent to
 * @flags:      0
 * @deliveries: how often it was handed out, this time included
 * @pid:        process ID of the sender in the receiver's pid namespace, 0 if
 *              it has none there
 * @uid:        real user ID of the sender in the receiver's user namespace,
 *              the overflow ID if it has none there
 * @gid:        the same of its real group ID
 * @reserved:   0
 */
struct kevents_received {
	__aligned_u64 len;
	__aligned_u64 seq;
	__aligned_u64 sent_ns;
	__s32 id;
	__u32 flags;
	__u32 deliveries;
	__s32 pid;
	__u32 uid;
	__u32 gid;
	__aligned_u64 reserved[2];
};

/**
 * struct kevents_receive - take the oldest event of an ID
 * @id:         in: any value
 * @flags:      in: KEVENTS_RECEIVE_*
 * @data:       in: address of a buffer for the payload
 * @size:       in: room there in bytes; no more than the payload is written
 * @timeout_ms: in: how long to wait for an event in milliseconds; 0 not at
 *              all, a negative value for ever
 * @lease_ms:   in: 0
 * @reserved:   in: 0
 * @event:      out: the event
 *
 * Receivers that wait for an ID are served in the order in which they came,
 * and before one that comes later. O_NONBLOCK of the file does not matter
 * here, @timeout_ms decides. A receive that is restarted comes anew.
 *
 * Errors: EBADF the file is not open for reading; EFAULT; EINTR a signal came
 * during a limited wait, or it was stopped and continued, traced or frozen (an
 * unlimited wait is restarted, after a signal handler as SA_RESTART says);
 * EINVAL; EMSGSIZE the payload is longer than @size, @event.len says how long;
 * ENOMEM; ENOMSG nothing waits but what is on its way to receivers that wait
 * already, and @timeout_ms is 0; ETIMEDOUT.
 */
struct kevents_receive {
	__s32 id;
	__u32 flags;
	__aligned_u64 data;
	__aligned_u64 size;
	__s32 timeout_ms;
	__u32 lease_ms;
	__aligned_u64 reserved[2];
	struct kevents_received event;
};

/**
 * struct kevents_poll - ask whether a receive would find an event
 * @id:       in: any value
 * @flags:    in: 0
 * @reserved: in: 0
 *
 * The ioctl returns 1 if it would, else 0. An event on its way to a receiver
 * that waits already does not count.
 *
 * Errors: EBADF the file is not open for reading; EFAULT; EINVAL.
 */
struct kevents_poll {
	__s32 id;
	__u32 flags;
	__aligned_u64 reserved;
};

/* Not listed as taken in Documentation/userspace-api/ioctl/ioctl-number.rst. */
#define KEVENTS_IOC_MAGIC	0xE7

#define KEVENTS_IOC_INFO	_IOR(KEVENTS_IOC_MAGIC, 0x00, struct kevents_info)
#define KEVENTS_IOC_SEND	_IOWR(KEVENTS_IOC_MAGIC, 0x01, struct kevents_send)
#define KEVENTS_IOC_RECEIVE	_IOWR(KEVENTS_IOC_MAGIC, 0x02, struct kevents_receive)
#define KEVENTS_IOC_POLL	_IOW(KEVENTS_IOC_MAGIC, 0x03, struct kevents_poll)

#endif /* _UAPI_LINUX_KEVENTS_H */
