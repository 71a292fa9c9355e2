/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes of a user that misbehave, and the traffic of another user beside them. */
#ifndef WORKERS_H
#define WORKERS_H

#include <kevents.h>
#include <sys/types.h>

/* Shared by the processes of one user. */
struct workers {
	uid_t uid;
	int id;			/* used by all of them in the same broker */
	unsigned int ready;	/* number of them that have called workers_say_ready() */
	unsigned int sent;
	unsigned int received;
	unsigned int leased;
	unsigned int refused;
	unsigned int looks;
};

struct workers *workers_new(void);

/* Like workers_new(), for a struct in shared memory. */
void workers_init(struct workers *workers);

/* Switches the calling process to the user of the workers, and reopens ke. */
void workers_enter(const struct workers *workers);

void workers_say_ready(struct workers *workers);
void workers_wait_ready(const struct workers *workers, unsigned int count);

/* Counts one up, visible to the other processes. */
void workers_count(unsigned int *number);
unsigned int workers_counted(const unsigned int *number);

/* Sleeps until the process is killed. */
_Noreturn void stay(void);

void start_all(pid_t *pids, int count, int (*work)(void *arg), void *arg);
void kill_and_join(pid_t pid);
void kill_and_join_all(const pid_t *pids, int count);

/* Returns an ID for traffic, watched so that its queue stays, and sets the use then. */
int quiet_id(struct ke_limits *before);

/* Fails the test unless events sent to id arrive in order, and no others do. */
void assert_traffic(int id);

#endif /* WORKERS_H */
