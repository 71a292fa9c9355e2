// SPDX-License-Identifier: GPL-2.0-only
/* P5, P7, P9: many senders of one user that wait for room. */
#include <sys/resource.h>

#include "lib/clients.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/workers.h"

#define LINE 100	/* threads that wait */
#define LIMIT 150000
#define SIZE 200
#define ROOM 400000	/* bytes of max_bytes, and what he wants of them: */
#define LARGE 30000
#define CROWD 8		/* threads that send as long as they can */
#define TURNS 1000	/* events of theirs that make room */
#define TURN_NS 5000000	/* for one of them to use it */

#define SPARE 10	/* events whose room is left, so that some comes and goes */

static char payload[LARGE];

struct line {
	struct workers workers;
	unsigned int filled;
	unsigned int served;	/* of the threads that waited */
	unsigned int wake_ups;	/* of all of them */
};

struct place {
	struct line *line;
	unsigned int number;
	pid_t tid;
	pthread_t thread;
};

static void send_sized(kevents_ctx *client, int id, unsigned int number)
{
	char data[SIZE] = { 0 };
	struct ke_event ev = { .id = id, .data = data, .len = sizeof(data) };

	memcpy(data, &number, sizeof(number));
	ASSERT_OK(ke_send(client, &ev, 0, -1));
}

static unsigned int receive_sized(int id)
{
	char data[SIZE];
	unsigned int number;

	ASSERT_OK(ke_get_event(&ke, id, data, sizeof(data)));
	memcpy(&number, data, sizeof(number));
	return number;
}

static unsigned int wake_ups(void)
{
	struct rusage usage;

	ASSERT_SYS(getrusage(RUSAGE_THREAD, &usage));
	return usage.ru_nvcsw;
}

static void *wait_in_line(void *arg)
{
	struct place *place = arg;
	unsigned int before = wake_ups();

	__atomic_store_n(&place->tid, gettid(), __ATOMIC_RELEASE);
	send_sized(&ke, place->line->workers.id, place->number);
	__atomic_fetch_add(&place->line->wake_ups, wake_ups() - before, __ATOMIC_RELAXED);
	workers_count(&place->line->served);
	return NULL;
}

/* Has no room left, then waits for some LINE times over, in this order. */
static int form_line(void *arg)
{
	static struct place places[LINE];
	struct line *line = arg;
	int refusal;
	unsigned int i;

	workers_enter(&line->workers);
	line->filled = client_fill(&ke, line->workers.id, SIZE, &refusal);
	for (i = 0; i < LINE; i++) {
		places[i] = (struct place){ .line = line, .number = i };
		ck_assert_int_eq(pthread_create(&places[i].thread, NULL, wait_in_line, &places[i]),
				 0);
		WAIT_UNTIL(__atomic_load_n(&places[i].tid, __ATOMIC_ACQUIRE));
		task_wait_blocked(places[i].tid);
	}
	workers_say_ready(&line->workers);
	for (i = 0; i < LINE; i++)
		ck_assert_int_eq(pthread_join(places[i].thread, NULL), 0);
	return 0;
}

static pid_t start_line(struct line **line)
{
	pid_t pid;

	limit_set("user_max_bytes", LIMIT);
	*line = shared_memory(sizeof(**line));
	workers_init(&(*line)->workers);
	pid = child_start(form_line, *line);
	workers_wait_ready(&(*line)->workers, 1);
	ck_assert_uint_ge((*line)->filled, LINE);
	return pid;
}

/* Makes room for all of them, for the next when one has got it. */
static void serve_line(const struct line *line)
{
	unsigned int i;

	for (i = 1; i <= LINE; i++) {
		receive_sized(line->workers.id);
		WAIT_UNTIL(workers_counted(&line->served) >= i);
	}
}

START_TEST(p9_blocked_senders_of_an_account_are_served_in_order)
{
	struct line *line;
	pid_t pid = start_line(&line);
	unsigned int i, number;

	serve_line(line);
	ck_assert_int_eq(child_join(pid), 0);
	for (i = LINE; i < line->filled; i++)
		receive_sized(line->workers.id);
	for (i = 0; i < LINE; i++) {
		number = receive_sized(line->workers.id);
		ck_assert_msg(number == i, "sender %u is served when it is the turn of %u",
			      number, i);
	}
}
END_TEST

/* One for each, and for what else a thread may sleep. */
START_TEST(p7_room_for_one_event_wakes_one_blocked_sender)
{
	struct line *line;
	pid_t pid = start_line(&line);

	serve_line(line);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_msg(line->wake_ups <= 2 * LINE, "%d senders were woken %u times", LINE,
		      line->wake_ups);
	drain(line->workers.id);
}
END_TEST

