// SPDX-License-Identifier: GPL-2.0-only
/* P7: what another user's watches of an ID cost those who use it. */
#include <sys/epoll.h>

#include "lib/clients.h"
#include "lib/cost.h"
#include "lib/harness.h"
#include "lib/user.h"

#define WATCHES 10000
#define FEW 200		/* calls, each of which is looked at */
#define MANY 10000	/* calls, for the average: telling all watches is spread over them */
#define BATCH 16
#define ROUNDS 20
#define TRIES 3

/* A user of the ID, and of one that nobody watches. */
static kevents_ctx his;

struct target {
	int id;
};

static void send_one(void *arg)
{
	const struct target *target = arg;

	ASSERT_OK(ke_send_event(&his, target->id, "abcdefg", 8));
}

static void send_batch(void *arg)
{
	const struct target *target = arg;
	struct ke_event evs[BATCH];
	int i;

	for (i = 0; i < BATCH; i++)
		evs[i] = (struct ke_event){ .id = target->id };
	ASSERT_RESULT(ke_send_batch(&his, evs, BATCH, 0), BATCH);
}

static void claim(void *arg)
{
	const struct target *target = arg;

	ASSERT_OK(ke_claim(&his, target->id, 0666));
}

static void unclaim(void *arg)
{
	const struct target *target = arg;

	ASSERT_OK(ke_unclaim(&his, target->id));
}

/* Another user's clients, all of which watch the ID. */
struct watchers {
	kevents_ctx *clients;
	int epoll;
};

static struct watchers watch(int id, bool polled)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct watchers watchers = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	int i;

	ASSERT_SYS(watchers.epoll);
	watchers.clients = clients_open(fresh_user(), WATCHES);
	for (i = 0; i < WATCHES; i++) {
		ASSERT_OK(ke_watch(&watchers.clients[i], id));
		if (polled)
			ASSERT_SYS(epoll_ctl(watchers.epoll, EPOLL_CTL_ADD,
					     ke_fd(&watchers.clients[i]), &event));
	}
	return watchers;
}

/* Each finds that there is nothing, so that it has to be told of the next event. */
static void find_nothing(const struct watchers *watchers)
{
	struct ke_event ev;
	int i;

	for (i = 0; i < WATCHES; i++) {
		ev = (struct ke_event){ .size = 0 };
		ASSERT_RESULT(ke_receive(&watchers->clients[i], 0, &ev, KE_WATCHED, 0), -ENOMSG);
	}
}

static void stop_watching(struct watchers *watchers)
{
	close(watchers->epoll);
	clients_close(watchers->clients, WATCHES);
	ASSERT_OK(ke_close(&his));
}

/* What the call costs, and the dearest one, under an ID that others watch. */
static struct cost cost_watched(void (*work)(void *arg), unsigned int sends, bool polled,
				struct cost *mean)
{
	struct target watched = { fresh_id() };
	struct watchers watchers = watch(watched.id, polled);
	struct cost first = cost_of(work, &watched, FEW);

	*mean = cost_of(work, &watched, MANY / sends);
	ASSERT_RESULT(ke_purge(&his, watched.id), FEW * sends + MANY / sends * sends);
	close(watchers.epoll);
	clients_close(watchers.clients, WATCHES);
	if (mean->most > first.most)
		first.most = mean->most;
	return first;
}

/*
 * An interrupt may do other work within a call, such as RCU callbacks of what was closed
 * before: a call is too dear if it is so each time.
 */
static void assert_no_dearer(const char *call, void (*work)(void *arg), unsigned int sends,
			     bool polled)
{
	struct target lonely = { fresh_id() };
	struct cost base, cost, mean;
	double base_mean;
	int tries = 0;

	user_open(&his, fresh_user());
	base = cost_of(work, &lonely, FEW);
	/* As many as below: what more slabs cost is in it. */
	base_mean = cost_of(work, &lonely, MANY / sends).mean;
	ASSERT_RESULT(ke_purge(&his, lonely.id), FEW * sends + MANY / sends * sends);
	do {
		cost = cost_watched(work, sends, polled, &mean);
		cost_assert_mean(call, mean.mean, base_mean, COST_MORE_MEAN * sends);
	} while (cost.most > base.most + COST_MORE_ONCE && ++tries < TRIES);
	cost_assert_once(call, cost.most, base.most);
	ASSERT_OK(ke_close(&his));
}

START_TEST(p7_watches_make_no_send_dearer)
{
	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	assert_no_dearer("a send", send_one, 1, false);
}
END_TEST

START_TEST(p7_polled_watches_make_no_send_dearer)
{
	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	assert_no_dearer("a send", send_one, 1, true);
}
END_TEST

START_TEST(p7_polled_watches_make_no_batch_dearer)
{
	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	assert_no_dearer("a batch", send_batch, BATCH, true);
}
END_TEST

/* Their owner does all that is needed for the next event to be news to each of them. */
START_TEST(p7_watches_that_are_told_again_and_again_bound_a_send)
{
	struct target lonely = { fresh_id() }, watched = { fresh_id() };
	struct watchers watchers;
	uint64_t base;
	int i;

	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	user_open(&his, fresh_user());
	base = cost_of(send_one, &lonely, FEW).most;
	ASSERT_RESULT(ke_purge(&his, lonely.id), FEW);
	watchers = watch(watched.id, true);
	for (i = 0; i < ROUNDS; i++) {
		cost_assert_once("a send", cost_once(send_one, &watched), base);
		cost_assert_once("the next send", cost_once(send_one, &watched), base);
		ck_assert_uint_eq(drain(watched.id), 2);
		find_nothing(&watchers);
	}
	stop_watching(&watchers);
}
END_TEST

START_TEST(p7_watches_make_no_claim_dearer)
{
	struct target lonely = { fresh_id() }, watched = { fresh_id() };
	uint64_t claim_base = 0, unclaim_base = 0, cost;
	struct watchers watchers;
	int i;

	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	user_open(&his, fresh_user());
	for (i = 0; i < ROUNDS; i++) {
		cost = cost_once(claim, &lonely);
		claim_base = cost > claim_base ? cost : claim_base;
		cost = cost_once(unclaim, &lonely);
		unclaim_base = cost > unclaim_base ? cost : unclaim_base;
	}
	watchers = watch(watched.id, true);
	for (i = 0; i < ROUNDS; i++) {
		cost_assert_once("a claim", cost_once(claim, &watched), claim_base);
		cost_assert_once("its end", cost_once(unclaim, &watched), unclaim_base);
	}
	stop_watching(&watchers);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p7_watches_make_no_send_dearer,
      p7_polled_watches_make_no_send_dearer,
      p7_polled_watches_make_no_batch_dearer,
      p7_watches_that_are_told_again_and_again_bound_a_send,
      p7_watches_make_no_claim_dearer)
