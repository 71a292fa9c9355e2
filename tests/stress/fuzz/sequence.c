// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "steps.h"
#include "user.h"

#define STEPS 200

/* The broker of the namespace that this process is in. */
static const struct broker *here;

static const struct {
	void (*make)(void);
	unsigned int weight;
} steps[] = {
	{ step_send, 24 }, { step_send_batch, 5 }, { step_write, 6 },
	{ step_receive, 24 }, { step_receive_watched, 8 }, { step_receive_batch, 6 },
	{ step_read, 6 }, { step_poll, 5 }, { step_poll_file, 4 }, { step_watch, 6 },
	{ step_unwatch, 2 }, { step_lease, 8 }, { step_purge, 1 }, { step_claim, 2 },
	{ step_list, 2 }, { step_limits, 1 }, { step_info, 1 }, { step_bad_argument, 3 },
	{ step_nonsense, 1 }, { step_reopen, 2 }, { step_fork, 1 }, { step_stat, 8 },
	{ step_user, 14 }, { step_setting, 2 },
	{ step_broker, 10 }, { step_namespace, 2 },
};

void expect(const char *call, long result, long expected)
{
	trace(" %ld %s\n", result, error_name(result));
	if (result != expected)
		fail("%s returns %ld (%s), not %ld (%s)", call, result, error_name(result),
		     expected, error_name(expected));
}

unsigned int some_id(void)
{
	return random_below(IDS);
}

int some_client(void)
{
	return random_below(CLIENTS);
}

uint32_t some_bit(void)
{
	return 1U << random_below(32);
}

uint32_t some_len(void)
{
	static const uint32_t lens[] = { 0, 1, 64, 65, 4096, 4097, 65535, 65536 };

	return one_in(8) ? lens[random_below(ARRAY_SIZE(lens))] : random_below(100);
}

void outlast_ms(unsigned int id, unsigned int ms)
{
	struct kevents_stat stat = { .id = broker->queues[id].id };
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms + 1) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
	/* The kernel's timer may be late, but asking for the ID's state expires events too. */
	if (ioctl(broker->keeper, KEVENTS_IOC_STAT, &stat) && errno != EPERM)
		fail("stat");
}

static void enter(int net)
{
	unsigned int user = me;

	user_become(ROOT);
	if (setns(net, CLONE_NEWNET))
		fail("setns: %s", strerror(errno));
	user_become(user);
}

static void open_client(int i)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	int mode = modes[random_below(ARRAY_SIZE(modes))];
	struct client *client = &broker->clients[i];

	client->readable = mode != O_WRONLY;
	client->writable = mode != O_RDONLY;
	client->user = me;
	enter(broker->net);
	client->fd = open(DEVICE, mode | O_NONBLOCK | O_CLOEXEC);
	enter(here->net);
	trace("client %d: open %s\n", i,
	      mode == O_RDWR ? "O_RDWR" : mode == O_RDONLY ? "O_RDONLY" : "O_WRONLY");
	if (client->fd < 0)
		fail("open");
}

void step_reopen(void)
{
	int i = some_client(), other = dup(broker->clients[i].fd);

	if (other < 0)
		fail("dup");
	trace("client %d: close\n", i);
	close(broker->clients[i].fd);
	/* A file with two descriptors is released with the second one. */
	if (one_in(2))
		broker->clients[i].fd = other;
	else
		close(other);
	if (broker->clients[i].fd == other)
		return;
	broker_close(i);
	open_client(i);
}

/* A child that shares the files and exits changes nothing. */
void step_fork(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(0);
	trace("fork\n");
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
}

void step_user(void)
{
	user_become(random_below(USERS));
	trace("user %u\n", me);
}

void step_broker(void)
{
	broker = &brokers[random_below(BROKERS)];
	trace("broker %td\n", broker - brokers);
}

/* Open files do not depend on the namespace of the process. */
void step_namespace(void)
{
	here = &brokers[random_below(BROKERS)];
	trace("in the namespace of broker %td\n", here - brokers);
	enter(here->net);
}

void step_setting(void)
{
	unsigned int user = me;

	user_become(ROOT);
	setting_make(one_in(2) ? DEFAULT : (enum setting)random_below(SETTINGS));
	user_become(user);
	trace("setting %d\n", setting);
}

/* Opens the broker of this process's namespace, with the same IDs as the other broker. */
static void broker_begin(const int ids[IDS])
{
	unsigned int i;

	broker->net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	broker->keeper = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (broker->net < 0 || broker->keeper < 0)
		fail("open");
	for (i = 0; i < IDS; i++) {
		struct kevents_id id = { .id = ids[i] };

		broker->queues[i].id = id.id;
		if (ioctl(broker->keeper, KEVENTS_IOC_WATCH, &id))
			fail("watch");
	}
	here = broker;
	for (i = 0; i < CLIENTS; i++)
		open_client(i);
}

static void set_up(void)
{
	static const int ids[][IDS] = {
		{ 0, 1, 2, 3 }, { INT32_MIN, -1, 0, INT32_MAX }, { -2, 256, 512, 1024 },
	};
	unsigned int which = random_below(ARRAY_SIZE(ids));

	users_create();
	for (broker = brokers; broker < brokers + BROKERS; broker++) {
		if (broker != brokers && unshare(CLONE_NEWNET))
			fail("unshare: %s", strerror(errno));
		broker_begin(ids[which]);
	}
	broker = brokers;
}

static void make_step(void)
{
	unsigned int all = 0, chosen, i;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		all += steps[i].weight;
	chosen = random_below(all);
	for (i = 0; chosen >= steps[i].weight; i++)
		chosen -= steps[i].weight;
	steps[i].make();
}

void sequence_run(void)
{
	unsigned int i;

	set_up();
	for (i = 0; i < STEPS; i++) {
		random_step();
		make_step();
	}
	user_become(ROOT);
	check_all();
	setting_make(DEFAULT);
}
