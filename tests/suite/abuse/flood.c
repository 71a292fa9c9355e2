// SPDX-License-Identifier: GPL-2.0-only
/* P5, P7: floods of whatever a user can have of, and another user's traffic beside them. */
#include <sys/resource.h>
#include <time.h>

#include "lib/cgroup.h"
#include "lib/harness.h"
#include "lib/lease.h"
#include "lib/limits.h"
#include "lib/module.h"
#include "lib/task.h"
#include "lib/workers.h"

#define FLOODERS 4
#define LOOKS 5
#define FIRST FRESH_IDS_END	/* their IDs */
#define EACH 100000		/* how many of these one of them may use */
#define FILES 128
#define TASKS 150		/* processes and threads of one user */
#define SLOWER 30		/* how much the other's calls may cost, of what they do alone */
#define TAKEN 1000		/* events of a flood at a time */

/* What the kernel charges ahead for each processor, and tables of a process that grow. */
#define CHARGED_AHEAD (640 << 10)

static char payload[60000];

/* A process that adds one thing after the other until that is refused, and then goes on. */
struct flood {
	struct workers *workers;
	int (*add)(struct flood *flood, int i);
	int refusal;
	int first;		/* of its own IDs */
	size_t len;
	bool refused;
};

static int add_event(struct flood *flood, int i)
{
	(void)i;
	return ke_send_event(&ke, flood->workers->id, payload, flood->len);
}

static int add_id(struct flood *flood, int i)
{
	return ke_send_event(&ke, flood->first + i, payload, flood->len);
}

static int add_watch(struct flood *flood, int i)
{
	return ke_watch(&ke, flood->first + i);
}

static int add_claim(struct flood *flood, int i)
{
	return ke_claim(&ke, flood->first + i, 0600);
}

static int add_client(struct flood *flood, int i)
{
	kevents_ctx client;

	(void)flood;
	(void)i;
	return ke_init(&client);
}

/* Half of them at one ID, and half at one of its own each. */
static void *wait_for_ever(void *arg)
{
	const int id = (int)(intptr_t)arg;
	uint64_t number;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	ke_receive(&ke, id, &ev, 0, -1);
	return NULL;
}

static int add_thread(struct flood *flood, int i)
{
	const int id = i % 2 ? flood->first + i : flood->workers->id;
	pthread_t thread;

	return -pthread_create(&thread, NULL, wait_for_ever, (void *)(intptr_t)id);
}

