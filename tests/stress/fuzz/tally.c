// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts what the processes of a parallel round did, as far as that is certain. Results in
 * memory that others write to, and the last call of a killed process, are not.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "parallel.h"

#define SEQS 1048576	/* far more than a parallel round sends */
#define LIST_MAX 4096

const int parallel_ids[PARALLEL_IDS] = { 0, 1, -1, INT32_MAX, INT32_MIN };

static struct tally {
	enum knowledge knowledge;
	struct counts {
		uint64_t sent, received, purged;
	} counts[PARALLEL_IDS];
	uint8_t given[SEQS];	/* returned to a sender */
	uint8_t ended[SEQS];	/* received without a lease, or acknowledged */
	uint8_t acknowledged[SEQS];
	uint8_t lent[SEQS];	/* index of the ID of the lease, plus 1 */
} *tally;

static int keeper;
static bool is_here = true, may_purge = true;

/* Watched queues stay, and keep their counters. */
static void keep_queues(void)
{
	unsigned int i;

	for (i = 0; i < PARALLEL_IDS; i++) {
		struct kevents_id id = { .id = parallel_ids[i] };

		if (ioctl(keeper, KEVENTS_IOC_WATCH, &id))
			fail("watch: %s", strerror(errno));
	}
}

void tally_create(enum knowledge knowledge)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	keeper = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (tally == MAP_FAILED || keeper < 0)
		fail("no tally");
	tally->knowledge = knowledge;
	if (knowledge)
		keep_queues();
}

void tally_leave(void)
{
	is_here = false;
	may_purge = false;
}

void tally_may_die(void)
{
	may_purge = false;
}

bool tally_may_purge(void)
{
	return may_purge || !tally->knowledge;
}

static int index_of(int id)
{
	int i;

	for (i = 0; i < PARALLEL_IDS; i++)
		if (parallel_ids[i] == id)
			return i;
	return -1;
}

static void count(uint64_t *count, unsigned int n)
{
	__atomic_fetch_add(count, n, __ATOMIC_RELAXED);
}

static void once(uint8_t *marks, uint64_t seq, const char *what)
{
	if (!seq || seq >= SEQS)
		fail("seq is %" PRIu64, seq);
	if (__atomic_exchange_n(&marks[seq], 1, __ATOMIC_RELAXED))
		fail("seq %" PRIu64 " is %s twice", seq, what);
}

void tally_sent(int id, uint64_t seq)
{
	int i = index_of(id);

	if (!is_here)
		return;
	if (seq)
		once(tally->given, seq, "given");
	if (i >= 0)
		count(&tally->counts[i].sent, 1);
}

void tally_received(int id, uint64_t seq)
{
	int i = index_of(id);

	if (!is_here)
		return;
	once(tally->ended, seq, "received");
	if (i >= 0)
		count(&tally->counts[i].received, 1);
}

void tally_leased(int id, uint64_t seq)
{
	if (is_here && seq < SEQS)
		__atomic_store_n(&tally->lent[seq], index_of(id) + 1, __ATOMIC_RELAXED);
}

void tally_acknowledged(uint64_t seq)
{
	if (!is_here)
		return;
	once(tally->ended, seq, "received");
	tally->acknowledged[seq] = 1;
}

/* Must be called after the last KEVENTS_IOC_ACK. */
static void count_acknowledged(void)
{
	uint64_t seq;

	for (seq = 1; seq < SEQS; seq++)
		if (tally->acknowledged[seq] && tally->lent[seq])
			tally->counts[tally->lent[seq] - 1].received++;
}

void tally_purged(int id, unsigned int n)
{
	int i = index_of(id);

	if (is_here && i >= 0)
		count(&tally->counts[i].purged, n);
}

static struct kevents_stat stat_of(int fd, int id)
{
	struct kevents_stat stat = { .id = id };

