/* SPDX-License-Identifier: GPL-2.0-only */
/* A command that runs for one event. */
#ifndef JOB_H
#define JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "receive.h"

struct job {
	pid_t pid;		/* leader of a process group; 0: no job */
	struct event_buf buf;	/* the event, kept while the job runs */
	int64_t term_at;	/* time of SIGTERM, by now_ms(); INT64_MAX: never */
	int64_t kill_at;	/* time of SIGKILL, likewise */
};

/* The signal state that the worker was started with, which a job gets back. */
struct signal_state {
	sigset_t mask;
	struct sigaction sigpipe;
};

/*
 * Looks for an executable file as execvp(3) does. Returns false after printing a diagnostic
 * if there is none.
 */
bool command_exists(const char *name);

/*
 * Starts the command for the event of job, with the payload as standard input and the
 * other fields of the event in KEVENTS_* variables. The command is killed when this
 * process dies. Returns 0 and sets job->pid. Otherwise prints a diagnostic, and returns
 * -1 if the command cannot be started now, or 1 if it cannot be executed at all.
 */
int job_start(struct job *job, char **command, const struct signal_state *inherited);

/* Returns true and sets the wait status if the job has ended. */
bool job_reap(struct job *job, int *status);

/* Sends a signal to the process group of the job. */
void job_signal(const struct job *job, int signal);

/* Writes how a job ended, such as "exit status 3", to text. */
void job_describe(int status, char *text, size_t size);

#endif /* JOB_H */
