/* SPDX-License-Identifier: GPL-2.0-only */
/* Users who misbehave in processes of their own, and another one's traffic beside them. */
#ifndef WORKERS_H
#define WORKERS_H

#include <kevents.h>
#include <sys/types.h>

/* Shared by the processes of one user. */
struct workers {
	uid_t uid;
	int id;			/* that they use, where they share the broker */
	unsigned int ready;	/* of them, how many have got as far as they can */
	unsigned int sent;
	unsigned int received;
	unsigned int leased;
	unsigned int refused;
	unsigned int looks;
};

struct workers *workers_new(void);

/* The same for one that is part of something shared. */
void workers_init(struct workers *workers);

/* Makes the calling process one of them, with a client of its own. */
void workers_enter(const struct workers *workers);

void workers_say_ready(struct workers *workers);
void workers_wait_ready(const struct workers *workers, unsigned int count);

/* Adds one, which others see. */
void workers_count(unsigned int *number);
unsigned int workers_counted(const unsigned int *number);

/* Until it is killed. */
_Noreturn void stay(void);

void start_all(pid_t *pids, int count, int (*work)(void *arg), void *arg);
void kill_and_join(pid_t pid);
void kill_and_join_all(const pid_t *pids, int count);

/* An ID for another user's traffic, watched so that it stays; what is in use then. */
int quiet_id(struct ke_limits *before);

/* What another user sends arrives, in order, and nothing else does. */
void assert_traffic(int id);

#endif /* WORKERS_H */
