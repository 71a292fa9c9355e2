/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The kernel interface of KEvents: the ioctls of /dev/kevents.
 *
 * Every structure has the same layout for 32-bit and 64-bit programs: fixed
 * widths, pointers as __u64, no implicit padding. Reserved fields and flags
 * without a meaning must be 0 (EINVAL otherwise). Unknown commands give
 * ENOTTY.
 *
 * Claims, limits and capabilities are those of the credentials with which the file
 * was opened, and their user is charged, whatever process makes a call. Only the
 * sender that an event names is the process that makes it.
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
#define KEVENTS_ABI_VERSION	2

/*
 * The @deadline_ns of a call says until when it may wait: a time of CLOCK_MONOTONIC
 * in the caller's time namespace, in nanoseconds. 0: do not wait. One that has
 * passed, or that passes: ETIMEDOUT. KEVENTS_NO_DEADLINE, or any value over
 * INT64_MAX: wait without limit.
 *
 * Only a signal ends a wait early, and only one whose handler was installed without
 * SA_RESTART: EINTR. After any other the kernel restarts the call, and also where the
 * process was stopped and continued, traced or frozen, or had work of io_uring to do.
 * The deadline stays what it was. A receiver, though, stands behind the others then.
 */
#define KEVENTS_NO_DEADLINE	(~0ULL)

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
 * @deadline_ns: in: until when to wait for room
 * @ttl_ms:     in: milliseconds after which the event ends if nobody has taken
 *              it; 0 never
 * @reserved32: in: 0
 * @reserved:   in: 0
 * @seq:        out: sequence number of the event; grows strictly within the
 *              network namespace, in the order in which events were accepted
 *
 * Errors: EBADF the file is not open for writing; EFAULT; EINVAL; EMSGSIZE
 * @len is over max_event_size; EPERM the claim of @id, or strict, forbids it;
 * ENOMEM; with @deadline_ns 0 EAGAIN max_bytes are in use, EDQUOT the user is at
 * a limit of its own; otherwise ETIMEDOUT or EINTR.
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

/* Show the event and leave it where it is. Never waits: @deadline_ns must be 0. */
#define KEVENTS_RECEIVE_PEEK	(1U << 0)
/* Write a NUL byte behind the payload where there is room for it. */
#define KEVENTS_RECEIVE_TERMINATE (1U << 1)
/* Hold the event for this open file until it is acknowledged or given back. */
#define KEVENTS_RECEIVE_LEASE	(1U << 2)
/* Take it from any ID that this open file watches. */
#define KEVENTS_RECEIVE_WATCHED	(1U << 3)

/* The event was handed out before and came back. */
#define KEVENTS_RECEIVED_AGAIN	(1U << 0)

/**
 * struct kevents_received - what the kernel says of an event
 * @len:        bytes of payload; set after EMSGSIZE, too
 * @seq:        its sequence number
 * @sent_ns:    when it was accepted, CLOCK_MONOTONIC of the receiver's time
 *              namespace, in nanoseconds
 * @id:         the ID it was sent to
 * @flags:      KEVENTS_RECEIVED_*
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
 * @id:         in: any value; 0 with KEVENTS_RECEIVE_WATCHED
 * @flags:      in: KEVENTS_RECEIVE_*; PEEK and LEASE exclude each other
 * @data:       in: address of a buffer for the payload
 * @size:       in: room there in bytes; nothing beyond the payload is written
 * @deadline_ns: in: until when to wait for an event; 0 with PEEK
 * @lease_ms:   in: with KEVENTS_RECEIVE_LEASE, milliseconds after which the
 *              event goes back by itself; 0 never; otherwise 0
 * @reserved32: in: 0
 * @reserved:   in: 0
 * @event:      out: the event
 *
 * Receivers that wait for an ID are served in the order in which they came,
 * and before one that comes later; those that wait for watched IDs get what is
 * left over. Watched IDs that have events are served in turn. O_NONBLOCK of the
 * file does not matter here, @deadline_ns decides.
 *
 * While an event is being copied to its receiver it counts as leased, and others may get
 * later ones. If the copy fails, the event goes back to its place. An event that is handed
 * to a receiver in time counts as in time for its @ttl_ms.
 *
 * Errors: EBADF the file is not open for reading; EFAULT; EINTR; EINVAL; EMSGSIZE
 * the payload is longer than @size, @event.len says how long; ENOMEM; ENOMSG
 * nothing waits and @deadline_ns is 0; ETIMEDOUT; EPERM the claim of @id, or strict,
 * forbids it.
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
 * The ioctl returns 1 if it would, else 0. An event on its way to a receiver
 * that waits already does not count.
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
 *              kevents_receive, each used as in a single call; its own
 *              @deadline_ns and @flags are 0, and @id of a receive
 * @n:          in: how many
 * @flags:      in: for all receives, 0 or KEVENTS_RECEIVE_LEASE
 * @deadline_ns: in: until when to wait for room for all events that are sent, or
 *              for the first event that is received
 * @reserved:   in: 0
 *
 * Receives take events from the watched IDs. The ioctl returns how many entries
 * were done; what stopped it is an error only if that is 0.
 */
