// SPDX-License-Identifier: GPL-2.0-only
/* Contexts: opening, closing, sharing, access rights, and the texts of errors. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/harness.h"
#include "lib/task.h"

#define DEVICE "/dev/kevents"
#define COPY "/tmp/kevents-copy"
#define PROGRAM "/tmp/kevents-program"
#define CAROL 1002	/* may not open the device */

static unsigned int open_files(void)
{
	unsigned int count = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return count;
}

/* Every function with this context, and all it says is expected. */
static void assert_all_fail(kevents_ctx *ctx, int expected)
{
	struct ke_event ev = { .size = 0 };
	char room[8];

	ASSERT_RESULT(ke_send_event(ctx, 1, "x", 1), expected);
	ASSERT_RESULT(ke_poll_event(ctx, 1), expected);
	ASSERT_RESULT(ke_get_event(ctx, 1, room, sizeof(room)), expected);
	ASSERT_RESULT(ke_send(ctx, &ev, 0, 0), expected);
	ASSERT_RESULT(ke_receive(ctx, 1, &ev, 0, -1), expected);
	ASSERT_RESULT(ke_fd(ctx), expected);
	ASSERT_RESULT(ke_close(ctx), expected);
}

START_TEST(a_null_context_is_einval)
{
	ASSERT_RESULT(ke_init(NULL), -EINVAL);
	assert_all_fail(NULL, -EINVAL);
}
END_TEST

START_TEST(a_closed_context_is_ebadf)
{
	kevents_ctx ctx;

	ASSERT_OK(ke_init(&ctx));
	ASSERT_OK(ke_close(&ctx));
	assert_all_fail(&ctx, -EBADF);
}
END_TEST

START_TEST(a_context_of_zeros_is_ebadf)
{
	kevents_ctx ctx;

	memset(&ctx, 0, sizeof(ctx));
	assert_all_fail(&ctx, -EBADF);
}
END_TEST

START_TEST(a_context_that_could_not_be_opened_is_ebadf)
{
	kevents_ctx ctx;

	setenv("KEVENTS_DEVICE", "/tmp/there-is-no-such-file", 1);
	ASSERT_RESULT(ke_init(&ctx), -ENOENT);
	assert_all_fail(&ctx, -EBADF);
}
END_TEST

START_TEST(null_events_are_einval)
{
	ASSERT_RESULT(ke_send(&ke, NULL, 0, 0), -EINVAL);
	ASSERT_RESULT(ke_receive(&ke, 1, NULL, 0, 0), -EINVAL);
}
END_TEST

START_TEST(closing_gives_the_file_back)
{
	unsigned int before = open_files();
	kevents_ctx ctx;

	ASSERT_OK(ke_init(&ctx));
	ck_assert_uint_eq(open_files(), before + 1);
	ASSERT_OK(ke_close(&ctx));
	ck_assert_uint_eq(open_files(), before);
}
END_TEST

