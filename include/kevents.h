/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkevents: a process leaves a message, called an event, under an integer ID in
 * the kernel. A process that asks for the ID later gets the oldest event of that ID,
 * and each event is handed to one receiver.
 *
 * Unless stated otherwise, a function returns 0 on success and a negative errno
 * value on failure. No function prints, exits or allocates memory. Several threads
 * may use one context at the same time, but ke_close() must be the last call.
 *
 * A call that fails changes nothing: no event is lost, repeated or moved.
 *
 * Errors that every function with a context can return:
 *   -EINVAL  ctx is NULL
 *   -EBADF   ctx is not open
 */
#ifndef KEVENTS_H
#define KEVENTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A client of KEvents: one open file of the device. The caller provides the memory
 * and may move it while no call uses it. A context of all zeros is not open. After
 * fork(2) parent and child share the client; execve(2) closes it.
 */
typedef struct kevents_ctx {
	int handle;		/* 0: not open */
	int reserved_int;
	uint64_t reserved[7];
} kevents_ctx;

/*
 * An event to send or receive. Unused fields should be 0; reserved fields must be 0
 * (-EINVAL).
 */
struct ke_event {
	int       id;
	uint32_t  flags;	/* received: KE_REDELIVERED */
	void     *data;		/* payload to send, or buffer for a received one */
	size_t    size;		/* receiving: size of the buffer in bytes */
	size_t    len;		/* bytes of payload; a receive sets it, on -EMSGSIZE too */
	uint64_t  seq;		/* set by send and receive: number of the event */
	uint64_t  sent_ns;	/* received: time of the send, CLOCK_MONOTONIC, in ns */
	uint32_t  deliveries;	/* received: number of deliveries, this one included */
	uint32_t  ttl_ms;	/* sending: time to live; 0: no limit */
	uint32_t  lease_ms;	/* with KE_LEASE: duration of the lease; 0: no limit */
	pid_t     pid;		/* received: the sender; 0 if not in our pid namespace */
	uid_t     uid;		/* received: the sender's real user ID, in our namespace */
	gid_t     gid;		/* received: the sender's real group ID, likewise */
	uint64_t  reserved[4];
};

/* Flags of ke_receive() */
#define KE_PEEK		0x1u	/* copy the event and leave it in its place; never waits */
#define KE_LEASE	0x4u	/* lease the event until ke_ack() or ke_nack() */
#define KE_WATCHED	0x8u	/* receive from any watched ID; id is ignored */

/* Flags of a received event */
#define KE_REDELIVERED	0x1u	/* the event was handed out before and came back */

/* The state of an ID; see ke_stat(). */
struct ke_stat {
	int       id;
	int       claimed;	/* 1 if the ID is claimed, else 0 */
	uint64_t  pending;	/* events that wait */
	uint64_t  leased;	/* events on lease, or being copied to a receiver */
	uint64_t  bytes;	/* memory of pending and leased, bookkeeping included */
	uint64_t  waiters;	/* receivers that wait for this ID */
	uint64_t  sent;		/* events sent since the ID came into use */
	uint64_t  received;	/* likewise: received without a lease, or acknowledged */
	uint64_t  expired;	/* likewise: ended by their time to live */
	uint64_t  returned;	/* likewise: came back from a lease */
	uid_t     owner_uid;	/* owner of the claim, in our user namespace */
	gid_t     owner_gid;	/* group of the claim, likewise */
	mode_t    mode;		/* mode of the claim */
	int       reserved_int;
	uint64_t  reserved[4];
};

/* The limits and their use; see ke_limits(). Sizes are in bytes. */
struct ke_limits {
	uint64_t  max_event_size;
	uint64_t  max_bytes;
	uint64_t  user_max_bytes;
	uint64_t  strict;	/* 1: only claimed IDs can be used */
	uint64_t  bytes;	/* held in all network namespaces */
	uint64_t  broker_bytes;	/* of the events in this network namespace */
	uint64_t  broker_events; /* events there */
	uint64_t  broker_ids;	/* IDs in use there, or recently in use */
	uint64_t  user_bytes;	/* charged to the client's user, in all namespaces */
	uint64_t  reserved[7];
};

