// SPDX-License-Identifier: GPL-2.0-only
/* P6: clients of one user are killed at any moment, in the middle of every call there is. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/record.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/workers.h"

#define ROUNDS 3	/* in each of which every kind is struck once */
#define BATCH 9		/* of what is sent, one more than all receives take */
#define LARGE 60000
#define ROOM 200000	/* for three large events and many small ones */

/* What is at their IDs. */
enum place {
	SHARED,		/* everything */
	ROW,		/* receivers that wait in its row */
	WATCHED,	/* reads that wait for what is watched */
	FULL,		/* senders that wait for room */
	OWNED,		/* a claim */
	PLACES
};

enum kind {
	OPEN, WATCH, UNWATCH, SEND, SEND_BATCH, WRITE, SEND_IN_TIME, RECEIVE, PEEK, LEASE, ACK,
	NACK, RECEIVE_WATCHED, RECEIVE_BATCH, READ, POLL, EPOLL, STAT, LIST, LIMITS, CLAIM,
	UNCLAIM, PURGE, MAKE_ROOM, WAITING_RECEIVE, WAITING_READ, WAITING_SEND, KINDS
};

static const char *const names[KINDS] = {
	"open", "watch", "unwatch", "send", "send_batch", "write", "send in time", "receive",
	"peek", "lease", "ack", "nack", "receive watched", "receive_batch", "read", "poll",
	"epoll", "stat", "list", "limits", "claim", "unclaim", "purge", "receive what is large",
	"receive that waits", "read that waits", "send that waits",
};

struct uses {
	struct workers workers;
	int ids[PLACES];
	unsigned int done[KINDS];	/* with success */
};

static char payload[LARGE];

/* Counts what went well; what did not may be for want of events, room or leases. */
static bool note(struct uses *uses, enum kind kind, int result)
{
	static const int allowed[] = { -ENOMSG, -ETIMEDOUT, -EDQUOT, -ENOENT, -EAGAIN };
	size_t i = 0;

	if (result >= 0) {
		workers_count(&uses->done[kind]);
		return true;
	}
	while (i < ARRAY_SIZE(allowed) && result != allowed[i])
		i++;
	ck_assert_msg(i < ARRAY_SIZE(allowed), "%s: %s", names[kind], strerror(-result));
	return false;
}

/* That of a system call, which has to have found something. */
static void note_found(struct uses *uses, enum kind kind, ssize_t result)
{
	if (result)
		note(uses, kind, result < 0 ? -errno : 1);
}

/* A client for a thread that does nothing but wait in one kind of call. */
static kevents_ctx new_client(void)
{
	kevents_ctx client;

	ASSERT_OK(ke_init(&client));
	return client;
}

static void *wait_in_row(void *arg)
{
	kevents_ctx client = new_client();
	struct uses *uses = arg;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	for (;;) {
		note(uses, WAITING_RECEIVE,
		     ke_receive(&client, uses->ids[ROW], &ev, KE_LEASE, -1));
		note(uses, ACK, ke_ack(&client, ev.seq));
	}
	return NULL;
}

static void *wait_in_read(void *arg)
{
	kevents_ctx client = new_client();
	struct number_record record;
	struct uses *uses = arg;

	while (!note(uses, WATCH, ke_watch(&client, uses->ids[WATCHED])))
		sched_yield();
	for (;;)
		note_found(uses, WAITING_READ, read(ke_fd(&client), &record, sizeof(record)));
	return NULL;
}

static void *wait_for_room(void *arg)
{
	kevents_ctx client = new_client();
	struct uses *uses = arg;
	struct ke_event ev = { .id = uses->ids[FULL], .data = payload, .len = LARGE };

	for (;;)
		note(uses, WAITING_SEND, ke_send(&client, &ev, 0, -1));
	return NULL;
}

static void start(void *(*function)(void *arg), struct uses *uses)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, function, uses), 0);
}

static void send_each_way(struct uses *uses, unsigned int i)
{
	int id = uses->ids[SHARED];
	uint64_t number = i;
	struct ke_event evs[BATCH];
	struct number_record records[] = {
		number_record(uses->ids[WATCHED], i), number_record(id, i),
	};
	size_t j;

	for (j = 0; j < BATCH; j++)
		evs[j] = (struct ke_event){ .id = id, .data = payload, .len = j * 500 };
	evs[0] = (struct ke_event){
		.id = uses->ids[ROW], .data = &number, .len = sizeof(number),
	};
	note(uses, SEND, ke_send_event(&ke, id, payload, i % 5 * 1000));
	note(uses, SEND_BATCH, ke_send_batch(&ke, evs, BATCH, 0));
	note_found(uses, WRITE, write(ke_fd(&ke), records, sizeof(records)));
	note(uses, SEND_IN_TIME, ke_send(&ke, &evs[1], 0, 1));
}

static void lease_some(struct uses *uses, struct ke_event *ev)
{
	int id = uses->ids[SHARED];

	if (note(uses, LEASE, ke_receive(&ke, id, ev, KE_LEASE, 1)))
		note(uses, NACK, ke_nack(&ke, ev->seq));
	if (note(uses, LEASE, ke_receive(&ke, id, ev, KE_LEASE, 1)))
		note(uses, ACK, ke_ack(&ke, ev->seq));
	/* This one is for the end of the client. */
	note(uses, LEASE, ke_receive(&ke, id, ev, KE_LEASE, 0));
}

