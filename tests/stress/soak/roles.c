// SPDX-License-Identifier: GPL-2.0-only
#include "soak.h"

#include <errno.h>
#include <kevents.h>
#include <linux/kevents.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 8

static kevents_ctx ke;

void rest_us(unsigned int us)
{
	const struct timespec rest = { us / 1000000, us % 1000000 * 1000L };

	nanosleep(&rest, NULL);
}

unsigned int next_random(unsigned int *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 8;
}

static int random_id(unsigned int *random)
{
	return FIRST_ID + (int)(next_random(random) % IDS);
}

static bool open_client(void)
{
	int err = ke_init(&ke);

	if (err)
		complain("ke_init: %s", ke_strerror(err));
	return !err;
}

static struct message message_of(unsigned int producer, unsigned long number)
{
	return (struct message){ .producer = producer, .number = (uint32_t)number };
}

/* Sends one to BATCH events in one of several ways. Returns how many were accepted. */
static int send_some(unsigned int producer, unsigned int *random)
{
	struct { struct kevents_record head; struct message message; } records[BATCH];
	unsigned long from = atomic_load(&soak->sent[producer]);
	struct message messages[BATCH];
	struct ke_event evs[BATCH] = { 0 };
	int way = (int)(next_random(random) % 4), n = BATCH, i;
	ssize_t size;

	for (i = 0; i < BATCH; i++) {
		messages[i] = message_of(producer, from + i);
		evs[i].id = random_id(random);
		evs[i].data = &messages[i];
		evs[i].len = sizeof(messages[i]);
		records[i].message = messages[i];
		records[i].head = (struct kevents_record){ .id = evs[i].id, .len = evs[i].len };
	}
	if (way == 0)
		return ke_send_batch(&ke, evs, BATCH, -1);
	if (way == 1) {
		size = write(ke_fd(&ke), records, sizeof(records));
		return size < 0 ? -errno : (int)(size / (ssize_t)sizeof(records[0]));
	}
	if (way == 2)
		evs[0].ttl_ms = 1 + next_random(random) % 50;
	n = ke_send(&ke, &evs[0], 0, 1000);
	if (!n && evs[0].ttl_ms)
		atomic_fetch_add(&soak->mortal, 1);
	return n ? n : 1;
}

int produce(unsigned int index)
{
	unsigned int random = index + 1;
	int sent;

	if (!open_client())
		return 1;
	while (atomic_load(&soak->producing) &&
	       atomic_load(&soak->sent[index]) < MOST_EVENTS - BATCH) {
		sent = send_some(index, &random);
		if (sent > 0)
			atomic_fetch_add(&soak->sent[index], sent);
		else if (sent != -ETIMEDOUT)
			complain("a send: %s", ke_strerror(sent));
	}
	ke_close(&ke);
	return 0;
}

/*
 * A producer counts an event only after the send has returned, so the event may be received
 * before it is counted.
 */
atomic_uchar *fate_of(const struct message *message, unsigned long len)
{
	if (len != sizeof(*message) || message->producer >= PRODUCERS ||
	    message->number >= atomic_load(&soak->sent[message->producer]) + BATCH) {
		complain("an event that nobody sent: %u of %u, %lu bytes", message->number,
			 message->producer, len);
		return NULL;
	}
	return &soak->fate[message->producer][message->number];
}

static void acknowledge(const struct ke_event *ev, atomic_uchar *fate, bool may_be_late)
{
	int err;

	atomic_fetch_or(fate, TRIED);
	err = ke_ack(&ke, ev->seq);
	if (err == -ENOENT && may_be_late)
		atomic_fetch_add(&soak->late, 1);
	else if (err)
		complain("ke_ack: %s", ke_strerror(err));
	else if (atomic_fetch_or(fate, DONE) & DONE)
		complain("event %llu was acknowledged twice", (unsigned long long)ev->seq);
	else
		atomic_fetch_add(&soak->acked, 1);
}

