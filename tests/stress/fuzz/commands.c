// SPDX-License-Identifier: GPL-2.0-only
/* Every command with an inaccessible argument, and unknown commands. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"
#include "steps.h"
#include "user.h"

static const struct {
	unsigned int number;
	bool reads, writes;	/* access mode that the file needs */
} commands[] = {
	{ KEVENTS_IOC_INFO, false, false },
	{ KEVENTS_IOC_SEND, false, true },
	{ KEVENTS_IOC_RECEIVE, true, false },
	{ KEVENTS_IOC_POLL, true, false },
	{ KEVENTS_IOC_SEND_BATCH, false, true },
	{ KEVENTS_IOC_RECEIVE_BATCH, true, false },
	{ KEVENTS_IOC_ACK, false, false },
	{ KEVENTS_IOC_NACK, false, false },
	{ KEVENTS_IOC_WATCH, true, false },
	{ KEVENTS_IOC_UNWATCH, false, false },
	{ KEVENTS_IOC_STAT, false, false },
	{ KEVENTS_IOC_LIST, false, false },
	{ KEVENTS_IOC_PURGE, true, false },
	{ KEVENTS_IOC_CLAIM, false, false },
	{ KEVENTS_IOC_UNCLAIM, false, false },
	{ KEVENTS_IOC_LIMITS, false, false },
};

/*
 * Returns an address at which the argument cannot be read, or written if the command only
 * writes it. Send and receive access only a part of their argument; they have their own
 * steps.
 */
static void *bad_argument(const struct client *client, unsigned int command,
			  long *expected)
{
	static const enum place places[] = { NOWHERE, KERNEL, WRAPPING, CROSSING };
	bool any = command != KEVENTS_IOC_SEND && command != KEVENTS_IOC_RECEIVE;
	enum place place = places[random_below(ARRAY_SIZE(places) - !any)];
	size_t size = _IOC_SIZE(command);
	void *argument = memory_at(place, size, 0);
	unsigned int id = some_id();

	trace(" at %d:", place);
	if (place == CROSSING)
		memset(argument, 0, size - 1);
	if (command == KEVENTS_IOC_STAT && place == CROSSING) {
		memcpy(argument, &broker->queues[id].id, sizeof(broker->queues->id));
		*expected = broker_allows(client->user, id, RECEIVE) ? -EFAULT : -EPERM;
	}
	return argument;
}

void step_bad_argument(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int i = random_below(ARRAY_SIZE(commands)), command = commands[i].number;
	long expected = -EFAULT;
	void *argument;

	if ((commands[i].reads && !client->readable) ||
	    (commands[i].writes && !client->writable))
		expected = -EBADF;
	trace("client %zd: command %#x", client - broker->clients, command);
	argument = bad_argument(client, command, &expected);
	expect("a command", outcome(ioctl(client->fd, command, argument)), expected);
}

static bool is_command(unsigned int number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].number == number)
			return true;
	return false;
}

/* A command with one bit flipped is unknown, unless it is another command. */
void step_nonsense(void)
{
	const struct client *client = &broker->clients[some_client()];
	unsigned int number = commands[random_below(ARRAY_SIZE(commands))].number;
	void *argument = memory_at(one_in(2) ? GOOD : NOWHERE, 0, 0);

	number ^= 1U << random_below(32);
	if (is_command(number))
		return;
	trace("client %zd: nonsense %#x:", client - broker->clients, number);
	expect("nonsense", outcome(ioctl(client->fd, number, argument)), -ENOTTY);
}
