// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading the module, with events left in it. */
#include "lib/harness.h"
#include "lib/module.h"
#include "lib/task.h"

#define CYCLES 50

static void open_client(void)
{
	ASSERT_OK(ke_init(&ke));
}

static void close_client(void)
{
	ASSERT_OK(ke_close(&ke));
}

static void reload(void)
{
	ASSERT_OK(module_unload());
	ASSERT_OK(module_load());
}

START_TEST(an_open_client_keeps_the_module)
{
	if (!module_is_known())
		SKIP("$KEVENTS_MODULE is not set");
	open_client();
	ASSERT_RESULT(module_unload(), -EWOULDBLOCK);
	close_client();
	reload();
}
END_TEST

static int wait_for_ever(void *arg)
{
	struct ke_event ev = { .size = 0 };

	open_client();
	return ke_receive(&ke, *(int *)arg, &ev, 0, -1);
}

START_TEST(a_blocked_receiver_keeps_the_module)
{
	int id = fresh_id();
	pid_t pid;

	if (!module_is_known())
		SKIP("$KEVENTS_MODULE is not set");
	pid = child_start(wait_for_ever, &id);
	task_wait_blocked(pid);
	ASSERT_RESULT(module_unload(), -EWOULDBLOCK);
	ASSERT_SYS(kill(pid, SIGKILL));
	ck_assert_int_eq(child_join(pid), 128 + SIGKILL);
	reload();
}
END_TEST

START_TEST(events_that_wait_do_not_keep_the_module_and_go_with_it)
{
	int id = fresh_id();

	if (!module_is_known())
		SKIP("$KEVENTS_MODULE is not set");
	open_client();
	send_number(id, 1);
	close_client();
	ASSERT_OK(module_unload());
	ASSERT_RESULT(ke_init(&ke), -ENOENT);
	ASSERT_OK(module_load());
	open_client();
	assert_empty(id);
	close_client();
}
END_TEST

/* Events of all sizes under many IDs, and IDs that are empty again. */
static void fill(void)
{
	static char payload[10000];
	int i;

	open_client();
	for (i = 0; i < 20; i++) {
		ASSERT_OK(ke_send_event(&ke, i, payload, i * 500));
		ASSERT_OK(ke_send_event(&ke, i, payload, i));
		send_number(-1 - i, i);
		ck_assert_uint_eq(receive_number(-1 - i), i);
	}
	close_client();
}

struct neighbour {
	int turn;	/* the child fills its namespace when told, and says so */
	int done;
};

static int fill_other_namespace(void *arg)
{
	struct neighbour *neighbour = arg;
	int turn;

	ASSERT_SYS(unshare(CLONE_NEWNET));
	for (turn = 1; turn <= CYCLES; turn++) {
		WAIT_UNTIL(__atomic_load_n(&neighbour->turn, __ATOMIC_ACQUIRE) == turn);
		fill();
		__atomic_store_n(&neighbour->done, turn, __ATOMIC_RELEASE);
	}
	return 0;
}

START_TEST(p8_the_module_comes_and_goes_with_events_in_two_namespaces)
{
	struct neighbour *neighbour = shared_memory(sizeof(*neighbour));
	int turn;
	pid_t pid;

	if (!module_is_known())
		SKIP("$KEVENTS_MODULE is not set");
	pid = child_start(fill_other_namespace, neighbour);
	for (turn = 1; turn <= CYCLES; turn++) {
		__atomic_store_n(&neighbour->turn, turn, __ATOMIC_RELEASE);
		fill();
		WAIT_UNTIL(__atomic_load_n(&neighbour->done, __ATOMIC_ACQUIRE) == turn);
		reload();
	}
	ck_assert_int_eq(child_join(pid), 0);
}
END_TEST

START_TEST(a_parameter_is_given_when_loading)
{
	if (!module_is_known())
		SKIP("$KEVENTS_MODULE is not set");
	ASSERT_OK(module_unload());
	ASSERT_OK(module_load_with("max_event_size=100 strict"));
	ck_assert_int_eq(parameter_get("max_event_size"), 100);
	open_client();
	ASSERT_RESULT(ke_send_event(&ke, 1, NULL, 0), -EPERM);
	close_client();
	reload();
	ck_assert_int_eq(parameter_get("max_event_size"), 65536);
}
END_TEST

START_TEST(limits_that_are_given_when_loading_are_kept)
{
	const long usual = parameter_get("max_bytes");

	if (!module_is_known())
		SKIP("$KEVENTS_MODULE is not set");
	ASSERT_OK(module_unload());
	ASSERT_OK(module_load_with("max_bytes=1000000 user_max_bytes=2000000"));
	ck_assert_int_eq(parameter_get("max_bytes"), 1000000);
	ck_assert_int_eq(parameter_get("user_max_bytes"), 2000000);
	ASSERT_OK(module_unload());
	ASSERT_OK(module_load_with("max_bytes=0"));
	ck_assert_int_eq(parameter_get("max_bytes"), 0);
	open_client();
	ASSERT_RESULT(ke_send_event(&ke, 1, NULL, 0), -EAGAIN);
	close_client();
	reload();
	ck_assert_int_eq(parameter_get("max_bytes"), usual);
	open_client();
	send_number(1, 1);
	ck_assert_uint_eq(receive_number(1), 1);
	close_client();
}
END_TEST

TESTS(300, WITHOUT_CLIENT,
      an_open_client_keeps_the_module,
      a_blocked_receiver_keeps_the_module,
      events_that_wait_do_not_keep_the_module_and_go_with_it,
      p8_the_module_comes_and_goes_with_events_in_two_namespaces,
      a_parameter_is_given_when_loading,
      limits_that_are_given_when_loading_are_kept)
