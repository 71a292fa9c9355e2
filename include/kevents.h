/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkevents: leave a message under an integer ID in the kernel; whoever asks
 * for that ID later gets it, oldest first, once.
 *
 * Unless said otherwise a function returns 0 on success and a negative errno
 * value on failure. None prints, exits or allocates memory. All may be called
 * from several threads on one context at a time, except that ke_close() must be
 * the last one to use it.
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
 * A client of KEvents: one open file of the device. It lives where the caller
 * puts it and may be moved while no call uses it. One that is all zeros is not
 * open. A child made by fork(2)
 * shares the client with its parent; execve(2) closes it.
 */
typedef struct kevents_ctx {
	int handle;		/* 0: not open */
	int reserved_int;
	uint64_t reserved[7];
} kevents_ctx;

/*
 * An event to send, or where a received one goes. Set what is not used to 0;
 * reserved fields must be 0 (-EINVAL).
 */
struct ke_event {
	int       id;
	uint32_t  flags;	/* received: KE_REDELIVERED */
	void     *data;		/* payload to send, or where a received one goes */
	size_t    size;		/* receiving: room at data in bytes */
	size_t    len;		/* payload in bytes; set by a receive, on -EMSGSIZE too */
	uint64_t  seq;		/* set by send and receive: order of all; names a lease */
	uint64_t  sent_ns;	/* received: when, CLOCK_MONOTONIC in nanoseconds */
	uint32_t  deliveries;	/* received: times handed out, this one included */
	uint32_t  ttl_ms;	/* sending: how long it may wait; 0 until retrieved */
	uint32_t  lease_ms;	/* with KE_LEASE: its limit; 0 until ack or close */
	pid_t     pid;		/* received: the sender; 0 if in no pid namespace of ours */
	uid_t     uid;		/* received: its real user ID, as seen from here */
	gid_t     gid;		/* received: its real group ID, as seen from here */
	uint64_t  reserved[4];
};

/* Flags of ke_receive() */
#define KE_PEEK		0x1u	/* show the oldest event and leave it there; never waits */
#define KE_LEASE	0x4u	/* hand it out until ke_ack() or ke_nack() */
#define KE_WATCHED	0x8u	/* from any watched ID; id is ignored */

/* Flags of a received event */
#define KE_REDELIVERED	0x1u	/* it was handed out before and came back */

/* What there is under an ID; see ke_stat(). */
struct ke_stat {
	int       id;
	int       claimed;	/* 1 if somebody owns the ID, else 0 */
	uint64_t  pending;	/* events that wait */
	uint64_t  leased;	/* events that clients hold */
	uint64_t  bytes;	/* what both take, bookkeeping included */
	uint64_t  waiters;	/* receivers that wait for this ID */
	uint64_t  sent;		/* since the ID came into being: events sent, */
	uint64_t  received;	/* received or acknowledged, */
	uint64_t  expired;	/* ended by their time to live, */
	uint64_t  returned;	/* returned from leases */
	uid_t     owner_uid;	/* of the claim, as seen from here */
	gid_t     owner_gid;
	mode_t    mode;
	int       reserved_int;
	uint64_t  reserved[4];
};

/* The limits, and what is in use of each; see ke_limits(). Sizes in bytes. */
struct ke_limits {
	uint64_t  max_event_size;
	uint64_t  max_bytes;
	uint64_t  user_max_bytes;
	uint64_t  strict;	/* 1: only claimed IDs can be used */
	uint64_t  bytes;	/* held in all network namespaces */
	uint64_t  broker_bytes;	/* events of this network namespace: bytes, */
	uint64_t  broker_events; /* how many, */
	uint64_t  broker_ids;	/* IDs in use, and those lately in use */
	uint64_t  user_bytes;	/* held for the client's user, everywhere */
	uint64_t  reserved[7];
};

