// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: soak SECONDS
 *
 * Runs producers, and consumers that lease, acknowledge, return and keep events. Meanwhile
 * consumers are killed at random and replaced, times to live end, IDs are purged, and
 * network namespaces with events are created and destroyed. At the end each event must
 * have ended once, in a known way. Needs root.
 */
#include "soak.h"

#include <errno.h>
#include <kevents.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Low, so that producers reach the limit and wait for room. */
#define MAX_BYTES "2000000"
#define PARAMETER "/sys/module/kevents/parameters/max_bytes"

struct soak *soak;

static kevents_ctx ke;
static unsigned int random_state = 1;

void complain(const char *format, ...)
{
	va_list args;

	if (atomic_fetch_add(&soak->errors, 1) >= 20)
		return;
	va_start(args, format);
	fputs("soak: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static pid_t start(int (*role)(unsigned int), unsigned int argument)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (!pid)
		_exit(role(argument));
	return pid;
}

static void join(pid_t pid, const char *who)
{
	int status;

	must(waitpid(pid, &status, 0) == pid, "waitpid");
	if (status)
		complain("a %s ended with status %#x", who, status);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Kills and replaces consumers until the time is over. Returns how many. */
static unsigned long kill_consumers(pid_t *consumers, double until)
{
	unsigned long kills = 0;
	unsigned int which;
	int status;

	while (seconds() < until) {
		rest_us(5000 + next_random(&random_state) % 40000);
		which = next_random(&random_state) % CONSUMERS;
		must(!kill(consumers[which], SIGKILL), "kill");
		must(waitpid(consumers[which], &status, 0) == consumers[which], "waitpid");
		if (!WIFSIGNALED(status))
			complain("a consumer ended with status %#x", status);
		consumers[which] = start(consume, 1000 + kills++);
	}
	return kills;
}

static unsigned long run_clients(double duration)
{
	pid_t producers[PRODUCERS], consumers[CONSUMERS], purger, wanderer;
	double begin = seconds();
	unsigned long kills;
	unsigned int i;

	for (i = 0; i < CONSUMERS; i++)
		consumers[i] = start(consume, i + 1);
	for (i = 0; i < PRODUCERS; i++)
		producers[i] = start(produce, i);
	purger = start(purge, 77);
	wanderer = start(wander, 78);
	kills = kill_consumers(consumers, begin + duration);

	atomic_store(&soak->producing, false);
	for (i = 0; i < PRODUCERS; i++)
		join(producers[i], "producer");
	join(purger, "purger");
	join(wanderer, "wanderer");
	atomic_store(&soak->consuming, false);
	for (i = 0; i < CONSUMERS; i++)
		join(consumers[i], "consumer");
	return kills;
}

/* Returns the sums of the kernel's statistics of all IDs. */
static struct ke_stat add_up(void)
{
	struct ke_stat sum = { 0 }, one;
	int i, err;

	for (i = 0; i < IDS; i++) {
		err = ke_stat(&ke, FIRST_ID + i, &one);
		if (err)
			complain("ke_stat: %s", ke_strerror(err));
		sum.pending += one.pending;
		sum.leased += one.leased;
		sum.bytes += one.bytes;
		sum.waiters += one.waiters;
		sum.sent += one.sent;
		sum.received += one.received;
		sum.expired += one.expired;
		sum.returned += one.returned;
	}
	return sum;
}

/* Receives the events that are left. Returns how many there were. */
static unsigned long take_the_rest(void)
{
	struct message message;
	struct ke_event ev = { .data = &message, .size = sizeof(message) };
	unsigned long left = 0;
	atomic_uchar *fate;
	int i;

	for (i = 0; i < IDS; i++) {
		while (!ke_receive(&ke, FIRST_ID + i, &ev, 0, 0)) {
			left++;
			fate = fate_of(&message, ev.len);
			if (fate && atomic_fetch_or(fate, LEFT) & (DONE | LEFT))
				complain("event %llu came again", (unsigned long long)ev.seq);
		}
	}
	return left;
}

/* Counts the events whose fate has all bits of is and none of is_not. */
static unsigned long count(unsigned int is, unsigned int is_not)
{
	unsigned long total = 0, i;
	unsigned int producer, fate;

	for (producer = 0; producer < PRODUCERS; producer++) {
		for (i = 0; i < atomic_load(&soak->sent[producer]); i++) {
			fate = atomic_load_explicit(&soak->fate[producer][i],
						    memory_order_relaxed);
			total += (fate & is) == is && !(fate & is_not);
		}
	}
	return total;
}

static void expect(bool holds, const char *what)
{
	if (!holds)
		complain("the account is wrong: %s", what);
}

/* Compares the counts of the processes with those of the kernel. */
static void settle(double duration, unsigned long kills)
{
	unsigned long sent = count(0, 0), done = count(DONE, 0), left, doubtful, ended;
	struct ke_stat stat;

	/* Events that can still expire do so before the counters are read. */
	rest_us(100000);
	stat = add_up();
	left = take_the_rest();
	/* A ke_ack() by a consumer that was killed may have succeeded. */
	doubtful = count(TRIED, DONE | LEFT);
	ended = stat.received + stat.expired + atomic_load(&soak->purged) + left;

	expect(stat.sent == sent, "sent");
	expect(stat.pending == left, "waiting");
	expect(stat.leased == 0, "leases without a client");
	expect(stat.waiters == 0, "waiters without a process");
	expect(stat.received >= done && stat.received <= done + doubtful, "received");
	expect(stat.expired <= atomic_load(&soak->mortal), "expired");
	expect(ended == sent, "an event is missing, or there is one too many");

	printf("sent       %10lu  %.0f a second\n", sent, (double)sent / duration);
	printf("received   %10llu  %llu of them by a consumer that was killed right after\n",
	       (unsigned long long)stat.received, (unsigned long long)stat.received - done);
	printf("expired    %10llu\n", (unsigned long long)stat.expired);
	printf("purged     %10lu\n", atomic_load(&soak->purged));
	printf("waiting    %10lu\n", left);
	printf("sum        %10lu  %s\n", ended, ended == sent ? "right" : "WRONG");
	printf("returned   %10llu  leases, %lu of them by ke_nack(); %lu were over before "
	       "ke_ack()\n", (unsigned long long)stat.returned, atomic_load(&soak->nacked),
	       atomic_load(&soak->late));
	printf("kills      %10lu\n", kills);
	printf("namespaces %10lu  with %lu events\n", atomic_load(&soak->namespaces),
	       atomic_load(&soak->elsewhere));
}

/* Prints the memory that an event of 64 bytes takes beyond its payload. */
static void print_overhead(void)
{
	unsigned long size, per_slab, pages;
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[512];

	must(file, "/proc/slabinfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "kevents_event %*u %*u %lu %lu %lu", &size, &per_slab,
			   &pages) == 3)
			printf("64 bytes take %lu more; with their share of a slab %lu\n",
			       size - 64, pages * sysconf(_SC_PAGESIZE) / per_slab - 64);
	fclose(file);
}

static void set_max_bytes(const char *value)
{
	FILE *file = fopen(PARAMETER, "we");

	must(file && fputs(value, file) >= 0 && !fclose(file), PARAMETER);
}

/* A claim keeps an ID, and its counters, while it has no events. */
static void claim_all(int (*change)(int id))
{
	int i, err;

	for (i = 0; i < IDS; i++) {
		err = change(FIRST_ID + i);
		if (err)
			complain("a claim: %s", ke_strerror(err));
	}
}

static int claim(int id)
{
	return ke_claim(&ke, id, 0666);
}

static int unclaim(int id)
{
	return ke_unclaim(&ke, id);
}

int main(int argc, char **argv)
{
	double duration = argc == 2 ? strtod(argv[1], NULL) : 0;
	struct ke_limits limits;
	char usual[32];
	unsigned long kills;
	int err;

	if (duration <= 0) {
		fputs("usage: soak SECONDS\n", stderr);
		return EXIT_FAILURE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	soak = mmap(NULL, sizeof(*soak), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(soak != MAP_FAILED, "mmap");
	soak->producing = true;
	soak->consuming = true;
	err = ke_init(&ke);
	if (!err)
		err = ke_limits(&ke, &limits);
	if (err) {
		fprintf(stderr, "soak: %s\n", ke_strerror(err));
		return EXIT_FAILURE;
	}
	snprintf(usual, sizeof(usual), "%llu", (unsigned long long)limits.max_bytes);

	claim_all(claim);
	set_max_bytes(MAX_BYTES);
	kills = run_clients(duration);
	set_max_bytes(usual);
	settle(duration, kills);
	print_overhead();
	claim_all(unclaim);
	ke_close(&ke);
	if (soak->errors)
		printf("%u errors\n", soak->errors);
	return soak->errors ? EXIT_FAILURE : EXIT_SUCCESS;
}
