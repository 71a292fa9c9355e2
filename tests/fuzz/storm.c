// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads, and processes that are killed, make calls of every kind on the same few
 * files, which one of them closes and opens anew, while a page of memory comes and
 * goes and signals come down on all.
 */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kevents.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
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
/* Of each thread, so that what one does depends on the plan alone. */
static __thread uint64_t state;

static uint64_t number(void)
{
	uint64_t x = state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return state = x;
}

static uint64_t below(uint64_t n)
{
	return number() % n;
}

static const unsigned int commands[] = {
	KEVENTS_IOC_SEND, KEVENTS_IOC_SEND, KEVENTS_IOC_SEND, KEVENTS_IOC_RECEIVE,
	KEVENTS_IOC_RECEIVE, KEVENTS_IOC_RECEIVE, KEVENTS_IOC_POLL, KEVENTS_IOC_SEND_BATCH,
	KEVENTS_IOC_RECEIVE_BATCH, KEVENTS_IOC_ACK, KEVENTS_IOC_NACK, KEVENTS_IOC_WATCH,
	KEVENTS_IOC_UNWATCH, KEVENTS_IOC_STAT, KEVENTS_IOC_LIST, KEVENTS_IOC_PURGE,
	KEVENTS_IOC_CLAIM, KEVENTS_IOC_UNCLAIM, KEVENTS_IOC_LIMITS, KEVENTS_IOC_INFO,
};

static int some_id(void)
{
	return storm_ids[below(STORM_IDS)];
}

static int some_timeout(void)
{
	static const int timeouts[] = { 0, 0, 0, 1, 3, -1, INT32_MIN, INT32_MAX };

	return timeouts[below(ARRAY_SIZE(timeouts))];
}

static enum place some_place(void)
{
	if (!below(3))
		return (enum place)below(PLACES);
	return below(4) ? GOOD : CHANGING;
}

static uint64_t some_size(void)
{
	static const uint64_t sizes[] = {
		0, 1, 64, 65, 4096, 65536, 65537, UINT32_MAX, UINT64_MAX,
	};

	return below(2) ? below(200) : sizes[below(ARRAY_SIZE(sizes))];
}

/* Where a payload may be that belongs to a call with this size. */
static uint64_t some_data(uint64_t size)
{
	return (uintptr_t)memory_at(some_place(), size < MEMORY_MAX ? size : 8, below(4));
}

static void fill_send(struct kevents_send *send)
{
	*send = (struct kevents_send){
		.id = some_id(), .len = some_size(), .timeout_ms = some_timeout(),
		.ttl_ms = below(3) ? 0 : below(4),
	};
	send->data = some_data(send->len);
}

static void fill_receive(struct kevents_receive *receive)
{
	static const unsigned int flags[] = { 0, 1, 2, 4, 6, 8, 9, 12, 14, 5, UINT32_MAX };

	*receive = (struct kevents_receive){
		.flags = flags[below(ARRAY_SIZE(flags))], .size = some_size(),
		.timeout_ms = some_timeout(),
	};
	receive->id = receive->flags & KEVENTS_RECEIVE_WATCHED ? 0 : some_id();
	if (receive->flags & KEVENTS_RECEIVE_LEASE)
		receive->lease_ms = below(4);
	receive->data = some_data(receive->size);
}

static void mutate(void *argument, size_t size)
{
	unsigned char *bytes = argument;
	unsigned int i;

	for (i = 1 + below(3); i; i--)
		bytes[below(size)] ^= 1 << below(8);
}

/* An entry of a batch of this command. */
static void fill_entry(void *entry, unsigned int command, bool leases)
{
	struct kevents_receive *receive = entry;
	struct kevents_send *send = entry;

	if (command == KEVENTS_IOC_SEND_BATCH) {
		fill_send(send);
		send->timeout_ms = 0;
		return;
	}
	*receive = (struct kevents_receive){
		.size = below(200), .data = some_data(200),
		.lease_ms = leases ? below(4) : 0,
	};
}

/* Entries lie at the buffer's own place, or overlap with it. */
static void fill_batch(struct kevents_batch *batch, unsigned int command)
{
	size_t size = command == KEVENTS_IOC_SEND_BATCH ? sizeof(struct kevents_send) :
		      sizeof(struct kevents_receive);
	bool leases = command == KEVENTS_IOC_RECEIVE_BATCH && below(2);
	char *entries = memory_at(GOOD, 0, below(2));
	unsigned int i, n = 1 + below(40);

	for (i = 0; i < n; i++) {
		fill_entry(entries + i * size, command, leases);
		if (!below(80))
			mutate(entries + i * size, size);
	}
	*batch = (struct kevents_batch){
		.entries = below(8) ? (uintptr_t)entries : some_data(200),
		.n = below(16) ? n : UINT32_MAX, .timeout_ms = some_timeout(),
		.flags = leases ? KEVENTS_RECEIVE_LEASE : 0,
	};
}