/*
 * Opens $KEVENTS_DEVICE (not heeded in a set-user-ID program) or /dev/kevents,
 * close-on-exec, in the network namespace of the caller. The caller ends it
 * with ke_close(). What is done with it is judged by, and charged to, the user that
 * opened it, whatever process makes the call; see kevents(4).
 *
 *   -ENOENT, -ENXIO   no such device: the module is not loaded, or
 *                     $KEVENTS_DEVICE is something else
 *   -EACCES           the device's permissions do not let this user in
 *   -EPERM            the device cgroup of a container or unit does not
 *   -EPROTONOSUPPORT  the module speaks another ABI version
 *   -EMFILE, -ENFILE, -ENOMEM and others as for open(2)
 */
int ke_init(kevents_ctx *ctx);

/*
 * Ends ctx. Events that it sent stay where they are. When no other process has
 * the client (fork(2), dup(2)), its leases are back and its watches gone on
 * return.
 */
int ke_close(kevents_ctx *ctx);

/*
 * Leaves the len bytes at msg under id. Never waits. msg may be NULL when len
 * is 0.
 *
 *   -EMSGSIZE  len is over the module's max_event_size
 *   -EAGAIN    the module is full
 *   -EDQUOT    this user is at one of its limits
 *   -EPERM     the ID's claim, or strict, does not let this user send
 *   -EFAULT, -ENOMEM
 */
int ke_send_event(kevents_ctx *ctx, int id, const void *msg, size_t len);

/*
 * Returns 1 if an event waits under id for whoever asks now, 0 if none does,
 * -EPERM if the ID's claim, or strict, does not let this user receive.
 */
int ke_poll_event(kevents_ctx *ctx, int id);

/*
 * Takes the oldest event of id into the size bytes at buf. Never waits. Where
 * buf has room beyond the payload, a NUL byte ends it, so that text can be used
 * as it is; nothing else is written.
 *
 *   -ENOMSG    nothing waits under id
 *   -EMSGSIZE  the payload is longer than size; the event stays
 *   -EPERM     the ID's claim, or strict, does not let this user receive
 *   -EFAULT
 */
int ke_get_event(kevents_ctx *ctx, int id, void *buf, size_t size);

/*
 * Leaves the ev->len bytes at ev->data under ev->id and sets ev->seq. flags
 * must be 0. timeout_ms is as in poll(2): how long to wait for room in
 * milliseconds, 0 not at all, -1 for ever.
 *
 *   -EINVAL    ev is NULL, or flags or ev->reserved are not 0
 *   -EMSGSIZE  ev->len is over the module's max_event_size
 *   -EAGAIN    the module is full, and timeout_ms is 0
 *   -EDQUOT    this user is at one of its limits, and timeout_ms is 0
 *   -ETIMEDOUT no room came in time
 *   -EINTR     as for ke_receive()
 *   -EPERM     the ID's claim, or strict, does not let this user send
 *   -EFAULT, -ENOMEM
 */
int ke_send(kevents_ctx *ctx, struct ke_event *ev, unsigned int flags, int timeout_ms);

/*
 * Takes the oldest event of id into the ev->size bytes at ev->data, and sets
 * the fields of ev that say "received", id, len and seq. Waits for one if there
 * is none: timeout_ms is as in poll(2), in milliseconds, 0 not at all, -1 for
 * ever. Receivers that wait are served in the order in which they came; those that
 * wait for watched IDs get what is left over.
 *
 * With KE_LEASE the event stays the module's until ke_ack(): it goes back to its
 * place by ke_nack(), after ev->lease_ms milliseconds if that is not 0, and when
 * the client ends, however that comes. KE_PEEK and KE_LEASE exclude each other. With
 * KE_PEEK timeout_ms must be 0: use ke_watch() and poll(2) to wait for an event
 * without taking it.
 *
 *   -ENOMSG    nothing waits under id, and timeout_ms is 0
 *   -ETIMEDOUT nothing came in time
 *   -EINTR     a signal handler was run while waiting that was installed without
 *              SA_RESTART; after any other the process waits on until the same
 *              time, but stands behind the others
 *   -EMSGSIZE  the payload is longer than ev->size; ev->len says how long it
 *              is, the event stays
 *   -EINVAL    ev is NULL, flags are unknown or exclude each other, timeout_ms
 *              is not 0 with KE_PEEK, ev->lease_ms is set without KE_LEASE, or
 *              ev->reserved is not 0
 *   -EPERM     the ID's claim, or strict, does not let this user receive
 *   -EFAULT, -ENOMEM
 */
