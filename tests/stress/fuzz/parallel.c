// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads, and processes that are killed, make calls of every kind on the same few files.
 * Meanwhile one thread closes and reopens the files, a page of memory comes and goes, and
 * all threads get signals.
 */
#include "parallel.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define FILES 4
#define THREADS 4
#define PROCESSES 2
#define CALLS 150

static int files[FILES];
static pthread_t threads[THREADS];
static bool over;

static int open_some(void)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };

	return open(DEVICE, modes[below(ARRAY_SIZE(modes))] | O_CLOEXEC |
			    (below(2) ? O_NONBLOCK : 0));
}

/* The descriptor stays in use all the time, so that no other file gets its number. */
static void reopen(int *file)
{
	int fd = below(2) ? open_some() : dup(files[below(FILES)]);

	if (fd < 0)
		return;
	dup3(fd, *file, O_CLOEXEC);
	close(fd);
}

static void some_call(void)
{
	int *file = &files[below(FILES)];

	switch (below(16)) {
	case 0:
		reopen(file);
		break;
	case 1:
		some_poll(*file);
		break;
	case 2:
	case 3:
	case 4:
		some_stream(*file);
		break;
	default:
		some_ioctl(*file);
	}
}

static void *work(void *seed)
{
	unsigned int i;

	parallel_random_start(*(uint64_t *)seed);
	for (i = 0; i < CALLS; i++)
		some_call();
	return NULL;
}

/* Makes a page inaccessible and accessible again, and interrupts all waiting threads. */
static void *disturb(void *unused)
{
	unsigned int i;

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		mprotect(changing_page(), page_size(), PROT_NONE);
		for (i = 0; i < THREADS; i++)
			pthread_kill(threads[i], SIGUSR1);
		sched_yield();
		mprotect(changing_page(), page_size(), PROT_READ | PROT_WRITE);
		poll(NULL, 0, 1);
	}
	return unused;
}

static void on_signal(int signal)
{
	(void)signal;
}

static void threads_run(uint64_t seed)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t seeds[THREADS];
	pthread_t disturber;
	unsigned int i;

	sigaction(SIGUSR1, &action, NULL);
	for (i = 0; i < THREADS; i++) {
		seeds[i] = seed * THREADS + i + 1;
		if (pthread_create(&threads[i], NULL, work, &seeds[i]))
			fail("no thread");
	}
	if (pthread_create(&disturber, NULL, disturb, NULL))
		fail("no thread");
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	pthread_join(disturber, NULL);
}

/* A process that shares the files, perhaps as another user in namespaces of its own. */
static pid_t start_process(uint64_t seed, bool may_die)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	parallel_random_start(seed);
	if (may_die)
		tally_may_die();
	if (!parallel_is_private && !below(2) && !unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
		tally_leave();
		reopen(&files[below(FILES)]);
	} else if (!below(2) && setresuid(1000, 1000, 1000)) {
		fail("setresuid");
	}
	threads_run(seed);
	_exit(0);
}

static void end_process(pid_t pid, bool dies)
{
	int status;

	if (dies)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid ||
	    (status && (!dies || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)))
		fail("a process ends with %#x", status);
}

void parallel_run(void)
{
	enum knowledge knowledge = (enum knowledge)random_below(KNOWS_ALL + 1);
	pid_t processes[PROCESSES];
	bool dies[PROCESSES];
	unsigned int i;

	parallel_random_start(random_number());
	trace("a parallel round");
	parallel_is_private = knowledge == KNOWS_ALL;
	tally_create(knowledge);
	for (i = 0; i < FILES; i++) {
		files[i] = open_some();
		if (files[i] < 0)
			fail("open");
	}
	for (i = 0; i < PROCESSES; i++) {
		dies[i] = !parallel_is_private && one_in(2);
		processes[i] = start_process(random_number(), dies[i]);
	}
	threads_run(random_number());
	for (i = 0; i < PROCESSES; i++)
		end_process(processes[i], dies[i]);
	for (i = 0; i < FILES; i++)
		close(files[i]);
	tally_check();
}