struct kevents_batch {
	__aligned_u64 entries;
	__u32 n;
	__u32 flags;
	__aligned_u64 deadline_ns;
	__aligned_u64 reserved[2];
};

/**
 * struct kevents_lease - acknowledge an event, or give it back
 * @seq:      in: its number
 * @flags:    in: 0
 * @reserved32: in: 0
 * @reserved: in: 0
 *
 * Errors: EFAULT; EINVAL; ENOENT this open file holds no such lease.
 */
struct kevents_lease {
	__aligned_u64 seq;
	__u32 flags;
	__u32 reserved32;
	__aligned_u64 reserved;
};

/**
 * struct kevents_id - an ID and nothing else
 * @id:       in: any value
 * @flags:    in: 0
 * @reserved: in: 0
 *
 * WATCH: EBADF the file is not open for reading; EAGAIN, EDQUOT, ENOMEM. If the
 * ID is claimed, the credentials that opened the file decide. To watch an ID
 * twice is to watch it once.
 * UNWATCH: ENOENT it is not watched.
 * PURGE drops what waits, not what is leased, and returns how many (INT_MAX for
 * more): EBADF the file is not open for reading; EPERM.
 * UNCLAIM: ENOENT there is no claim; EPERM somebody else's.
 * All: EFAULT; EINVAL; EINTR a fatal signal came.
 */
struct kevents_id {
	__s32 id;
	__u32 flags;
	__aligned_u64 reserved;
};

/**
 * struct kevents_claim - decide who may use an ID
 * @id:       in: any value
 * @mode:     in: as of a file: r (receive, peek, stat, purge), w (send) for
 *            owner, group, others; at most 0666
 * @reserved: in: 0
 *
 * The file's effective user and group become owner and group, unless that user
 * changes a claim there is. Errors: EBUSY somebody else's; EDQUOT or EAGAIN no
 * room for one more ID; EFAULT; EINVAL; ENOMEM.
 */
struct kevents_claim {
	__s32 id;
	__u32 mode;
	__aligned_u64 reserved;
};

/**
 * struct kevents_stat - what there is under an ID
 * @id:        in: any value
 * @flags:     in: 0
 * @pending:   out: events that wait
 * @leased:    out: events that clients hold
 * @bytes:     out: what both take, bookkeeping included
 * @waiters:   out: receivers that wait for this ID
 * @sent:      out: since the ID came into being, as the next three: events sent
 * @received:  out: received without a lease, or acknowledged
 * @expired:   out: whose time to live ended
 * @returned:  out: given back, or returned by the end of a lease
 * @owner_uid: out: of the claim, in the caller's user namespace; 0 without one
 * @owner_gid: out: the same
 * @mode:      out: of the claim
 * @claimed:   out: 1 if there is one, else 0
 * @reserved:  out: 0
 *
 * Of an ID that nobody uses any more @sent, @received, @expired and @returned may be kept
 * for a while; all else is 0. Errors: EFAULT; EINVAL; EPERM.
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
 * @n:        in: room there
 * @count:    out: how many IDs are in use; the least @n of them are written, in
 *            order
 * @flags:    in: 0
 * @reserved32: in: 0
 * @reserved: in: 0
 *
 * IDs whose claim does not let the file's user receive are left out. An ID that is in
 * use throughout the call is listed once. Errors: EFAULT; EINVAL; EINTR a fatal
 * signal came.
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
 * struct kevents_limits - the limits, and what is in use
 * @max_event_size: out: bytes of one payload
 * @max_bytes:      out: bytes held over all brokers
 * @user_max_bytes: out: the same for one user
 * @strict:         out: 1 if only claimed IDs can be used
 * @bytes:          out: held over all brokers
 * @broker_bytes:   out: events of this network namespace
 * @broker_events:  out: the same, how many
 * @broker_ids:     out: IDs in use there, and those lately in use
 * @user_bytes:     out: held for the file's user
 * @reserved:       out: 0
 *
 * Errors: EFAULT; ENOMEM; EINTR a fatal signal came.
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
 * struct kevents_record - head of an event in read(2) and write(2)
 * @id:  the ID
 * @len: bytes of payload, which follow, with zeros up to a multiple of 8
 * @seq: of a received event its number; 0 in one to send
 *
 * write(2) takes whole records, each KEVENTS_RECORD_SIZE() long, and returns the
 * bytes of those it accepted; what stopped it is an error only if that is 0.
 * read(2) fills the buffer with whole records from the watched IDs; EMSGSIZE if
 * the first does not fit.
 * Both wait, read for the first record and write for room, unless the file has
 * O_NONBLOCK (EAGAIN).
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