/* Acknowledges the event, returns it, or keeps the lease. */
static void handle(const struct ke_event *ev, bool limited, unsigned int *random)
{
	atomic_uchar *fate = fate_of(ev->data, ev->len);
	unsigned int choice = next_random(random) % 100;
	int err;

	if (!fate)
		return;
	/* A limited lease may have ended, and another consumer may have got the event. */
	if (atomic_fetch_or(fate, SEEN) & DONE && !limited)
		complain("event %llu came again", (unsigned long long)ev->seq);
	if (limited && choice < 50)
		rest_us(2000 + choice * 100);
	if (choice >= 10) {
		acknowledge(ev, fate, limited);
	} else if (choice >= 1) {
		err = ke_nack(&ke, ev->seq);
		if (!err)
			atomic_fetch_add(&soak->nacked, 1);
		else if (err != -ENOENT || !limited)
			complain("ke_nack: %s", ke_strerror(err));
	}
	/* Otherwise the lease lasts until this process ends. */
}

static void take_some(unsigned int *random)
{
	struct message messages[BATCH];
	struct ke_event evs[BATCH] = { 0 };
	int way = (int)(next_random(random) % 3), n, i;
	bool limited = next_random(random) % 50 == 0;

	for (i = 0; i < BATCH; i++) {
		evs[i].data = &messages[i];
		evs[i].size = sizeof(messages[i]);
		evs[i].lease_ms = limited ? 3 : 0;
	}
	if (way == 0)
		n = ke_receive_batch(&ke, evs, BATCH, KE_LEASE, 10);
	else if (way == 1)
		n = ke_receive(&ke, 0, &evs[0], KE_LEASE | KE_WATCHED, 10);
	else
		n = ke_receive(&ke, random_id(random), &evs[0], KE_LEASE, 10);
	if (way && !n)
		n = 1;
	/* There may be no memory left for the limit of a lease. */
	if (n < 0 && n != -ETIMEDOUT && n != -EAGAIN)
		complain("a receive: %s", ke_strerror(n));
	for (i = 0; i < n; i++)
		handle(&evs[i], limited, random);
}

int consume(unsigned int seed)
{
	unsigned int random = seed;
	int i, err;

	if (!open_client())
		return 1;
	for (i = 0; i < IDS; i++) {
		err = ke_watch(&ke, FIRST_ID + i);
		if (err && err != -EAGAIN)
			complain("ke_watch: %s", ke_strerror(err));
	}
	while (atomic_load(&soak->consuming))
		take_some(&random);
	ke_close(&ke);
	return 0;
}

int purge(unsigned int seed)
{
	unsigned int random = seed;
	int dropped;

	if (!open_client())
		return 1;
	while (atomic_load(&soak->producing)) {
		rest_us(300000);
		dropped = ke_purge(&ke, random_id(&random));
		if (dropped < 0)
			complain("ke_purge: %s", ke_strerror(dropped));
		else
			atomic_fetch_add(&soak->purged, dropped);
	}
	ke_close(&ke);
	return 0;
}

/* Leaves events and a lease in a new namespace, and exits. */
static int visit(unsigned int *random)
{
	struct message message;
	struct ke_event ev = { .data = &message, .size = sizeof(message) };
	int i, went = 0;

	if (unshare(CLONE_NEWNET) || !open_client())
		return 1;
	ke_watch(&ke, FIRST_ID);
	for (i = 0; i < 50; i++)
		if (!ke_send_event(&ke, FIRST_ID + i % 3, "elsewhere", 9))
			went++;
	if (!ke_receive(&ke, FIRST_ID, &ev, KE_LEASE, 0) &&
	    (ev.len != 9 || memcmp(&message, "elsewhere", 9)))
		complain("an event of another namespace");
	atomic_fetch_add(&soak->elsewhere, went);
	if (next_random(random) % 2)
		raise(SIGKILL);
	return 0;
}

int wander(unsigned int seed)
{
	unsigned int random = seed;
	pid_t pid;

	while (atomic_load(&soak->producing)) {
		next_random(&random);
		pid = fork();
		if (!pid)
			_exit(visit(&random));
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			complain("a child: %s", strerror(errno));
		atomic_fetch_add(&soak->namespaces, 1);
		rest_us(20000);
	}
	return 0;
}
