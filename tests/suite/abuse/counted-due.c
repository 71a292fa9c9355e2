// SPDX-License-Identifier: GPL-2.0-only
/* P7: what another user's events that fall due at one moment cost those who make calls then. */
#include "lib/clients.h"
#include "lib/cost.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/user.h"

#define EVENTS 50000
#define LEASES 20000
#define WATCHES 100
#define AHEAD_NS UINT64_C(800000000)	/* for sending and leasing them */
#define SPIN_NS UINT64_C(500000000)	/* less than the kernel lets a task rule */
#define MS UINT64_C(1000000)
#define SAMPLES 20
#define PLENTY (UINT64_C(1) << 30)	/* bytes */

/* Hers fall due, his are the calls. */
static kevents_ctx hers, his;

struct target {
	int id;
};

static void poll_id(void *arg)
{
	struct target *target = arg;

	ck_assert_int_ge(ke_poll_event(&his, target->id), 0);
}

static void receive(void *arg)
{
	struct target *target = arg;
	char room[16];

	/* The rest is done by a worker: an event whose lease is over may not be back yet. */
	ke_get_event(&his, target->id, room, sizeof(room));
}

static void look(void *arg)
{
	struct target *target = arg;
	struct ke_stat stat;

	ASSERT_OK(ke_stat(&his, target->id, &stat));
}

static void send(void *arg)
{
	struct target *target = arg;

	ASSERT_OK(ke_send_event(&his, target->id, NULL, 0));
}

/* She may have as many events as it takes. */
static void open_both(void)
{
	limit_set("max_bytes", PLENTY);
	limit_set("user_max_bytes", PLENTY);
	user_open(&hers, fresh_user());
	user_open(&his, fresh_user());
}

static uint32_t ms_until(uint64_t end)
{
	uint64_t now = now_ns();

	ck_assert_msg(now < end, "it took too long to make them");
	return (end - now + MS - 1) / MS;
}

static void send_until(int id, unsigned int count, uint64_t end)
{
	struct ke_event ev;
	unsigned int i;

	for (i = 0; i < count; i++) {
		ev = (struct ke_event){ .id = id };
		if (end)
			ev.ttl_ms = ms_until(end);
		ASSERT_OK(ke_send(&hers, &ev, 0, 0));
	}
}

static void lease_until(int id, unsigned int count, uint64_t end)
{
	struct ke_event ev;
	unsigned int i;

	for (i = 0; i < count; i++) {
		ev = (struct ke_event){ .lease_ms = ms_until(end) };
		ASSERT_OK(ke_receive(&hers, id, &ev, KE_LEASE, 0));
	}
}

/*
 * Returns after the last of them is due, within a ms after the first. There is one
 * processor, and no worker gets it until task_yield_rule().
 */
static void rule_until(uint64_t end)
{
	while (now_ns() + SPIN_NS < end)
		nanosleep(&(struct timespec){ .tv_nsec = MS }, NULL);
	task_rule();
	while (now_ns() < end + 2 * MS)
		;
}

static uint64_t base_of(void (*work)(void *arg))
{
	struct target quiet = { fresh_id() };
	uint64_t most = cost_of(work, &quiet, SAMPLES).most;

	drain(quiet.id);
	return most;
}

/* work is the first call after they have all expired. */
static void assert_expiry_costs_no_more(const char *call, void (*work)(void *arg), bool same_id)
{
	struct target target = { fresh_id() }, other = { fresh_id() };
	uint64_t end, base, cost;

	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	open_both();
	base = base_of(work);
	end = now_ns() + AHEAD_NS;
	send_until(target.id, EVENTS, end);
	rule_until(end);
	cost = cost_once(work, same_id ? &target : &other);
	cost_assert_once(call, cost, base);
	cost_assert_once(call, cost_once(work, same_id ? &target : &other), base);
	task_yield_rule();
	drain(target.id);
	drain(other.id);
	ASSERT_OK(ke_close(&hers));
	ASSERT_OK(ke_close(&his));
}

START_TEST(p7_events_that_expire_at_once_bound_a_poll)
{
	assert_expiry_costs_no_more("a poll", poll_id, true);
}
END_TEST

START_TEST(p7_events_that_expire_at_once_bound_a_receive)
{
	assert_expiry_costs_no_more("a receive", receive, true);
}
END_TEST

START_TEST(p7_events_that_expire_at_once_bound_a_stat)
{
	assert_expiry_costs_no_more("a stat", look, true);
}
END_TEST

START_TEST(p7_events_that_expire_at_once_bound_a_send)
{
	assert_expiry_costs_no_more("a send", send, true);
}
END_TEST

START_TEST(p7_events_that_expire_at_once_bound_calls_for_another_id)
{
	assert_expiry_costs_no_more("a poll", poll_id, false);
}
END_TEST

static void assert_leases_cost_no_more(const char *call, void (*work)(void *arg),
				       unsigned int leases, unsigned int watches)
{
	struct target target = { fresh_id() };
	kevents_ctx *watchers;
	uint64_t end, base;
	unsigned int i;

	if (!cost_is_counted())
		SKIP(NOT_COUNTED);
	open_both();
	base = base_of(work);
	watchers = clients_open(fresh_user(), watches);
	for (i = 0; i < watches; i++)
		ASSERT_OK(ke_watch(&watchers[i], target.id));
	send_until(target.id, leases, 0);
	end = now_ns() + AHEAD_NS;
	lease_until(target.id, leases, end);
	rule_until(end);
	cost_assert_once(call, cost_once(work, &target), base);
	cost_assert_once(call, cost_once(work, &target), base);
	task_yield_rule();
	ASSERT_OK(ke_close(&hers));
	ck_assert_uint_le(drain(target.id), leases);
	clients_close(watchers, watches);
	ASSERT_OK(ke_close(&his));
}

START_TEST(p7_leases_that_end_at_once_bound_a_poll)
{
	assert_leases_cost_no_more("a poll", poll_id, LEASES, 0);
}
END_TEST

START_TEST(p7_leases_that_end_at_once_bound_a_receive)
{
	assert_leases_cost_no_more("a receive", receive, LEASES, 0);
}
END_TEST

START_TEST(p7_leases_of_a_watched_id_that_end_at_once_bound_a_poll)
{
	assert_leases_cost_no_more("a poll", poll_id, LEASES, WATCHES);
}
END_TEST

TESTS(120, WITH_CLIENT,
      p7_events_that_expire_at_once_bound_a_poll,
      p7_events_that_expire_at_once_bound_a_receive,
      p7_events_that_expire_at_once_bound_a_stat,
      p7_events_that_expire_at_once_bound_a_send,
      p7_events_that_expire_at_once_bound_calls_for_another_id,
      p7_leases_that_end_at_once_bound_a_poll,
      p7_leases_that_end_at_once_bound_a_receive,
      p7_leases_of_a_watched_id_that_end_at_once_bound_a_poll)
