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
	uint32_t  flags;	/* received: 0 */
	void     *data;		/* payload to send, or where a received one goes */
	size_t    size;		/* receiving: room at data in bytes */
	size_t    len;		/* payload in bytes; set by a receive, on -EMSGSIZE too */
	uint64_t  seq;		/* set by send and receive: its place in the order of all */
	uint64_t  sent_ns;	/* received: when, CLOCK_MONOTONIC in nanoseconds */
	uint32_t  deliveries;	/* received: times handed out, this one included */
	uint32_t  ttl_ms;	/* sending: 0, kept until retrieved */
	uint32_t  lease_ms;	/* receiving: 0 */
	pid_t     pid;		/* received: the sender; 0 if in no pid namespace of ours */
	uid_t     uid;		/* received: its real user ID, as seen from here */
	gid_t     gid;		/* received: its real group ID, as seen from here */
	uint64_t  reserved[4];
};

/* Flags of ke_receive() */
#define KE_PEEK		0x1u	/* show the oldest event and leave it there */

/*
 * Opens $KEVENTS_DEVICE (not heeded in a set-user-ID program) or /dev/kevents,
 * close-on-exec, in the network namespace of the caller. The caller ends it
 * with ke_close().
 *
 *   -ENOENT, -ENXIO   no such device: the module is not loaded, or
 *                     $KEVENTS_DEVICE is something else
 *   -EACCES           the device's permissions do not let this user in
 *   -EPROTONOSUPPORT  the module speaks another ABI version
 *   -EMFILE, -ENFILE, -ENOMEM and others as for open(2)
 */
int ke_init(kevents_ctx *ctx);

/* Ends ctx. Events that it sent stay where they are. */
int ke_close(kevents_ctx *ctx);

/*
 * Leaves the len bytes at msg under id. Never waits. msg may be NULL when len
 * is 0.
 *
 *   -EMSGSIZE  len is over the module's max_event_size
 *   -EFAULT, -ENOMEM
 */
int ke_send_event(kevents_ctx *ctx, int id, const void *msg, size_t len);

/* Returns 1 if an event waits under id for whoever asks now, 0 if none does. */
int ke_poll_event(kevents_ctx *ctx, int id);

/*
 * Takes the oldest event of id into the size bytes at buf. Never waits. Where
 * buf has room beyond the payload, a NUL byte ends it, so that text can be used
 * as it is; nothing else is written.
 *
 *   -ENOMSG    nothing waits under id
 *   -EMSGSIZE  the payload is longer than size; the event stays
 *   -EFAULT
 */
int ke_get_event(kevents_ctx *ctx, int id, void *buf, size_t size);

/*
 * Leaves the ev->len bytes at ev->data under ev->id and sets ev->seq. flags
 * must be 0. timeout_ms is as in poll(2): how long to wait for room in
 * milliseconds, 0 not at all, -1 for ever.
 *
 *   -EINVAL    ev is NULL, or flags, ev->ttl_ms or ev->reserved are not 0
 *   -EMSGSIZE  ev->len is over the module's max_event_size
 *   -EFAULT, -ENOMEM
 */
int ke_send(kevents_ctx *ctx, struct ke_event *ev, unsigned int flags, int timeout_ms);

/*
 * Takes the oldest event of id into the ev->size bytes at ev->data, and sets
 * the fields of ev that say "received", id, len and seq. Waits for one if there
 * is none: timeout_ms is as in poll(2), in milliseconds, 0 not at all, -1 for
 * ever. Who waits longer is served first. flags is 0 or KE_PEEK.
 *
 *   -ENOMSG    nothing waits under id, and timeout_ms is 0
 *   -ETIMEDOUT nothing came in time
 *   -EINTR     a signal came while waiting, or the process was stopped and
 *              continued, traced or frozen; with timeout_ms -1 only where a
 *              signal's handler was installed without SA_RESTART (if with it,
 *              the process comes anew and stands behind the others)
 *   -EMSGSIZE  the payload is longer than ev->size; ev->len says how long it
 *              is, the event stays
 *   -EINVAL    ev is NULL, flags are unknown, or ev->reserved is not 0
 *   -EFAULT, -ENOMEM
 */
int ke_receive(kevents_ctx *ctx, int id, struct ke_event *ev, unsigned int flags,
	       int timeout_ms);

/* Returns the file descriptor of ctx, which still belongs to ctx. */
int ke_fd(const kevents_ctx *ctx);

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