static void poll_and_read(struct uses *uses)
{
	struct pollfd pollfd = { .fd = ke_fd(&ke), .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_SYS(epoll);
	ASSERT_SYS(epoll_ctl(epoll, EPOLL_CTL_ADD, pollfd.fd, &event));
	note_found(uses, EPOLL, epoll_wait(epoll, &event, 1, 1));
	note_found(uses, POLL, poll(&pollfd, 1, 1));
	close(epoll);
	if (pollfd.revents & POLLIN)
		note_found(uses, READ, read(pollfd.fd, payload, sizeof(payload)));
}

static void receive_each_way(struct uses *uses)
{
	static char room[LARGE];
	struct ke_event ev = { .data = room, .size = sizeof(room) };
	struct ke_event evs[] = {
		{ .data = room, .size = 10000 }, { .data = room, .size = sizeof(room) },
	};
	int id = uses->ids[SHARED];

	note(uses, PEEK, ke_receive(&ke, id, &ev, KE_PEEK, 0));
	note(uses, RECEIVE, ke_receive(&ke, id, &ev, 0, 1));
	note(uses, RECEIVE_WATCHED, ke_receive(&ke, 0, &ev, KE_WATCHED, 1));
	note(uses, RECEIVE_BATCH, ke_receive_batch(&ke, evs, ARRAY_SIZE(evs), KE_LEASE, 1));
	lease_some(uses, &ev);
	note(uses, MAKE_ROOM, ke_receive(&ke, uses->ids[FULL], &ev, 0, 0));
}

static void control(struct uses *uses)
{
	struct ke_limits limits;
	struct ke_stat stat;
	int ids[PLACES];

	note(uses, STAT, ke_stat(&ke, uses->ids[SHARED], &stat));
	note(uses, LIST, ke_list(&ke, ids, ARRAY_SIZE(ids)));
	note(uses, LIMITS, ke_limits(&ke, &limits));
	note(uses, CLAIM, ke_claim(&ke, uses->ids[OWNED], 0600));
	note(uses, UNCLAIM, ke_unclaim(&ke, uses->ids[OWNED]));
}

static int use_until_killed(void *arg)
{
	struct uses *uses = arg;
	unsigned int i;

	user_become(uses->workers.uid, uses->workers.uid);
	start(wait_in_row, uses);
	start(wait_in_read, uses);
	start(wait_for_room, uses);
	for (i = 0;; i++) {
		user_reopen();
		note(uses, OPEN, 0);
		/* Where the other takes what poll has found, a read shall not wait for more. */
		ASSERT_SYS(fcntl(ke_fd(&ke), F_SETFL, O_NONBLOCK));
		note(uses, WATCH, ke_watch(&ke, uses->ids[SHARED]));
		send_each_way(uses, i);
		receive_each_way(uses);
		poll_and_read(uses);
		control(uses);
		if (i % 4 == 0)
			note(uses, PURGE, ke_purge(&ke, uses->ids[SHARED]));
		note(uses, UNWATCH, ke_unwatch(&ke, uses->ids[SHARED]));
	}
}

static void assert_nobody_is_there(const struct uses *uses)
{
	struct ke_stat stat;
	size_t i;

	for (i = 0; i < PLACES; i++) {
		stat = stat_of(uses->ids[i]);
		ck_assert_uint_eq(stat.leased, 0);
		ck_assert_uint_eq(stat.waiters, 0);
	}
}

/* Nothing of theirs is lost or torn. */
static void empty(const struct uses *uses)
{
	int err = ke_unclaim(&ke, uses->ids[OWNED]);
	size_t i;

	ck_assert(!err || err == -ENOENT);
	for (i = 0; i < PLACES; i++)
		drain(uses->ids[i]);
}

static struct uses *new_uses(void)
{
	struct uses *uses = shared_memory(sizeof(*uses));
	size_t i;

	workers_init(&uses->workers);
	for (i = 0; i < PLACES; i++)
		uses->ids[i] = fresh_id();
	return uses;
}

/* Kills two of them soon after a call of this kind has gone well. */
static void strike(struct uses *uses, enum kind kind, unsigned int delay_ns)
{
	unsigned int before = workers_counted(&uses->done[kind]);
	pid_t pids[2];
	uint64_t limit;

	start_all(pids, 2, use_until_killed, uses);
	limit = now_ns() + (uint64_t)(patience() * 1e9);
	while (workers_counted(&uses->done[kind]) == before)
		ck_assert_msg(now_ns() < limit, "no %s goes well", names[kind]);
	spin_ns(delay_ns);
	kill_and_join(pids[kind % 2]);
	kill_and_join(pids[!(kind % 2)]);
	assert_nobody_is_there(uses);
}

START_TEST(p6_who_is_killed_at_any_moment_leaves_nothing_behind)
{
	struct uses *uses = new_uses();
	struct ke_limits before;
	int id, i, kind;

	limit_set("user_max_bytes", ROOM);
	id = quiet_id(&before);
	for (i = 0; i < ROUNDS; i++)
		for (kind = 0; kind < KINDS; kind++)
			strike(uses, kind, i * 100000);
	empty(uses);
	assert_traffic(id);
	limits_wait_back_to(&before);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p6_who_is_killed_at_any_moment_leaves_nothing_behind)
