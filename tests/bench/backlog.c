// SPDX-License-Identifier: GPL-2.0-only
#include "works.h"

#include "choice.h"
#include "line.h"
#include "measure.h"

#include <sys/fsuid.h>
#include <sys/msg.h>
#include <time.h>
#include <unistd.h>

#define SIZE		64
#define BATCH		20
#define FIRST_ID	100000000	/* none of the lines' */
#define TYPE		2
#define STRANGER	1000	/* a user */
#define STRANGERS_MAX	900	/* clients: files that one process may have open */

static const long own[] = { 0, 1000, 10000, 100000, 1000000 };
static const long others[] = { 0, 1000, 10000, 100000 };

static const char work_own[] = "backlog-own";
static const char work_others[] = "backlog-others";
static const char work_strangers[] = "strangers";

/* In one queue, of which the oldest comes first. */
static void bench_own(const struct line_kind *kind, long most)
{
	long waiting = 0;
	struct line line;

	line_open(&line, kind, SIZE);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own) && own[i] <= most; i++) {
		if (!wanted(work_own, kind->name, own[i]))
			continue;
		for (; waiting < own[i]; waiting++)
			kind->send(&line);
		report(work_own, kind->name, own[i], measure(line_pass, &line, BATCH));
	}
	line_close(&line);
}

/*
 * A table of queues that has become too small is moved behind the callers' backs; for
 * those few milliseconds an ID may have to be looked up in two.
 */
static void settle(void)
{
	const struct timespec some_ms = { .tv_nsec = 200000000 };

	nanosleep(&some_ms, NULL);
}

/* One event under each of many other IDs. */
static void bench_ids(void)
{
	int waiting = 0;
	struct line line, other;

	line_open(&line, &kevents_line, SIZE);
	other = line;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (!wanted(work_others, kevents_line.name, others[i]))
			continue;
		for (; waiting < others[i]; waiting++) {
			other.id = FIRST_ID + waiting;
			kevents_line.send(&other);
		}
		settle();
		report(work_others, kevents_line.name, others[i], measure(line_pass, &line, BATCH));
	}
	for (int i = 0; i < waiting; i++)
		ke_purge(&line.ctx, FIRST_ID + i);
	line_close(&line);
}

static void watch_as_stranger(kevents_ctx *client, int id)
{
	must(seteuid(STRANGER) == 0, "seteuid");
	setfsuid(0);	/* may open the device */
	must(ke_init(client) == 0, "ke_init");
	must(seteuid(0) == 0, "seteuid");
	must(ke_watch(client, id) == 0, "ke_watch");
}

/* Of an ID that is claimed, by users that may not receive there. */
static void bench_strangers(void)
{
	static const int strangers[] = { 0, STRANGERS_MAX };
	static kevents_ctx clients[STRANGERS_MAX];
	int watching = 0;
	struct line line;

	line_open(&line, &kevents_line, SIZE);
	must(ke_claim(&line.ctx, line.id, 0600) == 0, "ke_claim");
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		if (!wanted(work_strangers, kevents_line.name, strangers[i]))
			continue;
		for (; watching < strangers[i]; watching++)
			watch_as_stranger(&clients[watching], line.id);
		report(work_strangers, kevents_line.name, strangers[i],
		       measure(line_pass, &line, BATCH));
	}
	while (watching > 0)
		ke_close(&clients[--watching]);
	must(ke_unclaim(&line.ctx, line.id) == 0, "ke_unclaim");
	line_close(&line);
}

struct typed_message {
	long type;
	char text[SIZE];
};

static void pass_typed(void *data)
{
	const int *queue = data;
	struct typed_message message = { .type = TYPE + 1 };

	must(msgsnd(*queue, &message, SIZE, 0) == 0, "msgsnd");
	must(msgrcv(*queue, &message, SIZE, TYPE + 1, 0) == SIZE, "msgrcv");
}

/* In the one queue of System V, of another type than the one asked for. */
static void bench_types(void)
{
	int queue = msgget(IPC_PRIVATE, 0600);
	struct typed_message message = { .type = TYPE };
	long waiting = 0;

	must(queue >= 0, "msgget");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (!wanted(work_others, sysv_line.name, others[i]))
			continue;
		for (; waiting < others[i]; waiting++)
			must(msgsnd(queue, &message, SIZE, 0) == 0, "msgsnd");
		/* Long searches: a batch of 20 would be longer than a tick. */
		report(work_others, sysv_line.name, others[i],
		       measure(pass_typed, &queue, others[i] > 1000 ? 1 : BATCH));
	}
	msgctl(queue, IPC_RMID, NULL);
}

void bench_backlogs(void)
{
	bench_own(&kevents_line, 1000000);
	bench_own(&sysv_line, 1000000);
	bench_ids();
	bench_types();
	bench_strangers();
}
