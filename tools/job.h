/* SPDX-License-Identifier: GPL-2.0-only */
/* A command that runs for one event. */
#ifndef JOB_H
#define JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "receive.h"

struct job {
	pid_t pid;		/* 0: none; it leads a process group of its own */
	struct receipt receipt;	/* the event, and its payload while the job runs */
	int64_t term_at;	/* when it is asked to end, and when it is killed, by */
	int64_t kill_at;	/* now_ms(); INT64_MAX: never */
};

/* What a job does not inherit from the worker but from who started that. */
struct heritage {
	sigset_t mask;
	struct sigaction sigpipe;
};

/*
 * Whether the command can be found and executed; says so if not. It is looked for as by
 * execvp(3).
 */
bool command_is_there(const char *name);

/*
 * Starts the command for the event in job, with the payload as standard input
 * and the rest in KEVENTS_* variables. The job dies with this process. Returns
 * 0 and sets job->pid; -1 if it cannot be started now, 1 if the command cannot
 * be executed at all, after saying so.
 */
int job_start(struct job *job, char **command, const struct heritage *heritage);

/* If the job has ended, sets its wait status and returns true. */
bool job_has_ended(struct job *job, int *status);

/* Sends a signal to the job and what it has started. */
void job_signal(const struct job *job, int signal);

/* Writes how a job ended, such as "exit status 3", into text. */
void job_describe(int status, char *text, size_t size);

#endif /* JOB_H */
