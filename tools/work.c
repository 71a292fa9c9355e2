// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "args.h"
#include "backoff.h"
#include "clock.h"
#include "ids.h"
#include "job.h"
#include "say.h"

#define RETRIES		3
#define PAUSE_MS	1000
#define JOBS_MAX	1024
#define GRACE_MAX_MS	5000	/* between SIGTERM and SIGKILL at the end of a lease */

struct worker {
	kevents_ctx ctx;
	struct backoff backoff;
	char **command;
	struct signal_state inherited;
	int signals;		/* signalfd */

	unsigned int max_jobs;
	unsigned int running;
	struct job *jobs;	/* max_jobs of them */

	uint32_t lease_ms;	/* 0: until the job ends */
	bool has_dead_letter;
	int dead_letter;
	unsigned int retries;

	unsigned int left;	/* events still to receive; 0: no limit */
	bool drain;
	unsigned int taken;
	int stops;		/* signals received that ask to stop */
	bool stopping;		/* receives no more events */
	int status;
};

/* Pauses the ID for at least least_ms, even if --pause is less. */
static void return_event(struct worker *worker, const struct ke_event *event, uint64_t least_ms)
{
	int err = ke_nack(&worker->ctx, event->seq);

	if (err && err != -ENOENT)	/* the lease has ended: the event is back already */
		say_error(err, "%d", event->id);
	backoff_start(&worker->backoff, event->id, least_ms);
}

/*
 * Sends the copy before acknowledging the event: a crash in between leaves the event in
 * both places rather than in none.
 */
static void move_to_dead_letter(struct worker *worker, struct ke_event *event, const char *reason)
{
	struct ke_event copy = {
		.id = worker->dead_letter,
		.data = event->data,
		.len = event->len,
	};
	int err = ke_send(&worker->ctx, &copy, 0, 0);

	if (err) {
		say_error(err, "%d: event %" PRIu64 " cannot be moved to %d", event->id,
			  event->seq, worker->dead_letter);
		return_event(worker, event, PAUSE_MS);
		return;
	}
	err = ke_ack(&worker->ctx, event->seq);
	if (err)
		say_error(err, "%d: event %" PRIu64 " is in %d, but still here as well", event->id,
			  event->seq, worker->dead_letter);
	say("%d: event %" PRIu64 ": %s; moved to %d", event->id, event->seq, reason,
	    worker->dead_letter);
	backoff_reset(&worker->backoff, event->id);
}

static void acknowledge(struct worker *worker, const struct ke_event *event)
{
	int err = ke_ack(&worker->ctx, event->seq);

	if (err == -ENOENT)
		say("%d: event %" PRIu64 ": done, but its lease had ended: it will run again",
		    event->id, event->seq);
	else if (err)
		say_error(err, "%d: event %" PRIu64, event->id, event->seq);
	backoff_reset(&worker->backoff, event->id);
}

static void finish_job(struct worker *worker, struct job *job, int status)
{
	struct ke_event *event = &job->buf.event;
	char how[64];

	worker->running--;
	if (!status) {
		acknowledge(worker, event);
		return;
	}
	job_describe(status, how, sizeof(how));
	if (worker->has_dead_letter && event->deliveries > worker->retries) {
		move_to_dead_letter(worker, event, how);
		return;
	}
	say("%d: event %" PRIu64 ": %s; given back", event->id, event->seq, how);
	return_event(worker, event, 0);
}

static void reap_jobs(struct worker *worker)
{
	int status;

	for (struct job *job = worker->jobs; job < worker->jobs + worker->max_jobs; job++)
		if (job_reap(job, &status))
			finish_job(worker, job, status);
}

static void set_times(const struct worker *worker, struct job *job, int64_t start)
{
	int64_t grace = worker->lease_ms / 10;

	job->term_at = INT64_MAX;
	job->kill_at = INT64_MAX;
	if (!worker->lease_ms)
		return;
	job->kill_at = start + worker->lease_ms;
	job->term_at = job->kill_at - (grace < GRACE_MAX_MS ? grace : GRACE_MAX_MS);
}

/* Returns whether the job runs. */
static bool start_job(struct worker *worker, struct job *job)
{
	struct ke_event *event = &job->buf.event;
	int ret;

	/* Deliveries to workers that died count as well: the event may be the cause. */
	if (worker->has_dead_letter && event->deliveries - 1 > worker->retries) {
		move_to_dead_letter(worker, event, "delivered too often");
		return false;
	}
	ret = job_start(job, worker->command, &worker->inherited);
	if (!ret) {
		worker->running++;
		return true;
	}
	return_event(worker, event, PAUSE_MS);
	if (ret > 0) {
		worker->stopping = true;
		worker->status = REFUSED;
	}
	return false;
}

