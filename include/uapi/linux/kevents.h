/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The kernel interface of KEvents: the ioctls of /dev/kevents.
 *
 * Every structure has the same layout for 32-bit and 64-bit programs: fixed
 * widths, pointers as __u64, no implicit padding. Reserved fields and unknown
 * flags must be 0 (EINVAL otherwise). Unknown commands fail with ENOTTY.
 *
 * Claims, limits and capabilities are those of the credentials with which the file
 * was opened, and their user is charged, whichever process makes a call. Only the
 * sender named in an event is the process that made the call.
 *
 * A call that fails leaves every event where it was. Its output fields and the
 * caller's buffer are then undefined, except for @len after EMSGSIZE. A fatal signal
 * ends any call.
 */
#ifndef _UAPI_LINUX_KEVENTS_H
#define _UAPI_LINUX_KEVENTS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Increased by a change that breaks existing programs. */
#define KEVENTS_ABI_VERSION	2

/*
 * @deadline_ns is the time until which a call may wait, in nanoseconds of
 * CLOCK_MONOTONIC in the caller's time namespace. With 0 the call does not wait. When
 * the deadline passes, or has passed already, the call fails with ETIMEDOUT. With
 * KEVENTS_NO_DEADLINE, or any other value over INT64_MAX, it waits without limit.
 *
 * Only a signal whose handler was installed without SA_RESTART ends a wait early, with
 * EINTR. After any other handler, and when the process was stopped and continued,
 * traced or frozen, or had io_uring task work to run, the kernel restarts the call
 * with the same deadline. A receiver then goes to the end of the line.
 */
#define KEVENTS_NO_DEADLINE	(~0ULL)

/* The upper bound of the module parameter max_event_size, in bytes. */
#define KEVENTS_EVENT_SIZE_MAX	(1U << 20)

/**
 * struct kevents_info - version and features of the module
 * @abi_version: out: KEVENTS_ABI_VERSION of the module
 * @reserved32:  out: 0
 * @features:    out: one bit for each addition within an ABI version; none yet
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
 * struct kevents_send - send an event to an ID
 * @id:         in: any value
 * @flags:      in: 0
 * @data:       in: address of the payload; ignored if @len is 0
 * @len:        in: bytes of payload, at most max_event_size
 * @deadline_ns: in: time until which to wait for room
 * @ttl_ms:     in: milliseconds after which the event expires if it has not been
 *              received; 0: never
 * @reserved32: in: 0
 * @reserved:   in: 0
 * @seq:        out: number of the event, which grows strictly within the network
 *              namespace, in the order in which events were accepted
 *
 * @seq must be writable before the send, and is 0 if nothing was sent.
 *
 * Errors: EBADF the file is not open for writing; EFAULT; EINVAL; EMSGSIZE
 * @len is over max_event_size; EPERM the claim of @id, or strict, forbids it;
 * ENOMEM. If there is no room: with @deadline_ns 0, EAGAIN max_bytes are in use or
 * EDQUOT the user is at its own limit; otherwise ETIMEDOUT or EINTR.
 */
struct kevents_send {
	__s32 id;
	__u32 flags;
	__aligned_u64 data;
	__aligned_u64 len;
	__aligned_u64 deadline_ns;
	__u32 ttl_ms;
	__u32 reserved32;
	__aligned_u64 reserved;
	__aligned_u64 seq;
};

/* Copy the event and leave it in its place. Never waits: @deadline_ns must be 0. */
#define KEVENTS_RECEIVE_PEEK	(1U << 0)
/* Write a NUL byte after the payload if there is room for it. */
#define KEVENTS_RECEIVE_TERMINATE (1U << 1)
/* Lease the event to this open file until it is acknowledged or returned. */
#define KEVENTS_RECEIVE_LEASE	(1U << 2)
/* Receive from any ID that this open file watches. */
#define KEVENTS_RECEIVE_WATCHED	(1U << 3)

/* The event was handed out before and came back. */
#define KEVENTS_RECEIVED_AGAIN	(1U << 0)

