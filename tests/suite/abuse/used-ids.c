// SPDX-License-Identifier: GPL-2.0-only
/* P5: nobody is charged for what others leave behind in IDs that it has used. */
#include "lib/clients.h"
#include "lib/harness.h"
#include "lib/user.h"

#define MANY 5000
#define FEW 100

/* He uses each ID for one event; she leaves one of hers behind it. */
static kevents_ctx his, hers;

static void open_both(void)
{
	user_open(&his, fresh_user());
	user_open(&hers, fresh_user());
}

static void close_both(void)
{
	ASSERT_OK(ke_close(&his));
	ASSERT_OK(ke_close(&hers));
}

static void use_and_leave(int id)
{
	int err = ke_send_event(&his, id, "", 1);
	char byte;

	ck_assert_msg(!err, "he is refused his ID %d with %d", id - CLIENTS_FIRST_ID, err);
	ASSERT_OK(ke_send_event(&hers, id, NULL, 0));
	ASSERT_OK(ke_get_event(&his, id, &byte, 1));
}

static void drop_all(int count)
{
	int i;

	for (i = 0; i < count; i++)
		ASSERT_RESULT(ke_purge(&hers, CLIENTS_FIRST_ID + i), 1);
}

START_TEST(p5_an_event_left_in_an_id_is_charged_to_its_sender_alone)
{
	uint64_t his_before, hers_before, one;
	int i;

	open_both();
	one = client_charge(&hers, fresh_id(), 0);
	client_charge(&his, fresh_id(), 1);
	his_before = client_limits(&his).user_bytes;
	hers_before = client_limits(&hers).user_bytes;
	for (i = 0; i < FEW; i++)
		use_and_leave(CLIENTS_FIRST_ID + i);
	ck_assert_uint_eq(client_limits(&his).user_bytes, his_before);
	ck_assert_uint_eq(client_limits(&hers).user_bytes, hers_before + FEW * one);
	drop_all(FEW);
	ck_assert_uint_eq(client_limits(&hers).user_bytes, hers_before);
	close_both();
}
END_TEST

START_TEST(p5_a_user_runs_out_of_no_ids_because_others_use_them)
{
	int i;

	open_both();
	for (i = 0; i < MANY; i++)
		use_and_leave(CLIENTS_FIRST_ID + i);
	drop_all(MANY);
	close_both();
}
END_TEST

TESTS(30, WITH_CLIENT,
      p5_an_event_left_in_an_id_is_charged_to_its_sender_alone,
      p5_a_user_runs_out_of_no_ids_because_others_use_them)