static void fill(void *argument, unsigned int command)
{
	struct kevents_list *list = argument;

	memset(argument, 0, _IOC_SIZE(command));
	switch (command) {
	case KEVENTS_IOC_SEND:
		fill_send(argument);
		return;
	case KEVENTS_IOC_RECEIVE:
		fill_receive(argument);
		return;
	case KEVENTS_IOC_SEND_BATCH:
	case KEVENTS_IOC_RECEIVE_BATCH:
		fill_batch(argument, command);
		return;
	case KEVENTS_IOC_ACK:
	case KEVENTS_IOC_NACK:
		((struct kevents_lease *)argument)->seq = below(100);
		return;
	case KEVENTS_IOC_CLAIM:
		((struct kevents_claim *)argument)->mode = below(2) ? 0666 : below(01000);
		break;
	case KEVENTS_IOC_LIST:
		list->n = some_size();
		list->ids = some_data(20);
		return;
	}
	*(int *)argument = some_id();
}

/* What was told in memory that nobody else writes to. */
static void told(const void *argument, unsigned int command, long result)
{
	const struct kevents_receive *receive = argument;
	const struct kevents_lease *lease = argument;
	const struct kevents_send *send = argument;
	const struct kevents_id *id = argument;

	switch (command) {
	case KEVENTS_IOC_SEND:
		check_send_waits(send->timeout_ms, result);
		if (!result)
			tally_sent(send);
		break;
	case KEVENTS_IOC_RECEIVE:
		check_receive_waits(receive->timeout_ms, result);
		if (!result)
			tally_received(receive);
		break;
	case KEVENTS_IOC_ACK:
		if (!result)
			tally_acknowledged(lease->seq);
		break;
	case KEVENTS_IOC_PURGE:
		if (result > 0)
			tally_purged(id->id, result);
		break;
	}
}

static void some_ioctl(int fd)
{
	unsigned int command = commands[below(ARRAY_SIZE(commands))];
	unsigned char bytes[128] __attribute__((aligned(8)));
	size_t size = _IOC_SIZE(command);
	enum place place = below(8) ? GOOD : (enum place)below(PLACES);
	void *argument = memory_at(place, size, 2 + below(2));
	long result;

	fill(bytes, command);
	if (!below(6))
		mutate(bytes, size);
	if (!below(50))
		command ^= 1U << below(32);
	/* Threads share the place on purpose: it changes under the kernel's feet. */
	if (can_write(place))
		memcpy(argument, bytes, size);
	if (below(4))
		argument = bytes;
	if (command == KEVENTS_IOC_PURGE && (argument != bytes || !tally_may_purge()))
		command = KEVENTS_IOC_POLL;
	result = outcome(ioctl(fd, command, argument));
	check_call("ioctl", command, result);
	if (argument == bytes)
		told(argument, command, result);
}

static void some_stream(int fd)
{
	struct kevents_record *record = memory_at(GOOD, 0, below(4));
	struct iovec parts[3];
	unsigned int i, n = 1 + below(ARRAY_SIZE(parts));

	record->id = some_id();
	record->len = below(64);
	record->seq = 0;
	for (i = 0; i < n; i++) {
		parts[i].iov_len = below(4) ? below(300) : some_size() % MEMORY_MAX;
		parts[i].iov_base = (void *)(uintptr_t)some_data(parts[i].iov_len);
	}
	switch (below(4)) {
	case 0:
		check_call("read", CALL_READ,
			   outcome(read(fd, parts[0].iov_base, parts[0].iov_len)));
		break;
	case 1:
		check_call("write", CALL_WRITE,
			   outcome(write(fd, record, KEVENTS_RECORD_SIZE(record->len % 64))));
		break;
	case 2:
		check_call("readv", CALL_READ, outcome(readv(fd, parts, n)));
		break;
	default:
		check_call("writev", CALL_WRITE, outcome(writev(fd, parts, n)));
	}
}

static void some_poll(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = below(65536) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | (below(2) ? EPOLLET : 0) };
	int epoll;

	if (below(2)) {
		check_call("poll", CALL_POLL, outcome(poll(&poll_fd, 1, below(3))));
		return;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		check_call("epoll_wait", CALL_POLL,
			   outcome(epoll_wait(epoll, &event, 1, below(3))));
	close(epoll);
}

static int open_some(void)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };

	return open(DEVICE, modes[below(ARRAY_SIZE(modes))] | O_CLOEXEC |
			    (below(2) ? O_NONBLOCK : 0));
}

/* The number stays taken all the time, so that it is never another's. */
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

	state = *(uint64_t *)seed | 1;
	for (i = 0; i < CALLS; i++)
		some_call();
	return NULL;
}

/* Makes a page go and come, and wakes everybody who waits. */
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

/* A process that has the files, too, perhaps as another user in namespaces of its own. */
static pid_t start_process(uint64_t seed, bool may_die)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	state = seed | 1;
	if (may_die)
		tally_may_die();
	if (!below(2) && !unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
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

void storm_run(void)
{
	pid_t processes[PROCESSES];
	bool dies[PROCESSES];
	unsigned int i;

	state = random_number() | 1;
	trace("a storm");
	tally_create(!one_in(4));
	for (i = 0; i < FILES; i++) {
		files[i] = open_some();
		if (files[i] < 0)
			fail("open");
	}
	for (i = 0; i < PROCESSES; i++) {
		dies[i] = one_in(2);
		processes[i] = start_process(random_number(), dies[i]);
	}
	threads_run(random_number());
	for (i = 0; i < PROCESSES; i++)
		end_process(processes[i], dies[i]);
	for (i = 0; i < FILES; i++)
		close(files[i]);
	tally_check();
}