START_TEST(the_file_is_closed_by_exec)
{
	ck_assert_int_ne(fcntl(ke_fd(&ke), F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(a_context_may_be_moved)
{
	kevents_ctx moved = ke;
	int id = fresh_id();

	memset(&ke, 0xff, sizeof(ke));
	ASSERT_OK(ke_send_event(&moved, id, NULL, 0));
	ke = moved;
	ck_assert_uint_eq(drain(id), 1);
}
END_TEST

/* A context with a file of the test's own. */
static kevents_ctx context_of(int fd)
{
	kevents_ctx ctx;

	ASSERT_SYS(fd);
	ASSERT_OK(ke_init(&ctx));
	ASSERT_SYS(dup3(fd, ke_fd(&ctx), O_CLOEXEC));
	close(fd);
	return ctx;
}

START_TEST(a_duplicate_of_the_file_is_the_same_client)
{
	kevents_ctx other = context_of(dup(ke_fd(&ke)));
	int id = fresh_id();

	send_number(id, 1);
	ASSERT_OK(ke_close(&other));
	ck_assert_uint_eq(receive_number(id), 1);
}
END_TEST

START_TEST(many_clients_may_be_open)
{
	static kevents_ctx clients[500];
	int id = fresh_id();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clients); i++)
		ASSERT_OK(ke_init(&clients[i]));
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		ASSERT_OK(ke_send_event(&clients[i], id, NULL, 0));
	for (i = 0; i < ARRAY_SIZE(clients); i++)
		ASSERT_OK(ke_close(&clients[i]));
	ck_assert_uint_eq(drain(id), ARRAY_SIZE(clients));
}
END_TEST

static kevents_ctx open_for(int access)
{
	return context_of(open(DEVICE, access | O_CLOEXEC));
}

START_TEST(a_client_for_reading_cannot_send)
{
	kevents_ctx reader = open_for(O_RDONLY);
	struct ke_event ev = { .id = fresh_id() };

	ASSERT_RESULT(ke_send_event(&reader, ev.id, "x", 1), -EBADF);
	ASSERT_RESULT(ke_send(&reader, &ev, 0, 0), -EBADF);
	ASSERT_RESULT(ke_send_batch(&reader, &ev, 1, 0), -EBADF);
	ASSERT_RESULT(ke_poll_event(&reader, ev.id), 0);
	send_number(ev.id, 1);
	ASSERT_RESULT(ke_poll_event(&reader, ev.id), 1);
	ASSERT_RESULT(ke_receive(&reader, ev.id, &ev, KE_PEEK, 0), -EMSGSIZE);
	ck_assert_uint_eq(receive_number(ev.id), 1);
	ASSERT_OK(ke_close(&reader));
}
END_TEST

START_TEST(a_client_for_writing_cannot_receive)
{
	kevents_ctx writer = open_for(O_WRONLY);
	struct ke_event ev = { .id = fresh_id() };
	char room[8];

	ASSERT_OK(ke_send_event(&writer, ev.id, "x", 1));
	ASSERT_OK(ke_send(&writer, &ev, 0, 0));
	ASSERT_RESULT(ke_poll_event(&writer, ev.id), -EBADF);
	ASSERT_RESULT(ke_get_event(&writer, ev.id, room, sizeof(room)), -EBADF);
	ASSERT_RESULT(ke_receive(&writer, ev.id, &ev, 0, -1), -EBADF);
	ASSERT_RESULT(ke_receive(&writer, ev.id, &ev, KE_PEEK, 0), -EBADF);
	ASSERT_RESULT(ke_receive_batch(&writer, &ev, 1, 0, 0), -EBADF);
	ASSERT_RESULT(ke_watch(&writer, ev.id), -EBADF);
	ck_assert_uint_eq(drain(ev.id), 2);
	ASSERT_OK(ke_close(&writer));
}
END_TEST

/* A node like the device's, elsewhere and for root alone. */
static void copy_device(void)
{
	struct stat device;

	ASSERT_SYS(stat(DEVICE, &device));
	ck_assert(S_ISCHR(device.st_mode));
	unlink(COPY);
	ASSERT_SYS(mknod(COPY, S_IFCHR | 0600, device.st_rdev));
}

START_TEST(the_environment_names_the_device)
{
	kevents_ctx other;
	int id = fresh_id();

	copy_device();
	setenv("KEVENTS_DEVICE", COPY, 1);
	ASSERT_OK(ke_init(&other));
	ASSERT_OK(ke_send_event(&other, id, NULL, 0));
	ASSERT_OK(ke_close(&other));
	ck_assert_uint_eq(drain(id), 1);
	unlink(COPY);
	ASSERT_RESULT(ke_init(&other), -ENOENT);
}
END_TEST

START_TEST(another_device_is_refused)
{
	static const struct {
		const char *name;
		int err;
	} devices[] = {
		{ "/dev/null", ENXIO },
		{ "/dev/zero", ENXIO },
		{ "/dev/random", ENXIO },	/* knows no command, and says EINVAL */
		{ "/proc/self/exe", ETXTBSY },
		{ "/tmp", EISDIR },
	};
	unsigned int before = open_files();
	kevents_ctx other;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		setenv("KEVENTS_DEVICE", devices[i].name, 1);
		ASSERT_RESULT(ke_init(&other), -devices[i].err);
		assert_all_fail(&other, -EBADF);
		ck_assert_uint_eq(open_files(), before);
	}
}
END_TEST