/**
 * struct kevents_received - description of a received event
 * @len:        bytes of payload; set after EMSGSIZE as well
 * @seq:        number of the event
 * @sent_ns:    time at which it was accepted, CLOCK_MONOTONIC of the receiver's
 *              time namespace, in nanoseconds
 * @id:         the ID that it was sent to
 * @flags:      KEVENTS_RECEIVED_*
 * @deliveries: number of deliveries, this one included
 * @pid:        process ID of the sender in the receiver's pid namespace, 0 if
 *              it has none there
 * @uid:        real user ID of the sender in the receiver's user namespace,
 *              the overflow ID if it has none there
 * @gid:        the same for its real group ID
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
 * struct kevents_receive - receive the oldest event of an ID
 * @id:         in: any value; 0 with KEVENTS_RECEIVE_WATCHED
 * @flags:      in: KEVENTS_RECEIVE_*; PEEK and LEASE exclude each other
 * @data:       in: address of a buffer for the payload
 * @size:       in: size of the buffer; nothing beyond the payload is written
 * @deadline_ns: in: time until which to wait for an event; 0 with PEEK
 * @lease_ms:   in: with KEVENTS_RECEIVE_LEASE, milliseconds after which the
 *              event goes back to its place, 0: never; without it, 0
 * @reserved32: in: 0
 * @reserved:   in: 0
 * @event:      out: the event
 *
 * Receivers that wait for an ID are served in the order in which they came. Receivers
 * that wait for watched IDs get the events that are left. Watched IDs that have events
 * are served in turn. O_NONBLOCK has no effect here.
 *
 * While an event is being copied to its receiver it counts as leased, and others may get
 * later events. If the copy fails, the event goes back to its place. An event that is
 * handed to a receiver before its time to live ends counts as in time.
 *
 * Errors: EBADF the file is not open for reading; EFAULT; EINTR; EINVAL; EMSGSIZE
 * the payload is longer than @size, and @event.len is set to its length; ENOMEM;
 * ENOMSG no event waits and @deadline_ns is 0; ETIMEDOUT; EPERM the claim of @id, or
 * strict, forbids it.
 */
struct kevents_receive {
	__s32 id;
	__u32 flags;
	__aligned_u64 data;
	__aligned_u64 size;
	__aligned_u64 deadline_ns;
	__u32 lease_ms;
	__u32 reserved32;
	__aligned_u64 reserved;
	struct kevents_received event;
};

/**
 * struct kevents_poll - ask whether a receive would find an event
 * @id:       in: any value
 * @flags:    in: 0
 * @reserved: in: 0
 *
 * The ioctl returns 1 if it would, else 0. Events that will go to receivers already
 * waiting do not count.
 *
 * Errors: EBADF the file is not open for reading; EFAULT; EINVAL; EPERM.
 */
struct kevents_poll {
	__s32 id;
	__u32 flags;
	__aligned_u64 reserved;
};

/**
 * struct kevents_batch - several sends or receives in one call
 * @entries:    in: address of an array of struct kevents_send or of struct
 *              kevents_receive, each used as in a single call, but with
 *              @deadline_ns and @flags 0, and in a receive @id 0 as well
 * @n:          in: number of entries
 * @flags:      in: for all receives, 0 or KEVENTS_RECEIVE_LEASE
 * @deadline_ns: in: time until which to wait for room for all events that are sent,
 *              or for the first event that is received
 * @reserved:   in: 0
 *
 * Receives take events from the watched IDs. The ioctl returns how many entries it
 * completed, and an error only if it completed none.
 */
struct kevents_batch {
	__aligned_u64 entries;
	__u32 n;
	__u32 flags;
	__aligned_u64 deadline_ns;
	__aligned_u64 reserved[2];
};

/**
 * struct kevents_lease - acknowledge a leased event, or return it
 * @seq:      in: number of the event
 * @flags:    in: 0
 * @reserved32: in: 0
 * @reserved: in: 0
 *
 * Errors: EFAULT; EINVAL; ENOENT this open file has no such lease.
 */