/*
 * Opens /dev/kevents, or $KEVENTS_DEVICE unless the program is set-user-ID, with
 * close-on-exec and in the caller's network namespace. The caller closes the client
 * with ke_close(). Claims and limits apply to the user that opened the client, and
 * that user is charged, whichever process makes a call; see kevents(4).
 *
 *   -ENOENT, -ENXIO   no such device: the module is not loaded, or
 *                     $KEVENTS_DEVICE names something else
 *   -EACCES           the permissions of the device do not allow it
 *   -EPERM            the device cgroup of a container or a unit does not allow it
 *   -EPROTONOSUPPORT  the module has another ABI version
 *   -EMFILE, -ENFILE, -ENOMEM and others as for open(2)
 */
int ke_init(kevents_ctx *ctx);

/*
 * Closes ctx. Events that it sent stay. Unless another process has the client, by
 * fork(2) or dup(2), its leases are back in their places and its watches have ended
 * when this returns.
 */
int ke_close(kevents_ctx *ctx);

/*
 * Sends the len bytes at msg to id. Never waits. msg may be NULL if len is 0.
 *
 *   -EMSGSIZE  len is over the module's max_event_size
 *   -EAGAIN    all users together hold max_bytes
 *   -EDQUOT    this user is at its own limit
 *   -EPERM     the claim of the ID, or strict, does not let this user send
 *   -EFAULT, -ENOMEM
 */
int ke_send_event(kevents_ctx *ctx, int id, const void *msg, size_t len);

/*
 * Returns 1 if a receive from id would find an event now, and 0 if not.
 *
 *   -EPERM     the claim of the ID, or strict, does not let this user receive
 */
int ke_poll_event(kevents_ctx *ctx, int id);

/*
 * Receives the oldest event of id into the size bytes at buf. Never waits. Adds a NUL
 * byte after the payload if there is room, so that text can be used as it is, and
 * writes nothing else.
 *
 *   -ENOMSG    no event waits under id
 *   -EMSGSIZE  the payload is longer than size; the event stays
 *   -EPERM     the claim of the ID, or strict, does not let this user receive
 *   -EFAULT
 */
int ke_get_event(kevents_ctx *ctx, int id, void *buf, size_t size);

/*
 * Sends the ev->len bytes at ev->data to ev->id and sets ev->seq. flags must be 0.
 * If there is no room, waits up to timeout_ms milliseconds as poll(2) does: 0 does
 * not wait, and -1 waits for ever.
 *
 *   -EINVAL    ev is NULL, or flags or ev->reserved are not 0
 *   -EMSGSIZE  ev->len is over the module's max_event_size
 *   -EAGAIN    all users together hold max_bytes, and timeout_ms is 0
 *   -EDQUOT    this user is at its own limit, and timeout_ms is 0
 *   -ETIMEDOUT no room came in time
 *   -EINTR     as for ke_receive()
 *   -EPERM     the claim of the ID, or strict, does not let this user send
 *   -EFAULT, -ENOMEM
 */
int ke_send(kevents_ctx *ctx, struct ke_event *ev, unsigned int flags, int timeout_ms);

/*
 * Receives the oldest event of id into the ev->size bytes at ev->data, and sets id,
 * len, seq and the fields of ev that are marked "received". If no event waits, waits
 * up to timeout_ms milliseconds as poll(2) does: 0 does not wait, and -1 waits for
 * ever. Receivers that wait for an ID are served in the order in which they came.
 * Receivers that wait for watched IDs get the events that are left.
 *
 * With KE_LEASE the module keeps the event until ke_ack(). The event goes back to its
 * place on ke_nack(), after ev->lease_ms milliseconds unless that is 0, and when the
 * client is closed in any way. KE_PEEK and KE_LEASE exclude each other. With KE_PEEK
 * timeout_ms must be 0: use ke_watch() and poll(2) to wait for an event without
 * taking it.
 *
 *   -ENOMSG    no event waits, and timeout_ms is 0
 *   -ETIMEDOUT no event came in time
 *   -EINTR     a signal handler that was installed without SA_RESTART ran during the
 *              wait; after any other handler the call waits on until its original
 *              deadline, but has lost its place in the line
 *   -EMSGSIZE  the payload is longer than ev->size; ev->len is set to its length,
 *              and the event stays
 *   -EINVAL    ev is NULL, flags are unknown or exclude each other, timeout_ms
 *              is not 0 with KE_PEEK, ev->lease_ms is set without KE_LEASE, or
 *              ev->reserved is not 0
 *   -EPERM     the claim of the ID, or strict, does not let this user receive
 *   -EFAULT, -ENOMEM
 */
