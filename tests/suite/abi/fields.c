// SPDX-License-Identifier: GPL-2.0-only
/* P8: the layout of the structures, reserved fields, flags, unknown commands. */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "lib/abi.h"
#include "lib/harness.h"
#include "lib/memory.h"

#define INFO KEVENTS_IOC_INFO
#define SEND KEVENTS_IOC_SEND
#define RECEIVE KEVENTS_IOC_RECEIVE
#define POLL KEVENTS_IOC_POLL

_Static_assert(sizeof(struct kevents_info) == 128, "the same for 32 and 64 bits");
_Static_assert(sizeof(struct kevents_send) == 56, "the same for 32 and 64 bits");
_Static_assert(sizeof(struct kevents_receive) == 112, "the same for 32 and 64 bits");
_Static_assert(sizeof(struct kevents_received) == 64, "the same for 32 and 64 bits");
_Static_assert(sizeof(struct kevents_poll) == 16, "the same for 32 and 64 bits");
_Static_assert(offsetof(struct kevents_send, seq) == 48, "the same for 32 and 64 bits");
_Static_assert(offsetof(struct kevents_receive, event) == 48, "the same for 32 and 64 bits");

START_TEST(the_numbers_of_the_commands_stay)
{
	ck_assert_uint_eq(INFO, 0x8080e700);
	ck_assert_uint_eq(SEND, 0xc038e701);
	ck_assert_uint_eq(RECEIVE, 0xc070e702);
	ck_assert_uint_eq(POLL, 0x4010e703);
}
END_TEST

START_TEST(p8_info_fills_all_it_returns)
{
	struct kevents_info info, expected = {
		.abi_version = KEVENTS_ABI_VERSION, .max_event_size = 65536,
	};

	memset(&info, PAINT, sizeof(info));
	ASSERT_OK(abi_call(INFO, &info));
	assert_same_bytes(&info, &expected, sizeof(info));
	ck_assert_uint_eq(info.abi_version, 2);
}
END_TEST

START_TEST(info_needs_no_access_mode)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	struct kevents_info info;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = open("/dev/kevents", modes[i] | O_CLOEXEC);
		ASSERT_SYS(fd);
		ASSERT_SYS(ioctl(fd, INFO, &info));
		close(fd);
	}
}
END_TEST

START_TEST(p8_a_receive_fills_all_it_returns)
{
	int id = fresh_id();
	struct kevents_send send = abi_send(id, "text", 4), sent = send;
	char room[8] = "";
	struct kevents_receive receive = abi_receive(id, room, sizeof(room)), asked = receive;
	struct kevents_received expected = { .len = 4, .id = id, .deliveries = 1, .pid = getpid() };

	ASSERT_OK(abi_call(SEND, &send));
	assert_same_bytes(&send, &sent, offsetof(struct kevents_send, seq));
	ck_assert_uint_ne(send.seq, UINT64_MAX);

	ASSERT_OK(abi_call(RECEIVE, &receive));
	assert_same_bytes(&receive, &asked, offsetof(struct kevents_receive, event));
	expected.seq = send.seq;
	expected.sent_ns = receive.event.sent_ns;
	assert_same_bytes(&receive.event, &expected, sizeof(expected));
	ck_assert_str_eq(room, "text");
}
END_TEST

START_TEST(p8_a_peek_fills_all_it_returns)
{
	int id = fresh_id();
	struct kevents_send send = abi_send(id, NULL, 0);
	struct kevents_receive peek = abi_receive(id, NULL, 0), receive = peek;

	ASSERT_OK(abi_call(SEND, &send));
	peek.flags = KEVENTS_RECEIVE_PEEK;
	ASSERT_OK(abi_call(RECEIVE, &peek));
	ASSERT_OK(abi_call(RECEIVE, &receive));
	assert_same_bytes(&peek.event, &receive.event, sizeof(peek.event));
}
END_TEST