	if (ioctl(fd, KEVENTS_IOC_STAT, &stat))
		fail("stat: %s", strerror(errno));
	if (stat.leased || stat.waiters)
		fail("ID %d has %" PRIu64 " leases and %" PRIu64 " waiters of nobody", id,
		     (uint64_t)stat.leased, (uint64_t)stat.waiters);
	return stat;
}

/* Receives all events of the ID, and checks their order. Returns how many there were. */
static uint64_t drain(int fd, int id)
{
	struct kevents_receive receive = {
		.id = id, .data = (uintptr_t)memory_at(GOOD, 0, 0), .size = MEMORY_MAX,
	};
	uint64_t last = 0, n;

	for (n = 0; !ioctl(fd, KEVENTS_IOC_RECEIVE, &receive); n++) {
		if (receive.event.id != id || receive.event.seq <= last)
			fail("seq %" PRIu64 " comes after %" PRIu64,
			     (uint64_t)receive.event.seq, last);
		last = receive.event.seq;
		tally_received(id, last);
	}
	if (errno != ENOMSG)
		fail("receive: %s", strerror(errno));
	return n;
}

/* Every event sent was received, expired or purged, or still waits. */
static void check_id(int fd, unsigned int i)
{
	struct kevents_stat before = stat_of(fd, parallel_ids[i]);
	uint64_t drained = drain(fd, parallel_ids[i]);
	struct kevents_stat after = stat_of(fd, parallel_ids[i]);
	const struct counts *counts = &tally->counts[i];
	uint64_t expired = after.expired - before.expired, ended;

	if (drained + expired != before.pending || after.pending || after.bytes)
		fail("of %" PRIu64 " events, %" PRIu64 " were received and %" PRIu64
		     " expired", (uint64_t)before.pending, drained, expired);
	ended = after.received + after.expired + counts->purged;
	if (tally->knowledge ? ended != after.sent : ended - counts->purged > after.sent)
		fail("of %" PRIu64 " events of ID %d, %" PRIu64 " were received, %" PRIu64
		     " expired, %" PRIu64 " purged", (uint64_t)after.sent, parallel_ids[i],
		     (uint64_t)after.received, (uint64_t)after.expired, counts->purged);
	if (tally->knowledge == KNOWS_ALL &&
	    (counts->sent != after.sent || counts->received != after.received))
		fail("of ID %d, %" PRIu64 " of %" PRIu64 " events were sent, %" PRIu64
		     " of %" PRIu64 " received", parallel_ids[i], counts->sent,
		     (uint64_t)after.sent, counts->received, (uint64_t)after.received);
}

/* Claims stay after a round, and so do the events of IDs from random data. */
static void clear(int fd)
{
	struct kevents_list list = {
		.ids = (uintptr_t)memory_at(GOOD, 0, 1), .n = LIST_MAX,
	};
	int *ids = (int *)(uintptr_t)list.ids;
	unsigned int i;

	if (ioctl(fd, KEVENTS_IOC_LIST, &list) || list.count > LIST_MAX)
		fail("list");
	for (i = 0; i < list.count; i++) {
		struct kevents_id id = { .id = ids[i] };

		stat_of(fd, id.id);
		if (ioctl(fd, KEVENTS_IOC_PURGE, &id) < 0)
			fail("purge: %s", strerror(errno));
		if (ioctl(fd, KEVENTS_IOC_UNCLAIM, &id) && errno != ENOENT)
			fail("unclaim: %s", strerror(errno));
	}
}

void tally_check(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	struct kevents_limits limits;
	unsigned int i;

	if (fd < 0)
		fail("open");
	keep_queues();
	count_acknowledged();
	for (i = 0; i < PARALLEL_IDS; i++)
		check_id(fd, i);
	close(keeper);
	clear(fd);
	if (ioctl(fd, KEVENTS_IOC_LIMITS, &limits))
		fail("limits");
	if (limits.broker_events || limits.broker_bytes)
		fail("%" PRIu64 " events, %" PRIu64 " bytes are left",
		     (uint64_t)limits.broker_events, (uint64_t)limits.broker_bytes);
}