/* Receives an event and starts a job for it. Returns whether the job runs. */
static bool receive_event(struct worker *worker)
{
	struct job *job = worker->jobs;
	int64_t start = now_ms();
	int err;

	while (job->pid)
		job++;
	err = receive(&worker->ctx, 0, &job->buf, KE_LEASE | KE_WATCHED, worker->lease_ms,
		      0);
	if (err == -ENOMSG)
		return false;
	if (err) {
		worker->status = say_error(err, "cannot continue");
		worker->stopping = true;
		return false;
	}
	worker->taken++;
	if (worker->left && !--worker->left)
		worker->stopping = true;
	set_times(worker, job, start);
	return start_job(worker, job);
}

/* Signals jobs whose lease ends. Returns the time of the next signal, or INT64_MAX. */
static int64_t signal_overdue(struct worker *worker)
{
	int64_t now = now_ms(), next = INT64_MAX;

	for (struct job *job = worker->jobs; job < worker->jobs + worker->max_jobs; job++) {
		if (!job->pid)
			continue;
		if (job->kill_at <= now) {
			job_signal(job, SIGKILL);
			job->kill_at = INT64_MAX;
		} else if (job->term_at <= now) {
			say("%d: event %" PRIu64 ": its lease ends, its command is stopped",
			    job->buf.event.id, job->buf.event.seq);
			job_signal(job, SIGTERM);
			job->term_at = INT64_MAX;
		}
		if (job->term_at < next)
			next = job->term_at;
		if (job->kill_at < next)
			next = job->kill_at;
	}
	return next;
}

static void read_signals(struct worker *worker)
{
	struct signalfd_siginfo info;

	while (read(worker->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		worker->stopping = true;
		if (++worker->stops == 1)
			continue;
		for (struct job *job = worker->jobs; job < worker->jobs + worker->max_jobs; job++)
			if (job->pid)
				job_signal(job, SIGTERM);
	}
}

/* Waits for an event or a signal, until the time next at the latest. */
static void wait_for_work(struct worker *worker, int64_t next)
{
	bool wants = !worker->stopping && worker->running < worker->max_jobs;
	struct pollfd files[] = {
		{ .fd = worker->signals, .events = POLLIN },
		{ .fd = wants ? ke_fd(&worker->ctx) : -1, .events = POLLIN },
	};
	int64_t left = next - now_ms();

	if (next == INT64_MAX)
		left = -1;
	else if (left < 0)
		left = 0;
	else if (left > INT_MAX)
		left = INT_MAX;
	poll(files, 2, (int)left);
	read_signals(worker);
}

static bool is_done(const struct worker *worker)
{
	if (worker->running)
		return false;
	return worker->stopping || (worker->drain && !backoff_has_events(&worker->backoff));
}

static void work_until_done(struct worker *worker)
{
	for (;;) {
		int64_t resume, overdue;

		reap_jobs(worker);
		backoff_resume(&worker->backoff);
		while (!worker->stopping && worker->running < worker->max_jobs &&
		       receive_event(worker))
			;
		if (is_done(worker))
			return;
		overdue = signal_overdue(worker);
		/* Jobs that failed to start have set new pauses. */
		resume = backoff_resume(&worker->backoff);
		wait_for_work(worker, resume < overdue ? resume : overdue);
	}
}

/* A signal that is ignored, as by nohup, stays ignored. */
static void add_unless_ignored(sigset_t *set, int signal)
{
	struct sigaction action;

	if (!sigaction(signal, NULL, &action) && action.sa_handler != SIG_IGN)
		sigaddset(set, signal);
}

static void set_up_signals(struct worker *worker)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	add_unless_ignored(&set, SIGINT);
	add_unless_ignored(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &worker->inherited.mask);
	/* The reader of the diagnostics may exit before the jobs do. */
	sigaction(SIGPIPE, &ignore, &worker->inherited.sigpipe);
	worker->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (worker->signals < 0)
		exit(say_errno("signalfd"));
}

static int run_worker(struct worker *worker, const struct ids *ids, uint64_t pause_ms)
{
	int status;

	open_client(&worker->ctx);
	status = ids_watch(&worker->ctx, ids);
	if (status) {
		ke_close(&worker->ctx);
		return status;
	}
	backoff_init(&worker->backoff, &worker->ctx, ids, pause_ms);
	worker->jobs = xzalloc(worker->max_jobs * sizeof(*worker->jobs));
	set_up_signals(worker);
	work_until_done(worker);
	for (unsigned int i = 0; i < worker->max_jobs; i++)
		event_buf_free(&worker->jobs[i].buf);
	free(worker->jobs);
	backoff_free(&worker->backoff);
	ke_close(&worker->ctx);
	if (worker->status == DONE && worker->drain && !worker->taken && !worker->stops)
		return NOTHING;
	return worker->status;
}

enum {
	OPTION_DRAIN = LONG_ONLY,
	OPTION_PAUSE,
};