/* What is not the length has no meaning, but must not tell anything. */
START_TEST(p8_emsgsize_returns_the_length_and_nothing_else)
{
	int id = fresh_id();
	struct kevents_send send = abi_send(id, "text", 4);
	struct kevents_receive receive = abi_receive(id, NULL, 3);

	ASSERT_OK(abi_call(SEND, &send));
	ASSERT_RESULT(abi_call(RECEIVE, &receive), -EMSGSIZE);
	ck_assert_uint_eq(receive.event.len, 4);
	ck_assert(abi_is_painted(&receive.event.seq, sizeof(receive.event) -
				 offsetof(struct kevents_received, seq)));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(a_receive_ends_the_payload_if_asked_to)
{
	int id = fresh_id();
	char room[8];
	struct kevents_receive receive = abi_receive(id, room, sizeof(room));

	ASSERT_OK(ke_send_event(&ke, id, "text", 4));
	receive.flags = KEVENTS_RECEIVE_PEEK;
	memset(room, PAINT, sizeof(room));
	ASSERT_OK(abi_call(RECEIVE, &receive));
	ck_assert(abi_is_painted(room + 4, 4));
	receive.flags |= KEVENTS_RECEIVE_TERMINATE;
	ASSERT_OK(abi_call(RECEIVE, &receive));
	ck_assert_int_eq(room[4], '\0');
	ck_assert(abi_is_painted(room + 5, 3));
	memset(room, PAINT, sizeof(room));
	receive.size = 4;
	ASSERT_OK(abi_call(RECEIVE, &receive));
	ck_assert(abi_is_painted(room + 4, 4));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p8_a_receive_without_an_event_returns_nothing)
{
	struct kevents_receive receive = abi_receive(fresh_id(), NULL, 0);

	ASSERT_RESULT(abi_call(RECEIVE, &receive), -ENOMSG);
	ck_assert(abi_is_painted(&receive.event, sizeof(receive.event)));
	receive.deadline_ns = now_ns() + 1000000;
	ASSERT_RESULT(abi_call(RECEIVE, &receive), -ETIMEDOUT);
	ck_assert(abi_is_painted(&receive.event, sizeof(receive.event)));
}
END_TEST

/* The field, part of the structure, must be 0: tries each of its bits. */
static void assert_zero_only(unsigned long command, void *structure, void *field, size_t size)
{
	unsigned char *bytes = field;
	size_t bit;

	for (bit = 0; bit < 8 * size; bit++) {
		bytes[bit / 8] = 1 << bit % 8;
		ASSERT_RESULT(abi_call(command, structure), -EINVAL);
		bytes[bit / 8] = 0;
	}
}

START_TEST(p8_what_is_reserved_of_a_send_must_be_zero)
{
	int id = fresh_id();
	struct kevents_send send = abi_send(id, NULL, 0);

	assert_zero_only(SEND, &send, &send.flags, sizeof(send.flags));
	assert_zero_only(SEND, &send, &send.reserved32, sizeof(send.reserved32));
	assert_zero_only(SEND, &send, &send.reserved, sizeof(send.reserved));
	assert_empty(id);
	ASSERT_OK(abi_call(SEND, &send));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p8_what_is_reserved_of_a_receive_must_be_zero)
{
	int id = fresh_id();
	struct kevents_receive receive = abi_receive(id, NULL, 0);
	const unsigned int known = KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_TERMINATE |
				   KEVENTS_RECEIVE_LEASE | KEVENTS_RECEIVE_WATCHED;
	unsigned int bit;

	ASSERT_OK(ke_send_event(&ke, id, NULL, 0));
	for (bit = 0; bit < 32; bit++) {
		receive.flags = 1U << bit;
		if (receive.flags & known)
			continue;
		ASSERT_RESULT(abi_call(RECEIVE, &receive), -EINVAL);
		receive.flags |= KEVENTS_RECEIVE_PEEK;
		ASSERT_RESULT(abi_call(RECEIVE, &receive), -EINVAL);
	}
	receive.flags = KEVENTS_RECEIVE_PEEK | KEVENTS_RECEIVE_LEASE;
	ASSERT_RESULT(abi_call(RECEIVE, &receive), -EINVAL);
	receive.flags = KEVENTS_RECEIVE_WATCHED;
	ASSERT_RESULT(abi_call(RECEIVE, &receive), -EINVAL);
	receive.flags = 0;
	assert_zero_only(RECEIVE, &receive, &receive.lease_ms, sizeof(receive.lease_ms));
	assert_zero_only(RECEIVE, &receive, &receive.reserved32, sizeof(receive.reserved32));
	assert_zero_only(RECEIVE, &receive, &receive.reserved, sizeof(receive.reserved));
	ck_assert(abi_is_painted(&receive.event, sizeof(receive.event)));
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

START_TEST(p8_what_is_reserved_of_a_poll_must_be_zero)
{
	struct kevents_poll poll = { .id = fresh_id() };

	assert_zero_only(POLL, &poll, &poll.flags, sizeof(poll.flags));
	assert_zero_only(POLL, &poll, &poll.reserved, sizeof(poll.reserved));
	ASSERT_RESULT(abi_call(POLL, &poll), 0);
}
END_TEST

START_TEST(p8_what_is_reserved_in_the_library_must_be_zero)
{
	struct ke_event ev = { .id = fresh_id() };
	unsigned int bit, i;

	for (i = 0; i < ARRAY_SIZE(ev.reserved); i++) {
		ev.reserved[i] = 1;
		ASSERT_RESULT(ke_send(&ke, &ev, 0, 0), -EINVAL);
		ASSERT_RESULT(ke_receive(&ke, ev.id, &ev, 0, 0), -EINVAL);
		ev.reserved[i] = 0;
	}
	for (bit = 0; bit < 32; bit++) {
		ASSERT_RESULT(ke_send(&ke, &ev, 1U << bit, 0), -EINVAL);
		if (!(1U << bit & (KE_PEEK | KE_LEASE | KE_WATCHED)))
			ASSERT_RESULT(ke_receive(&ke, ev.id, &ev, 1U << bit, 0), -EINVAL);
	}
	assert_empty(ev.id);
}
END_TEST

START_TEST(p8_what_is_reserved_of_control_must_be_zero)
{
	static const unsigned long with_id[] = {
		KEVENTS_IOC_WATCH, KEVENTS_IOC_UNWATCH, KEVENTS_IOC_PURGE, KEVENTS_IOC_UNCLAIM,
	};
	struct kevents_id id = { .id = fresh_id() };
	struct kevents_lease lease = { .seq = 1 };
	struct kevents_claim claim = { .id = id.id };
	struct kevents_stat stat = { .id = id.id };
	struct kevents_list list = { .n = 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(with_id); i++) {
		assert_zero_only(with_id[i], &id, &id.flags, sizeof(id.flags));
		assert_zero_only(with_id[i], &id, &id.reserved, sizeof(id.reserved));
	}
	for (i = 0; i < 2; i++) {
		unsigned long command = i ? KEVENTS_IOC_ACK : KEVENTS_IOC_NACK;

		assert_zero_only(command, &lease, &lease.flags, sizeof(lease.flags));
		assert_zero_only(command, &lease, &lease.reserved32, sizeof(lease.reserved32));
		assert_zero_only(command, &lease, &lease.reserved, sizeof(lease.reserved));
	}
	assert_zero_only(KEVENTS_IOC_CLAIM, &claim, &claim.reserved, sizeof(claim.reserved));
	assert_zero_only(KEVENTS_IOC_STAT, &stat, &stat.flags, sizeof(stat.flags));
	assert_zero_only(KEVENTS_IOC_LIST, &list, &list.flags, sizeof(list.flags));
	assert_zero_only(KEVENTS_IOC_LIST, &list, &list.reserved32, sizeof(list.reserved32));
	assert_zero_only(KEVENTS_IOC_LIST, &list, &list.reserved, sizeof(list.reserved));
	ASSERT_RESULT(ke_unwatch(&ke, id.id), -ENOENT);
	ASSERT_RESULT(ke_unclaim(&ke, id.id), -ENOENT);
}
END_TEST

static bool is_known(unsigned long command)
{
	static const unsigned long known[] = {
		INFO, SEND, RECEIVE, POLL, KEVENTS_IOC_SEND_BATCH, KEVENTS_IOC_RECEIVE_BATCH,
		KEVENTS_IOC_ACK, KEVENTS_IOC_NACK, KEVENTS_IOC_WATCH, KEVENTS_IOC_UNWATCH,
		KEVENTS_IOC_STAT, KEVENTS_IOC_LIST, KEVENTS_IOC_PURGE, KEVENTS_IOC_CLAIM,
		KEVENTS_IOC_UNCLAIM, KEVENTS_IOC_LIMITS,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (command == known[i])
			return true;
	return false;
}

START_TEST(p8_unknown_commands_are_enotty)
{
	static const unsigned int directions[] = {
		_IOC_NONE, _IOC_READ, _IOC_WRITE, _IOC_READ | _IOC_WRITE,
	};
	static const unsigned int sizes[] = { 0, 8, 16, 48, 55, 56, 57, 64, 112, 120, 128, 16383 };
	char room[16384] = "";
	unsigned int number, i, j;

	for (number = 0; number < 256; number++) {
		for (i = 0; i < ARRAY_SIZE(directions); i++) {
			for (j = 0; j < ARRAY_SIZE(sizes); j++) {
				unsigned int command = _IOC(directions[i], KEVENTS_IOC_MAGIC,
							    number, sizes[j]);

				if (!is_known(command))
					ASSERT_RESULT(abi_call(command, room), -ENOTTY);
			}
		}
	}
}
END_TEST

START_TEST(p8_commands_of_other_devices_are_enotty)
{
	static const unsigned int others[] = { 0x5401 /* TCGETS */, 0x541b /* FIONREAD */, 0x1260 };
	char room[256] = "";
	unsigned int magic;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		ASSERT_RESULT(abi_call(others[i], room), -ENOTTY);
	for (magic = 0xe0; magic < 0xf0; magic++)
		if (magic != KEVENTS_IOC_MAGIC)
			ASSERT_RESULT(abi_call(_IOWR(magic, 1, struct kevents_send), room),
				      -ENOTTY);
}
END_TEST

TESTS(30, WITH_CLIENT,
      the_numbers_of_the_commands_stay,
      p8_info_fills_all_it_returns,
      info_needs_no_access_mode,
      p8_a_receive_fills_all_it_returns,
      p8_a_peek_fills_all_it_returns,
      p8_emsgsize_returns_the_length_and_nothing_else,
      a_receive_ends_the_payload_if_asked_to,
      p8_a_receive_without_an_event_returns_nothing,
      p8_what_is_reserved_of_a_send_must_be_zero,
      p8_what_is_reserved_of_a_receive_must_be_zero,
      p8_what_is_reserved_of_a_poll_must_be_zero,
      p8_what_is_reserved_in_the_library_must_be_zero,
      p8_what_is_reserved_of_control_must_be_zero,
      p8_unknown_commands_are_enotty,
      p8_commands_of_other_devices_are_enotty)