static void limit_resources(void)
{
	const struct rlimit files = { FILES, FILES }, tasks = { TASKS, TASKS };

	ASSERT_SYS(setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_SYS(setrlimit(RLIMIT_NPROC, &tasks));
}

static int add_until_killed(void *arg)
{
	struct flood *flood = arg;
	int i = 0, err;

	limit_resources();
	workers_enter(flood->workers);
	for (;;) {
		err = flood->add(flood, i);
		if (!err) {
			i++;
			workers_count(&flood->workers->sent);
			continue;
		}
		ASSERT_RESULT(err, flood->refusal);
		if (!flood->refused)
			workers_say_ready(flood->workers);
		flood->refused = true;
		workers_count(&flood->workers->refused);
	}
}

static void start_flood(struct flood *flood, pid_t *pids)
{
	flood->workers = workers_new();
	for (int i = 0; i < FLOODERS; i++) {
		flood->first = FIRST + i * EACH;
		pids[i] = child_start(add_until_killed, flood);
	}
	workers_wait_ready(flood->workers, FLOODERS);
}

/* Events and claims stay when their process is gone. */
static void clear_away(const struct flood *flood)
{
	int count = ke_list(&ke, NULL, 0), i;
	int *ids = calloc(count + 1, sizeof(*ids));

	ck_assert_ptr_nonnull(ids);
	count = ke_list(&ke, ids, count);
	for (i = 0; i < count; i++) {
		if (ids[i] < FIRST || ids[i] >= FIRST + FLOODERS * EACH)
			continue;
		ck_assert_int_ge(ke_purge(&ke, ids[i]), 0);
		ke_unclaim(&ke, ids[i]);
	}
	free(ids);
	drain(flood->workers->id);
}

static uint64_t own_time_ns(void)
{
	struct timespec now;

	ASSERT_SYS(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

/* The other's traffic: a receiver that waits, and many events. How long it works for these. */
static uint64_t cost_of_traffic(int id)
{
	struct receiver receiver = RECEIVER(id);
	uint64_t start, cost, times = 0;

	receiver_block(&receiver);
	send_number(id, 1);
	receiver_expect(&receiver, 1);
	start = own_time_ns();
	do {
		assert_traffic(id);
		cost = own_time_ns() - start;
		times++;
	} while (cost < TELLING);
	return cost / times;
}

/* The least of several, which nothing else has disturbed. */
static uint64_t least_cost_of_traffic(int id)
{
	uint64_t least = UINT64_MAX, cost;

	for (int i = 0; i < LOOKS; i++) {
		cost = cost_of_traffic(id);
		if (cost < least)
			least = cost;
	}
	return least;
}

static void assert_bounded(const struct ke_limits *before)
{
	struct ke_limits now = limits_now();

	ck_assert_uint_le(now.bytes, before->bytes + now.user_max_bytes);
}

/* Not until nothing is left, which may be never: a flood fills up again what is taken. */
static void take_some(int id)
{
	int i;

	for (i = 0; i < TAKEN && !ke_get_event(&ke, id, payload, sizeof(payload)); i++)
		;
}

/* Looks at what the flood has while it goes on, and takes of its events. */
static void look_at(struct flood *flood, const struct ke_limits *before, int id)
{
	unsigned int refused;
	int i;

	for (i = 0; i < LOOKS; i++) {
		refused = workers_counted(&flood->workers->refused);
		assert_traffic(id);
		WAIT_UNTIL(workers_counted(&flood->workers->refused) > refused + 100);
		assert_bounded(before);
		take_some(flood->workers->id);
		assert_bounded(before);
	}
}

/* Floods are to end at limits that have been set; returns how much they had then. */
static unsigned int withstand(struct flood *flood)
{
	struct ke_limits before;
	pid_t flooders[FLOODERS];
	uint64_t alone, beside;
	unsigned int had;
	int id;

	id = quiet_id(&before);
	alone = least_cost_of_traffic(id);
	start_flood(flood, flooders);
	had = workers_counted(&flood->workers->sent);
	beside = least_cost_of_traffic(id);
	ck_assert_msg(beside < alone * SLOWER, "%llu ns beside it, %llu ns without",
		      (unsigned long long)beside, (unsigned long long)alone);
	look_at(flood, &before, id);
	kill_and_join_all(flooders, FLOODERS);
	clear_away(flood);
	ck_assert_uint_eq(stat_of(flood->workers->id).waiters, 0);
	limits_wait_back_to(&before);
	return had;
}

START_TEST(p5_a_flood_of_events_ends_at_user_max_bytes)
{
	struct flood flood = { .add = add_event, .refusal = -EDQUOT, .len = 100 };

	limit_events(500, flood.len);
	ck_assert_uint_ge(withstand(&flood), 500);
}
END_TEST

START_TEST(p5_a_flood_of_new_ids_ends_at_user_max_bytes)
{
	struct flood flood = { .add = add_id, .refusal = -EDQUOT };

	limit_events(2000, 0);
	ck_assert_uint_eq(withstand(&flood), 2000);
}
END_TEST

START_TEST(p5_a_flood_of_watches_ends_at_user_max_bytes)
{
	struct flood flood = { .add = add_watch, .refusal = -EDQUOT };

	limit_set("user_max_bytes", 1000 * watch_bytes());
	ck_assert_uint_eq(withstand(&flood), 1000);
}
END_TEST

START_TEST(p5_a_flood_of_claims_ends_at_user_max_bytes)
{
	struct flood flood = { .add = add_claim, .refusal = -EDQUOT };

	limit_set("user_max_bytes", 2000 * claim_bytes());
	ck_assert_uint_eq(withstand(&flood), 2000);
}
END_TEST

START_TEST(p5_a_flood_of_waiters_ends_at_rlimit_nproc)
{
	struct flood flood = { .add = add_thread, .refusal = -EAGAIN };
	unsigned int had = withstand(&flood);

	ck_assert_uint_ge(had, TASKS - FLOODERS);
	/* Those that are refused at the same time may not all be. */
	ck_assert_uint_le(had, TASKS + TASKS / 4);
}
END_TEST

/* All but standard input, output and error and what the harness has. */
START_TEST(p5_a_flood_of_clients_ends_at_rlimit_nofile)
{
	struct flood flood = { .add = add_client, .refusal = -EMFILE };
	unsigned int had = withstand(&flood);

	ck_assert_uint_le(had, FLOODERS * FILES);
	ck_assert_uint_ge(had, FLOODERS * (FILES - 32));
}
END_TEST

/* What the module says that a user has, and the kernel that its group has. */
struct books {
	struct flood flood;
	int64_t counted;
	int64_t charged;
};

static int flood_in_group(void *arg)
{
	struct books *books = arg;
	struct flood *flood = &books->flood;
	int64_t counted, charged;
	int i = 0, err;

	cgroup_enter();
	workers_enter(flood->workers);
	limits_after_sending(flood->workers->id);
	counted = limits_now().user_bytes;
	charged = cgroup_charged();
	while (!(err = flood->add(flood, i)))
		i++;
	ASSERT_RESULT(err, -EDQUOT);
	books->counted = limits_now().user_bytes - counted;
	books->charged = cgroup_charged() - charged;
	return 0;
}

/*
 * The module counts what it asks for, and a queue for each of what may have one in common:
 * so many times more, at most, than the kernel. What the last turn had is to be gone, for
 * it is charged to the group, too.
 */
static void compare_books(const char *what, int (*add)(struct flood *flood, int i), size_t len,
			  int times)
{
	/* A kernel that looks for mistakes puts more around each object. */
	const double most = slab_growth(EVENTS) * 9 / 8;
	struct books *books = shared_memory(sizeof(*books));

	replace_idle_queues();
	books->flood = (struct flood){
		.workers = workers_new(), .add = add, .first = FIRST, .len = len,
	};
	child_run(flood_in_group, books);
	clear_away(&books->flood);
	ck_assert_msg(books->charged >= books->counted / times &&
		      books->charged <= books->counted * most + CHARGED_AHEAD,
		      "%s: the module counts %lld bytes, the kernel %lld", what,
		      (long long)books->counted, (long long)books->charged);
}

START_TEST(p5_the_kernel_charges_a_user_for_what_the_module_says)
{
	const unsigned long most = 4 << 20;
	struct ke_limits before;

	if (!cgroup_make(0))
		SKIP(NO_CGROUPS);
	limit_set("user_max_bytes", most);
	quiet_id(&before);
	compare_books("small events", add_event, 8, 4);
	compare_books("events of 1000 bytes", add_event, 1000, 2);
	compare_books("large events", add_event, sizeof(payload), 2);
	compare_books("new IDs", add_id, 0, 2);
	compare_books("watches", add_watch, 0, 2);
	compare_books("claims", add_claim, 0, 2);
	limits_wait_back_to(&before);
	cgroup_remove();
}
END_TEST

TESTS(120, WITH_CLIENT,
      p5_a_flood_of_events_ends_at_user_max_bytes,
      p5_a_flood_of_new_ids_ends_at_user_max_bytes,
      p5_a_flood_of_watches_ends_at_user_max_bytes,
      p5_a_flood_of_claims_ends_at_user_max_bytes,
      p5_a_flood_of_waiters_ends_at_rlimit_nproc,
      p5_a_flood_of_clients_ends_at_rlimit_nofile,
      p5_the_kernel_charges_a_user_for_what_the_module_says)