static int init_as_carol(void *arg)
{
	kevents_ctx other;

	(void)arg;
	ASSERT_SYS(setresgid(CAROL, CAROL, CAROL));
	ASSERT_SYS(setresuid(CAROL, CAROL, CAROL));
	return -ke_init(&other);
}

START_TEST(the_permissions_of_the_device_decide)
{
	copy_device();
	setenv("KEVENTS_DEVICE", COPY, 1);
	ck_assert_int_eq(child_join(child_start(init_as_carol, NULL)), EACCES);
	ASSERT_SYS(chmod(COPY, 0666));
	ck_assert_int_eq(child_join(child_start(init_as_carol, NULL)), 0);
	unlink(COPY);
}
END_TEST

/* Runs the program beside this one as carol; returns what it says of ke_init(). */
static int run_as_carol(void *arg)
{
	(void)arg;
	ASSERT_SYS(setresgid(CAROL, CAROL, CAROL));
	ASSERT_SYS(setresuid(CAROL, CAROL, CAROL));
	execl(PROGRAM, PROGRAM, NULL);
	return 127;
}

START_TEST(a_set_user_id_program_does_not_heed_the_environment)
{
	char command[600], path[512];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	ck_assert_int_gt(len, 0);
	path[len] = '\0';
	*(strrchr(path, '/') + 1) = '\0';
	snprintf(command, sizeof(command), "cp %sinit-only " PROGRAM, path);
	ck_assert_int_eq(system(command), 0);
	setenv("KEVENTS_DEVICE", "/dev/null", 1);
	ck_assert_int_ne(child_join(child_start(run_as_carol, NULL)), 0);
	ASSERT_SYS(chmod(PROGRAM, 04755));
	ck_assert_int_eq(child_join(child_start(run_as_carol, NULL)), 0);
	unlink(PROGRAM);
}
END_TEST

static int use_shared_client(void *arg)
{
	int id = *(int *)arg;

	ck_assert_uint_eq(receive_number(id), 1);
	send_number(id, 2);
	ASSERT_OK(ke_close(&ke));
	return 0;
}

START_TEST(a_child_shares_the_client)
{
	int id = fresh_id();

	send_number(id, 1);
	child_run(use_shared_client, &id);
	ck_assert_uint_eq(receive_number(id), 2);
}
END_TEST

START_TEST(each_error_has_a_text_of_its_own)
{
	static const int errors[] = {
		0, ENOENT, ENXIO, EACCES, ENOMSG, ETIMEDOUT, EMSGSIZE, EINTR, EBADF,
		EPROTONOSUPPORT, EINVAL, EFAULT, ENOMEM,
	};
	const char *unknown = ke_strerror(INT_MAX), *text;
	size_t i, j;

	ck_assert_ptr_nonnull(unknown);
	ck_assert_uint_gt(strlen(unknown), 0);
	ck_assert_str_eq(ke_strerror(INT_MIN), unknown);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		text = ke_strerror(-errors[i]);
		ck_assert_ptr_nonnull(text);
		ck_assert_uint_gt(strlen(text), 0);
		ck_assert_str_ne(text, unknown);
		ck_assert_ptr_eq(text, ke_strerror(errors[i]));
		for (j = 0; j < i; j++)
			ck_assert_str_ne(text, ke_strerror(errors[j]));
	}
}
END_TEST

TESTS(30, WITH_CLIENT,
      a_null_context_is_einval,
      a_closed_context_is_ebadf,
      a_context_of_zeros_is_ebadf,
      a_context_that_could_not_be_opened_is_ebadf,
      null_events_are_einval,
      closing_gives_the_file_back,
      the_file_is_closed_by_exec,
      a_context_may_be_moved,
      a_duplicate_of_the_file_is_the_same_client,
      many_clients_may_be_open,
      a_client_for_reading_cannot_send,
      a_client_for_writing_cannot_receive,
      the_environment_names_the_device,
      another_device_is_refused,
      the_permissions_of_the_device_decide,
      a_set_user_id_program_does_not_heed_the_environment,
      a_child_shares_the_client,
      each_error_has_a_text_of_its_own)