struct kevents_lease {
	__aligned_u64 seq;
	__u32 flags;
	__u32 reserved32;
	__aligned_u64 reserved;
};

/**
 * struct kevents_id - argument of the calls that need only an ID
 * @id:       in: any value
 * @flags:    in: 0
 * @reserved: in: 0
 *
 * WATCH needs no permission; the claim of the ID decides whether its events are
 * seen. Watching an ID twice has no further effect. Errors: EBADF the file is not
 * open for reading; EAGAIN; EDQUOT; ENOMEM.
 * UNWATCH: ENOENT the ID is not watched.
 * PURGE drops the events that wait, but not those on lease, and returns how many, at
 * most INT_MAX. Errors: EBADF the file is not open for reading; EPERM.
 * UNCLAIM: ENOENT there is no claim; EPERM another user owns the ID.
 * All: EFAULT; EINVAL.
 */
struct kevents_id {
	__s32 id;
	__u32 flags;
	__aligned_u64 reserved;
};

/**
 * struct kevents_claim - decide who may use an ID
 * @id:       in: any value
 * @mode:     in: read like that of a file: r (receive, peek, poll, stat, purge) and
 *            w (send) for owner, group and others; at most 0666
 * @reserved: in: 0
 *
 * The file's effective user and group become owner and group. If that user owns the ID
 * already, only the mode changes. Errors: EBUSY another user owns the ID; EDQUOT or
 * EAGAIN there is no room for the claim; EFAULT; EINVAL; ENOMEM.
 */
struct kevents_claim {
	__s32 id;
	__u32 mode;
	__aligned_u64 reserved;
};

/**
 * struct kevents_stat - the state of an ID
 * @id:        in: any value
 * @flags:     in: 0
 * @pending:   out: events that wait
 * @leased:    out: events on lease, or being copied to a receiver
 * @bytes:     out: memory of both, bookkeeping included
 * @waiters:   out: receivers that wait for this ID
 * @sent:      out: events sent since the ID came into use
 * @received:  out: likewise, events received without a lease, or acknowledged
 * @expired:   out: likewise, events whose time to live ended
 * @returned:  out: likewise, events that came back from a lease
 * @owner_uid: out: owner of the claim, in the caller's user namespace; 0 without one
 * @owner_gid: out: group of the claim, likewise
 * @mode:      out: mode of the claim
 * @claimed:   out: 1 if there is a claim, else 0
 * @reserved:  out: 0
 *
 * If the ID is no longer in use, @sent, @received, @expired and @returned may be kept for
 * a while; everything else is 0. Errors: EFAULT; EINVAL; EPERM.
 */
struct kevents_stat {
	__s32 id;
	__u32 flags;
	__aligned_u64 pending;
	__aligned_u64 leased;
	__aligned_u64 bytes;
	__aligned_u64 waiters;
	__aligned_u64 sent;
	__aligned_u64 received;
	__aligned_u64 expired;
	__aligned_u64 returned;
	__u32 owner_uid;
	__u32 owner_gid;
	__u32 mode;
	__u32 claimed;
	__aligned_u64 reserved[4];
};

/**
 * struct kevents_list - the IDs in use
 * @ids:      in: address of an array of __s32
 * @n:        in: size of the array
 * @count:    out: number of IDs in use; the @n lowest are written, in ascending
 *            order
 * @flags:    in: 0
 * @reserved32: in: 0
 * @reserved: in: 0
 *
 * IDs whose claim does not let the file's user receive are left out. An ID that is in
 * use throughout the call is listed once. Errors: EFAULT; EINVAL.
 */
struct kevents_list {
	__aligned_u64 ids;
	__aligned_u64 n;
	__aligned_u64 count;
	__u32 flags;
	__u32 reserved32;
	__aligned_u64 reserved;
};

/**
 * struct kevents_limits - the limits and their use
 * @max_event_size: out: bytes of one payload
 * @max_bytes:      out: bytes held in all network namespaces
 * @user_max_bytes: out: the same for one user
 * @strict:         out: 1 if only claimed IDs can be used
 * @bytes:          out: bytes held in all network namespaces now
 * @broker_bytes:   out: bytes of the events in this network namespace
 * @broker_events:  out: number of events there
 * @broker_ids:     out: number of IDs in use there, or recently in use
 * @user_bytes:     out: bytes charged to the file's user
 * @reserved:       out: 0
 *
 * Errors: EFAULT.
 */
