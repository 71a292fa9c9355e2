// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: fuzz SECONDS SEED [PLANS [guided]]
 *        fuzz 0 SEED[:STEP:SEED]...
 *
 * Makes random calls to /dev/kevents in rounds. Each round is a process with network
 * namespaces of its own. A round is a sequence of calls in two of these, each checked
 * against a model, or a parallel round of calls from many threads and processes. If the
 * kernel reports coverage, sequences that reached new code are varied. `guided` requires
 * coverage, and prints the sequences that reached much. The rounds of the file PLANS come
 * first. With 0 seconds, repeats one round. Needs root.
 */
#include "fuzz.h"

#include <errno.h>
#include <kevents.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "user.h"

#define ROUND_SECONDS 120
#define PARALLEL_EVERY 8
#define FRESH_MANY 4	/* new places that make a sequence worth printing */

static struct {
	struct account account;
	struct {
		struct plan plan;
		unsigned int fresh;
	} corpus[1024];			/* sequences that reached something new */
	unsigned int corpus_size;
	unsigned int reached;
	unsigned long rounds;		/* that succeeded */
	uint8_t seen[1 << 20];
} *shared;

static bool guided;

static bool is_parallel(const struct plan *plan)
{
	return plan->seed % PARALLEL_EVERY == 0;
}

static void note_coverage(const struct plan *plan)
{
	unsigned int fresh = 0;

	if (!coverage_end(shared->seen, sizeof(shared->seen), &fresh) && guided)
		fail("the kernel does not tell what is reached");
	shared->reached += fresh;
	if (fresh && shared->corpus_size < ARRAY_SIZE(shared->corpus))
		shared->corpus[shared->corpus_size++] = (typeof(*shared->corpus)){
			.plan = *plan, .fresh = fresh,
		};
}

static int round_run(const struct plan *plan)
{
	random_start(plan);
	if (unshare(CLONE_NEWNET))
		fail("unshare: %s", strerror(errno));
	memory_create();
	if (is_parallel(plan)) {
		parallel_run();
	} else {
		coverage_begin();
		sequence_run();
		note_coverage(plan);
	}
	return 0;
}

static void print_failure(const struct plan *plan, const char *how, int status)
{
	account->text[sizeof(account->text) - 1] = '\0';
	printf("%s\nround SEED=", account->text);
	plan_print(plan);
	printf(" %s (status %#x)\n", how, status);
}

/* Waits for the round, which has a process group of its own. Returns whether it succeeded. */
static bool round_join(pid_t pid, const struct plan *plan)
{
	int status = 0, i;

	for (i = 0; i < ROUND_SECONDS * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			kill(-pid, SIGKILL);
			if (status)
				print_failure(plan, "failed", status);
			return !status;
		}
		poll(NULL, 0, 10);
	}
	print_failure(plan, "does not end", 0);
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	return false;
}

static bool round_make(const struct plan *plan)
{
	pid_t pid;

	memset(account->text, 0, account->length < sizeof(account->text) ?
	       account->length : sizeof(account->text));
	account->length = 0;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return false;
	if (!pid) {
		setpgid(0, 0);
		_exit(round_run(plan));
	}
	setpgid(pid, pid);
	return round_join(pid, plan);
}

/* Returns a new plan, or a variation of one from the corpus. */
static struct plan plan_next(uint64_t seed)
{
	struct plan plan = { .seed = seed };
	uint64_t state = seed;

	if (!is_parallel(&plan) && shared->corpus_size && random_next(&state) % 2) {
		plan = shared->corpus[random_next(&state) % shared->corpus_size].plan;
		plan_vary(&plan, &state);
	}
	return plan;
}

static unsigned long bytes_held(void)
{
	struct ke_limits limits = { .bytes = 0 };
	kevents_ctx ke;

	if (ke_init(&ke))
		return 0;
	ke_limits(&ke, &limits);
	ke_close(&ke);
	return limits.bytes;
}

/* The kernel frees what the rounds left together with their namespaces, after a while. */
static bool nothing_leaked(unsigned long before)
{
	int i;

	for (i = 0; i < 300 && bytes_held() > before; i++)
		poll(NULL, 0, 100);
	if (i == 300)
		printf("%lu bytes are held, %lu were before\n", bytes_held(), before);
	return i < 300;
}

static bool round_goes_well(const struct plan *plan, unsigned long before)
{
	if (!round_make(plan))
		return false;
	if (is_parallel(plan) && !nothing_leaked(before)) {
		print_failure(plan, "leaks", 0);
		return false;
	}
	shared->rounds++;
	return true;
}

/* Runs rounds, the first one from the plan, for this many seconds; one round if 0. */
static bool rounds_make(const struct plan *plan, unsigned long seconds, unsigned long before)
{
	time_t end = time(NULL) + (time_t)seconds;
	struct plan next = *plan;
	uint64_t seed = plan->seed;

	do {
		if (!round_goes_well(&next, before))
			return false;
		next = plan_next(++seed);
	} while (time(NULL) < end);
	return true;
}

/* The file has a plan per line. A line that does not begin with a number is a comment. */
static bool rounds_replay(const char *path, unsigned long before)
{
	FILE *file = fopen(path, "re");
	bool good = file;
	struct plan plan;
	char line[512];

	while (good && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] < '0' || line[0] > '9')
			continue;
		good = plan_read(&plan, line) && round_goes_well(&plan, before);
	}
	if (file)
		fclose(file);
	return good;
}

/* Prints, for PLANS, the plans of the corpus that reached the most new places. */
static void print_corpus(void)
{
	unsigned int i;

	for (i = 0; i < shared->corpus_size; i++) {
		if (shared->corpus[i].fresh < FRESH_MANY)
			continue;
		plan_print(&shared->corpus[i].plan);
		printf(" reached %u\n", shared->corpus[i].fresh);
	}
}

int main(int argc, char **argv)
{
	struct plan plan = { .seed = 0 };
	unsigned long before;
	bool good;

	guided = argc == 5 && !strcmp(argv[4], "guided");
	if (argc < 3 || argc > 4 + guided || !plan_read(&plan, argv[2])) {
		fputs("usage: fuzz SECONDS SEED [PLANS [guided]]\n", stderr);
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	account = &shared->account;
	broker_create();
	settings_begin();
	/* Every user may open the device, so that only claims and limits stop them. */
	if (chmod(DEVICE, 0666))
		return 1;
	before = bytes_held();
	good = argc < 4 || rounds_replay(argv[3], before);
	good = good && rounds_make(&plan, strtoul(argv[1], NULL, 10), before);
	good = nothing_leaked(before) && good;
	printf("%lu rounds, %lu calls, %u places of the kernel reached, %u sequences kept\n",
	       shared->rounds, account->calls, shared->reached, shared->corpus_size);
	if (guided)
		print_corpus();
	return good && shared->rounds && account->calls ? EXIT_SUCCESS : EXIT_FAILURE;
}