static void check(const struct verb *verb, const struct worker *worker, const struct ids *ids,
		  bool has_retries)
{
	if (has_retries && !worker->has_dead_letter)
		usage_error(verb, "--retries needs --dead-letter: no event is thrown away");
	for (int i = 0; worker->has_dead_letter && i < ids->count; i++)
		if (ids->list[i] == worker->dead_letter)
			usage_error(verb, "%d cannot be the dead-letter ID of its own events",
				    worker->dead_letter);
	if (!worker->max_jobs || worker->max_jobs > JOBS_MAX)
		usage_error(verb, "--jobs: must be from 1 to %d", JOBS_MAX);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "jobs", required_argument, NULL, 'J' },
		{ "lease", required_argument, NULL, 'l' },
		{ "retries", required_argument, NULL, 'r' },
		{ "dead-letter", required_argument, NULL, 'd' },
		{ "pause", required_argument, NULL, OPTION_PAUSE },
		{ "count", required_argument, NULL, 'n' },
		{ "drain", no_argument, NULL, OPTION_DRAIN },
		HELP_OPTION, { NULL, 0, NULL, 0 }
	};
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "J:l:r:d:n:",
		.options = options
	};
	struct worker worker = { .max_jobs = 1, .retries = RETRIES };
	uint64_t pause_ms = PAUSE_MS;
	bool has_retries = false;
	struct ids ids;
	int option, status;

	while ((option = args_next(&args)) >= 0) {
		switch (option) {
		case 'J':
			worker.max_jobs = args_count(&args, "--jobs", optarg);
			break;
		case 'l':
			worker.lease_ms = (uint32_t)args_duration(&args, "--lease", optarg,
								  UINT32_MAX);
			break;
		case 'r':
			worker.retries = args_count(&args, "--retries", optarg);
			has_retries = true;
			break;
		case 'd':
			worker.dead_letter = args_id(&args, optarg);
			worker.has_dead_letter = true;
			break;
		case OPTION_PAUSE:
			pause_ms = args_duration(&args, "--pause", optarg, INT_MAX);
			break;
		case 'n':
			worker.left = args_positive(&args, "-n", optarg);
			break;
		case OPTION_DRAIN:
			worker.drain = true;
			break;
		}
	}
	if (!args.count)
		usage_error(verb, "an ID is missing");
	if (!args.rest || !*args.rest)
		usage_error(verb, "a command is missing after --");
	ids = ids_from_args(&args);
	check(verb, &worker, &ids, has_retries);
	worker.command = args.rest;
	status = command_exists(worker.command[0]) ? run_worker(&worker, &ids, pause_ms) : REFUSED;
	ids_free(&ids);
	free(args.operands);
	return status;
}

const struct verb work_verb = {
	.name = "work",
	.synopsis = "[OPTION]... ID... -- COMMAND [ARG]...",
	.summary = "run a command for each event, without losing any",
	.help =
"Runs COMMAND for each event of the IDs. The event is on lease while COMMAND\n"
"runs. If COMMAND exits with status 0, the event is acknowledged and gone. If it\n"
"fails, or the worker dies in any way, the event goes back to its place. So\n"
"COMMAND may run more than once for an event.\n"
"\n"
"The payload is the standard input of COMMAND, which need not read it. The\n"
"environment of COMMAND has KEVENTS_ID, KEVENTS_SEQ (the number of the event),\n"
"KEVENTS_DELIVERIES (the number of deliveries, this one included), KEVENTS_PID,\n"
"KEVENTS_UID and KEVENTS_GID of the sender, KEVENTS_SENT_NS (the time of the\n"
"send, CLOCK_MONOTONIC in nanoseconds) and KEVENTS_LEN (bytes of payload).\n"
"\n"
"  -J, --jobs=N          run up to N commands at a time (1)\n"
"  -l, --lease=TIME      limit the time of a command: shortly before the limit it\n"
"                        gets SIGTERM, and at the limit SIGKILL, and the event\n"
"                        goes back, also if the worker itself hangs (no limit)\n"
"  -d, --dead-letter=ID  move an event that has failed too often to ID\n"
"  -r, --retries=N       with a dead-letter ID: try an event again up to N times\n"
"                        (3); KEVENTS_DELIVERIES counts, so attempts by other\n"
"                        programs count as well, and so does a 'kevents save'\n"
"                        that failed or kept the events\n"
"      --pause=TIME      after a command failed, receive nothing from the ID of\n"
"                        its event for TIME (1s), twice as long after each\n"
"                        further failure in a row, up to 1m; other IDs are not\n"
"                        affected. At least 1s if the command could not be\n"
"                        started or the event could not be moved\n"
"  -n, --count=COUNT     exit after COUNT events\n"
"      --drain           exit when no event waits\n"
HELP_TEXT
"\n"
"On SIGTERM, SIGINT or SIGHUP the worker receives no more events, waits for the\n"
"running commands, and exits. A second signal makes it send SIGTERM to the\n"
"commands. If the worker is killed, the commands are killed too, but not the\n"
"processes that they have started.\n"
"\n"
"To move an event, the worker sends a copy to the dead-letter ID and then\n"
"acknowledges the event. If the worker dies in between, the event is in both.\n"
"\n"
"Exit status: 0 ended by a signal, a count or --drain; 1 --drain, and there was\n"
"no event; 2 wrong usage; 3 refused, as when COMMAND cannot be run; 4 no device.\n",
	.run = run,
};
