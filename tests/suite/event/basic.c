// SPDX-License-Identifier: GPL-2.0-only
/* The five calls of the basic interface. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "lib/harness.h"
#include "lib/memory.h"

START_TEST(an_event_is_sent_polled_and_received)
{
	static const char text[] = "left here";
	char room[32] = "";
	int id = fresh_id();

	ASSERT_RESULT(ke_poll_event(&ke, id), 0);
	ASSERT_OK(ke_send_event(&ke, id, text, sizeof(text)));
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	ASSERT_OK(ke_get_event(&ke, id, room, sizeof(room)));
	ck_assert_str_eq(room, text);
	ASSERT_RESULT(ke_poll_event(&ke, id), 0);
}
END_TEST

START_TEST(p1_an_event_is_received_once)
{
	int id = fresh_id();

	send_number(id, 1);
	ck_assert_uint_eq(receive_number(id), 1);
	assert_empty(id);
}
END_TEST

START_TEST(getting_from_an_id_without_events_is_enomsg)
{
	char room[8];

	ASSERT_RESULT(ke_get_event(&ke, fresh_id(), room, sizeof(room)), -ENOMSG);
}
END_TEST

START_TEST(polling_takes_nothing)
{
	int id = fresh_id(), i;

	send_number(id, 1);
	for (i = 0; i < 100; i++)
		ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(an_event_reaches_another_client)
{
	kevents_ctx other;
	char room[8] = "";
	int id = fresh_id();

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_send_event(&ke, id, "text", 4));
	ASSERT_RESULT(ke_poll_event(&other, id), 1);
	ASSERT_OK(ke_get_event(&other, id, room, sizeof(room)));
	ck_assert_str_eq(room, "text");
	ASSERT_OK(ke_close(&other));
}
END_TEST

START_TEST(events_outlive_the_client_that_sent_them)
{
	kevents_ctx other;
	char room[8] = "";
	int id = fresh_id();

	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_send_event(&other, id, "text", 4));
	ASSERT_OK(ke_close(&other));
	ASSERT_OK(ke_get_event(&ke, id, room, sizeof(room)));
	ck_assert_str_eq(room, "text");
}
END_TEST

START_TEST(a_nul_byte_ends_what_is_shorter_than_the_buffer)
{
	char room[8];
	int id = fresh_id();
	size_t len;

	for (len = 0; len < sizeof(room); len++) {
		memset(room, 'x', sizeof(room));
		ASSERT_OK(ke_send_event(&ke, id, "1234567", len));
		ASSERT_OK(ke_get_event(&ke, id, room, sizeof(room)));
		ck_assert_int_eq(room[len], '\0');
		ck_assert_uint_eq(strlen(room), len);
		if (len + 1 < sizeof(room))
			ck_assert_int_eq(room[len + 1], 'x');
	}
}
END_TEST

START_TEST(no_nul_byte_is_put_behind_a_full_buffer)
{
	char room[9] = "xxxxxxxx";
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, "1234", 4));
	ASSERT_OK(ke_get_event(&ke, id, room, 4));
	ck_assert_str_eq(room, "1234xxxx");
}
END_TEST

START_TEST(an_empty_event_needs_no_memory)
{
	char byte = 'x';
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	ASSERT_RESULT(ke_poll_event(&ke, id), 1);
	ASSERT_OK(ke_get_event(&ke, id, NULL, 0));
	ASSERT_OK(ke_get_event(&ke, id, &byte, 1));
	ck_assert_int_eq(byte, '\0');
}
END_TEST

START_TEST(payloads_are_bytes_not_text)
{
	static const char bytes[] = "a\0b\0\xff\n";
	char room[sizeof(bytes)];
	int id = fresh_id();

	ASSERT_OK(ke_send_event(&ke, id, bytes, sizeof(bytes)));
	ASSERT_OK(ke_get_event(&ke, id, room, sizeof(room)));
	assert_same_bytes(room, bytes, sizeof(bytes));
}
END_TEST

/* Runs a program that lies beside this one; returns what it printed. */
static const char *output_of(const char *program)
{
	static char text[256];
	char path[512], command[600];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	FILE *pipe;

	ck_assert_int_gt(len, 0);
	path[len] = '\0';
	*(strrchr(path, '/') + 1) = '\0';
	snprintf(command, sizeof(command), "exec %s%s", path, program);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	text[fread(text, 1, sizeof(text) - 1, pipe)] = '\0';
	ck_assert_msg(pclose(pipe) == 0, "%s failed: %s", program, text);
	return text;
}

START_TEST(the_program_of_the_contract_says_hello)
{
	ck_assert_str_eq(output_of("hello"), "Hello world\n");
	assert_empty(1);
}
END_TEST

START_TEST(the_program_of_the_readme_says_hello)
{
	ck_assert_str_eq(output_of("readme"), "Hello world\n");
	assert_empty(1);
}
END_TEST

START_TEST(a_c_plus_plus_program_says_hello)
{
	ck_assert_str_eq(output_of("hello-cpp"), "Hello world\n");
	assert_empty(1);
}
END_TEST

TESTS(20, WITH_CLIENT,
      an_event_is_sent_polled_and_received,
      p1_an_event_is_received_once,
      getting_from_an_id_without_events_is_enomsg,
      polling_takes_nothing,
      an_event_reaches_another_client,
      events_outlive_the_client_that_sent_them,
      a_nul_byte_ends_what_is_shorter_than_the_buffer,
      no_nul_byte_is_put_behind_a_full_buffer,
      an_empty_event_needs_no_memory,
      payloads_are_bytes_not_text,
      the_program_of_the_contract_says_hello,
      the_program_of_the_readme_says_hello,
      a_c_plus_plus_program_says_hello)