int ke_receive(kevents_ctx *ctx, int id, struct ke_event *ev, unsigned int flags,
	       int timeout_ms);

/*
 * Sends the n events of evs, one after the other, as ke_send() does; waits for
 * room up to timeout_ms in all. Returns how many went, from the first on; or, if
 * not even one did, why.
 */
int ke_send_batch(kevents_ctx *ctx, struct ke_event *evs, unsigned int n, int timeout_ms);

/*
 * Takes up to n events from the watched IDs into evs, whose data and size are
 * set, as ke_receive() does; waits for the first one up to timeout_ms. flags is
 * 0 or KE_LEASE, with or without KE_WATCHED. Returns how many came; or, if not
 * even one did, why.
 */
int ke_receive_batch(kevents_ctx *ctx, struct ke_event *evs, unsigned int n,
		     unsigned int flags, int timeout_ms);

/*
 * Ends a lease of this client: the event named seq is done with and gone.
 *
 *   -ENOENT  this client has no such lease (any more)
 */
int ke_ack(kevents_ctx *ctx, uint64_t seq);

/* Ends a lease of this client: the event named seq is back in its place. */
int ke_nack(kevents_ctx *ctx, uint64_t seq);

/*
 * Has the client watch id: its events can be received with KE_WATCHED, read(2)
 * and ke_receive_batch(), and make ke_fd() readable. If the ID is claimed, the
 * credentials that opened the client decide. To watch an ID twice is to watch it once.
 *
 *   -EAGAIN, -EDQUOT  no room for what a watch takes itself
 *   -ENOMEM
 */
int ke_watch(kevents_ctx *ctx, int id);

/* Ends that; -ENOENT if the client does not watch id. */
int ke_unwatch(kevents_ctx *ctx, int id);

/*
 * Returns the file descriptor of ctx, which still belongs to ctx: for poll(2),
 * epoll(7), io_uring(7), read(2) and write(2). Readable: a watched ID has an
 * event that this client may receive; writable: there is room to send. Records
 * are described in <linux/kevents.h>.
 */
int ke_fd(const kevents_ctx *ctx);

/*
 * Fills stat with what there is under id. Of an ID that nobody uses any more it may
 * still show what has happened there, or not: all is 0 then, and where nobody has ever
 * used it.
 *
 *   -EPERM  the ID's claim, or strict, does not let this user receive
 */
int ke_stat(kevents_ctx *ctx, int id, struct ke_stat *stat);

/*
 * Returns how many IDs are in use (INT_MAX for more), and fills ids with the
 * least n of them, in order. Those from which this user may not receive are left
 * out.
 */
int ke_list(kevents_ctx *ctx, int *ids, size_t n);

/* Fills limits. */
int ke_limits(kevents_ctx *ctx, struct ke_limits *limits);

/*
 * Drops the events that wait under id, not the leased ones. Returns how many
 * (INT_MAX for more).
 *
 *   -EPERM  the ID's claim, or strict, does not let this user receive
 */
int ke_purge(kevents_ctx *ctx, int id);

/*
 * Makes the effective user and group that opened ctx the owners of id, or changes
 * the mode of the claim they have. mode is read like a file's: r lets owner,
 * group or others receive, peek, stat and purge, w lets them send. The claim
 * stays until ke_unclaim(). Where the module's strict is 1, IDs without a claim
 * cannot be used.
 *
 *   -EBUSY   another user owns id
 *   -EDQUOT  this user is at its limit
 *   -EINVAL  mode has bits that are not in 0666
 *   -EAGAIN, -ENOMEM
 */
int ke_claim(kevents_ctx *ctx, int id, mode_t mode);

/*
 * Ends the claim of id.
 *
 *   -ENOENT  nobody owns id
 *   -EPERM   another user does
 */
int ke_unclaim(kevents_ctx *ctx, int id);

/*
 * Says in a sentence what went wrong and what to do about it. err is what a
 * function of this library returned, with or without its sign. The text is
 * constant and never NULL.
 */
const char *ke_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif /* KEVENTS_H */