_Noreturn static void send_for_ever(struct line *line)
{
	for (;;) {
		send_sized(&ke, line->workers.id, 0);
		workers_count(&line->workers.sent);
	}
}

static void *send_on_and_on(void *arg)
{
	send_for_ever(arg);
}

static int take_all_room(void *arg)
{
	struct line *line = arg;
	pthread_t thread;
	int i, refusal;

	workers_enter(&line->workers);
	client_fill(&ke, line->workers.id, SIZE, &refusal);
	workers_say_ready(&line->workers);
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(pthread_create(&thread, NULL, send_on_and_on, line), 0);
	stay();
}

static int want_room(void *arg)
{
	struct line *line = arg;
	struct ke_event ev = { .id = line->workers.id, .data = payload, .len = LARGE };

	workers_enter(&line->workers);
	workers_say_ready(&line->workers);
	ASSERT_OK(ke_send(&ke, &ev, 0, -1));
	workers_count(&line->served);
	return 0;
}

/* Makes room for one event of hers, and gives her time to use it. */
static void give_turn(const struct line *hers, const struct line *his)
{
	unsigned int before = workers_counted(&hers->workers.sent);
	uint64_t end = now_ns() + TURN_NS;

	receive_sized(hers->workers.id);
	while (workers_counted(&hers->workers.sent) == before && !workers_counted(&his->served) &&
	       now_ns() < end)
		sched_yield();
}

/* She sends 200 bytes at a time and waits, he wants 30,000 and holds nothing. */
START_TEST(p5_waiting_senders_of_one_user_starve_no_other)
{
	struct line *lines = shared_memory(2 * sizeof(*lines)), *hers = lines, *his = lines + 1;
	pid_t crowd, one;
	int i;

	limit_set("max_bytes", limits_now().bytes + ROOM);
	workers_init(&hers->workers);
	workers_init(&his->workers);
	crowd = child_start(take_all_room, hers);
	workers_wait_ready(&hers->workers, 1);
	one = child_start(want_room, his);
	workers_wait_ready(&his->workers, 1);
	for (i = 0; i < TURNS && !workers_counted(&his->served); i++)
		give_turn(hers, his);
	ck_assert_msg(workers_counted(&his->served), "he waits while she sends %u events",
		      workers_counted(&hers->workers.sent));
	ck_assert_int_eq(child_join(one), 0);
	kill_and_join(crowd);
	ASSERT_OK(ke_get_event(&ke, his->workers.id, payload, sizeof(payload)));
	drain(hers->workers.id);
}
END_TEST

START_TEST(p7_a_kill_ends_senders_that_wait_for_room)
{
	struct line *line;
	pid_t pid = start_line(&line);

	kill_and_join(pid);
	ck_assert_uint_eq(drain(line->workers.id), line->filled);
}
END_TEST

/* Room comes and goes, never as much as he wants. */
_Noreturn static void make_and_take_room(struct workers *workers)
{
	char data[SIZE] = { 0 };

	for (;;) {
		if (!ke_send_event(&ke, workers->id, data, sizeof(data)))
			ASSERT_OK(ke_get_event(&ke, workers->id, data, sizeof(data)));
		workers_count(&workers->sent);
	}
}

static int toggled_room(void *arg)
{
	struct workers *workers = arg;

	workers_enter(workers);
	make_and_take_room(workers);
}

START_TEST(p7_a_kill_ends_a_sender_that_is_refused_again_and_again)
{
	struct line *lines = shared_memory(2 * sizeof(*lines)), *line = lines, *his = lines + 1;
	unsigned int before;
	kevents_ctx *client;
	pid_t toggler, wants;
	int i, refusal;

	limit_set("user_max_bytes", LIMIT);
	workers_init(&line->workers);
	his->workers = line->workers;
	his->workers.id = fresh_id();
	client = clients_open(line->workers.uid, 1);
	ck_assert_uint_gt(client_fill(client, line->workers.id, SIZE, &refusal), SPARE);
	for (i = 0; i < SPARE; i++)
		receive_sized(line->workers.id);
	toggler = child_start(toggled_room, &line->workers);
	WAIT_UNTIL(workers_counted(&line->workers.sent));
	wants = child_start(want_room, his);
	task_wait_blocked(wants);
	before = workers_counted(&line->workers.sent);
	WAIT_UNTIL(workers_counted(&line->workers.sent) > before + 1000);
	kill_and_join(wants);
	kill_and_join(toggler);
	drain(line->workers.id);
	clients_close(client, 1);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p9_blocked_senders_of_an_account_are_served_in_order,
      p7_room_for_one_event_wakes_one_blocked_sender,
      p5_waiting_senders_of_one_user_starve_no_other,
      p7_a_kill_ends_senders_that_wait_for_room,
      p7_a_kill_ends_a_sender_that_is_refused_again_and_again)