int ke_receive(kevents_ctx *ctx, int id, struct ke_event *ev, unsigned int flags,
	       int timeout_ms);

/*
 * Sends the n events of evs in order, as ke_send() does. Waits for room up to
 * timeout_ms in total. Returns how many were sent, counted from the first, or the
 * error if none was.
 */
int ke_send_batch(kevents_ctx *ctx, struct ke_event *evs, unsigned int n, int timeout_ms);

/*
 * Receives up to n events from the watched IDs into evs, as ke_receive() does; the
 * caller sets data and size of each. Waits up to timeout_ms for the first event.
 * flags is 0 or KE_LEASE, with or without KE_WATCHED. Returns how many events were
 * received, or the error if none was.
 */
int ke_receive_batch(kevents_ctx *ctx, struct ke_event *evs, unsigned int n,
		     unsigned int flags, int timeout_ms);

/*
 * Acknowledges the event seq, which this client has on lease: the event is gone.
 *
 *   -ENOENT  this client does not hold such a lease, or no longer does
 */
int ke_ack(kevents_ctx *ctx, uint64_t seq);

/*
 * Returns the event seq, which this client has on lease, to its place.
 *
 *   -ENOENT  this client does not hold such a lease, or no longer does
 */
int ke_nack(kevents_ctx *ctx, uint64_t seq);

/*
 * Makes the client watch id. KE_WATCHED, read(2) and ke_receive_batch() receive the
 * events of watched IDs, and these events make ke_fd() readable. Watching needs no
 * permission: the claim of the ID decides whether its events are seen. Watching an ID
 * twice has no further effect.
 *
 *   -EAGAIN, -EDQUOT  there is no room for the watch itself
 *   -ENOMEM
 */
int ke_watch(kevents_ctx *ctx, int id);

/*
 * Ends the watch of id.
 *
 *   -ENOENT  the client does not watch id
 */
int ke_unwatch(kevents_ctx *ctx, int id);

/*
 * Returns the file descriptor of ctx for poll(2), epoll(7), io_uring(7), read(2) and
 * write(2). The descriptor still belongs to ctx. It is readable while a watched ID
 * has an event that this client may receive, and writable while there is room to
 * send. <linux/kevents.h> describes the records of read(2) and write(2).
 */
int ke_fd(const kevents_ctx *ctx);

/*
 * Fills stat with the state of id. If the ID is no longer in use, sent, received, expired
 * and returned may be kept for a while; everything else is 0.
 *
 *   -EPERM  the claim of the ID, or strict, does not let this user receive
 */
int ke_stat(kevents_ctx *ctx, int id, struct ke_stat *stat);

/*
 * Fills ids with the n lowest IDs in use, in ascending order, and returns how many
 * IDs are in use, at most INT_MAX. IDs from which this user may not receive are left
 * out.
 */
int ke_list(kevents_ctx *ctx, int *ids, size_t n);

/* Fills limits with the limits and their use. */
int ke_limits(kevents_ctx *ctx, struct ke_limits *limits);

/*
 * Drops the events that wait under id, but not those on lease. Returns how many were
 * dropped, at most INT_MAX.
 *
 *   -EPERM  the claim of the ID, or strict, does not let this user receive
 */
int ke_purge(kevents_ctx *ctx, int id);

/*
 * Makes the effective user and group that opened ctx the owner and group of id, or
 * changes the mode if that user owns id already. mode is read like that of a file: r
 * lets the owner, the group or others receive, peek, poll, see statistics and purge,
 * and w lets them send. The claim stays until ke_unclaim(). If the module parameter
 * strict is 1, IDs without a claim cannot be used.
 *
 *   -EBUSY   another user owns id
 *   -EDQUOT  this user is at its own limit
 *   -EAGAIN  all users together hold max_bytes
 *   -EINVAL  mode has bits outside 0666
 *   -ENOMEM
 */
int ke_claim(kevents_ctx *ctx, int id, mode_t mode);

/*
 * Ends the claim of id.
 *
 *   -ENOENT  id is not claimed
 *   -EPERM   another user owns id
 */
int ke_unclaim(kevents_ctx *ctx, int id);

/*
 * Returns a sentence that says what went wrong and what to do about it. err is the
 * result of a function of this library, with or without its sign. The text is
 * constant and never NULL.
 */
const char *ke_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif /* KEVENTS_H */