struct kevents_limits {
	__aligned_u64 max_event_size;
	__aligned_u64 max_bytes;
	__aligned_u64 user_max_bytes;
	__aligned_u64 strict;
	__aligned_u64 bytes;
	__aligned_u64 broker_bytes;
	__aligned_u64 broker_events;
	__aligned_u64 broker_ids;
	__aligned_u64 user_bytes;
	__aligned_u64 reserved[7];
};

/**
 * struct kevents_record - header of an event in read(2) and write(2)
 * @id:  the ID
 * @len: bytes of the payload, which follows, with zeros up to a multiple of 8
 * @seq: number of a received event; 0 in an event to send
 *
 * write(2) takes whole records, each KEVENTS_RECORD_SIZE() long, and returns the
 * bytes of the records that it accepted, or an error if it accepted none. read(2)
 * fills the buffer with whole records from the watched IDs, and fails with EMSGSIZE
 * if the first one does not fit. read waits for the first record, and write waits for
 * room, unless the file has O_NONBLOCK (EAGAIN).
 */
struct kevents_record {
	__s32 id;
	__u32 len;
	__aligned_u64 seq;
};

#define KEVENTS_RECORD_SIZE(len) \
	(sizeof(struct kevents_record) + (((__u64)(len) + 7) & ~7ULL))

/* Not listed as taken in Documentation/userspace-api/ioctl/ioctl-number.rst. */
#define KEVENTS_IOC_MAGIC	0xE7

#define KEVENTS_IOC_INFO	_IOR(KEVENTS_IOC_MAGIC, 0x00, struct kevents_info)
#define KEVENTS_IOC_SEND	_IOWR(KEVENTS_IOC_MAGIC, 0x01, struct kevents_send)
#define KEVENTS_IOC_RECEIVE	_IOWR(KEVENTS_IOC_MAGIC, 0x02, struct kevents_receive)
#define KEVENTS_IOC_POLL	_IOW(KEVENTS_IOC_MAGIC, 0x03, struct kevents_poll)

#define KEVENTS_IOC_SEND_BATCH	_IOW(KEVENTS_IOC_MAGIC, 0x04, struct kevents_batch)
#define KEVENTS_IOC_RECEIVE_BATCH _IOW(KEVENTS_IOC_MAGIC, 0x05, struct kevents_batch)
#define KEVENTS_IOC_ACK		_IOW(KEVENTS_IOC_MAGIC, 0x06, struct kevents_lease)
#define KEVENTS_IOC_NACK	_IOW(KEVENTS_IOC_MAGIC, 0x07, struct kevents_lease)
#define KEVENTS_IOC_WATCH	_IOW(KEVENTS_IOC_MAGIC, 0x08, struct kevents_id)
#define KEVENTS_IOC_UNWATCH	_IOW(KEVENTS_IOC_MAGIC, 0x09, struct kevents_id)
#define KEVENTS_IOC_STAT	_IOWR(KEVENTS_IOC_MAGIC, 0x0a, struct kevents_stat)
#define KEVENTS_IOC_LIST	_IOWR(KEVENTS_IOC_MAGIC, 0x0b, struct kevents_list)
#define KEVENTS_IOC_PURGE	_IOW(KEVENTS_IOC_MAGIC, 0x0c, struct kevents_id)
#define KEVENTS_IOC_CLAIM	_IOW(KEVENTS_IOC_MAGIC, 0x0d, struct kevents_claim)
#define KEVENTS_IOC_UNCLAIM	_IOW(KEVENTS_IOC_MAGIC, 0x0e, struct kevents_id)
#define KEVENTS_IOC_LIMITS	_IOR(KEVENTS_IOC_MAGIC, 0x0f, struct kevents_limits)

#endif /* _UAPI_LINUX_KEVENTS_H */
