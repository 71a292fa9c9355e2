// SPDX-License-Identifier: GPL-2.0-only
/* P5: user IDs that a user namespace hands out make nobody richer. */
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "lib/clients.h"
#include "lib/harness.h"
#include "lib/limits.h"
#include "lib/task.h"
#include "lib/user.h"
#include "lib/workers.h"

#define TENANTS 40
#define ROOM 1000000	/* bytes of max_bytes */
#define SIZE 1000
#define LARGE 60000
#define FIRST_UID 0x30000000	/* of those that a namespace has */
#define OTHER_UID 0x31000000
#define INNER_UID 5		/* the user of a namespace that makes another one */

static char payload[LARGE];

/* Shared by the test, still root, and a process that goes into namespaces. */
struct house {
	uid_t uid;
	int id;
	unsigned int asked, mapped;	/* namespaces whose IDs have to be mapped, and are */
	unsigned int filled;
	unsigned int sent;
	unsigned int left;		/* the process goes on for that */
	uint64_t first, other;		/* bytes of their account, as two tenants see it */
};

static void write_map(pid_t pid, const char *file, const char *map)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ASSERT_SYS(fd);
	ck_assert_msg(write(fd, map, strlen(map)) > 0, "%s: %s", path, strerror(errno));
	close(fd);
}

/* Maps 0 of the process's next namespace to root, and those above to those from first. */
static void map_ids(pid_t pid, struct house *house, uid_t root, uid_t first, int count)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1\n1 %u %d\n", root, first, count);
	WAIT_UNTIL(workers_counted(&house->asked) > house->mapped);
	write_map(pid, "uid_map", map);
	write_map(pid, "gid_map", map);
	workers_count(&house->mapped);
}

/* Makes the process root of a new namespace whose IDs the test maps. */
static void enter_namespace(struct house *house)
{
	ASSERT_SYS(unshare(CLONE_NEWUSER));
	ASSERT_SYS(prctl(PR_SET_DUMPABLE, 1));	/* its maps may be written */
	workers_count(&house->asked);
	WAIT_UNTIL(workers_counted(&house->mapped) == house->asked);
	ASSERT_SYS(setresgid(0, 0, 0));
	ASSERT_SYS(setresuid(0, 0, 0));
}

/* Opens a client as one of the namespace's users; the process stays its root. */
static void open_as(kevents_ctx *client, uid_t uid)
{
	ASSERT_SYS(setresgid(uid, uid, 0));
	ASSERT_SYS(setresuid(uid, uid, 0));
	ASSERT_OK(ke_init(client));
	ASSERT_SYS(setresuid(0, 0, 0));
	ASSERT_SYS(setresgid(0, 0, 0));
}

/* Each of the namespace's users takes what it can get. */
static void take_all(struct house *house)
{
	static kevents_ctx tenants[TENANTS];
	int i, refusal;

	for (i = 0; i < TENANTS; i++) {
		open_as(&tenants[i], i);
		house->filled += client_fill(&tenants[i], house->id, SIZE, &refusal);
	}
	house->first = client_limits(&tenants[1]).user_bytes;
	house->other = client_limits(&tenants[TENANTS - 1]).user_bytes;
	workers_count(&house->sent);
	WAIT_UNTIL(workers_counted(&house->left));
}

static int take_all_in_namespace(void *arg)
{
	struct house *house = arg;

	user_change(house->uid, house->uid);	/* root, too, needs the device's group there */
	enter_namespace(house);
	take_all(house);
	return 0;
}

static int take_all_in_inner_namespace(void *arg)
{
	struct house *house = arg;

	ASSERT_SYS(setresgid(INNER_UID, INNER_UID, INNER_UID));
	ASSERT_SYS(setresuid(INNER_UID, INNER_UID, INNER_UID));
	enter_namespace(house);
	take_all(house);
	return 0;
}

/* The namespace in which they do is one that a tenant of the first has made. */
static int take_all_in_nested_namespace(void *arg)
{
	struct house *house = arg;
	pid_t pid;

	user_change(house->uid, house->uid);
	enter_namespace(house);
	pid = child_start(take_all_in_inner_namespace, house);
	map_ids(pid, house, INNER_UID, TENANTS, TENANTS);
	return child_join(pid);
}

static struct house *new_house(uid_t uid)
{
	struct house *house = shared_memory(sizeof(*house));

	house->uid = uid;
	house->id = fresh_id();
	return house;
}

static void wait_sent(const struct house *house)
{
	WAIT_UNTIL(workers_counted(&house->sent));
}

static void leave(struct house *house, pid_t pid)
{
	workers_count(&house->left);
	ck_assert_int_eq(child_join(pid), 0);
	ck_assert_uint_eq(drain(house->id), house->filled);
}

static int send_without_privilege(void *arg)
{
	const struct house *house = arg;
	int err;

	user_drop(CAP_SYS_RESOURCE);
	user_reopen();
	err = ke_send_event(&ke, house->id, payload, LARGE);
	ck_assert_msg(!err, "root's send of %d bytes ends with %d", LARGE, err);
	ASSERT_OK(ke_get_event(&ke, house->id, payload, LARGE));
	return 0;
}

/* All that they have is hers, no more than a quarter of the rest, and others go on. */
static void assert_one_account(struct house *house, kevents_ctx *hers, uint64_t before)
{
	struct house *root = new_house(0);
	struct ke_limits now = client_limits(hers);

	ck_assert_msg(4 * (now.bytes - before) <= now.max_bytes - now.bytes,
		      "%u users of one namespace hold %llu bytes, and leave %llu free", TENANTS,
		      (unsigned long long)(now.bytes - before),
		      (unsigned long long)(now.max_bytes - now.bytes));
	ck_assert_uint_ge(now.user_bytes, house->filled * (uint64_t)SIZE);
	ck_assert_uint_eq(house->first, now.user_bytes);
	ck_assert_uint_eq(house->other, now.user_bytes);
	child_run(send_without_privilege, root);
}

static void assert_namespace_is_one_account(int (*take)(void *arg))
{
	struct house *house = new_house(fresh_user());
	kevents_ctx *hers = clients_open(house->uid, 1);
	uint64_t before = limits_now().bytes;
	pid_t pid;

	limit_set("max_bytes", before + ROOM);
	pid = child_start(take, house);
	map_ids(pid, house, house->uid, FIRST_UID, 2 * TENANTS);
	wait_sent(house);
	assert_one_account(house, hers, before);
	leave(house, pid);
	clients_close(hers, 1);
}

START_TEST(p5_users_of_a_users_namespace_are_one_account)
{
	assert_namespace_is_one_account(take_all_in_namespace);
}
END_TEST

START_TEST(p5_users_of_a_nested_namespace_are_one_account)
{
	assert_namespace_is_one_account(take_all_in_nested_namespace);
}
END_TEST

/* As for a container: neither root's account nor that of another container. */
START_TEST(p5_a_namespace_that_root_made_is_one_account_of_its_own)
{
	struct house *one = new_house(0), *two = new_house(0);
	uint64_t before, roots;
	pid_t pids[2];

	limit_set("max_bytes", limits_now().bytes + ROOM);
	before = limits_now().bytes;
	roots = limits_now().user_bytes;
	pids[0] = child_start(take_all_in_namespace, one);
	map_ids(pids[0], one, FIRST_UID, FIRST_UID + 1, TENANTS);
	wait_sent(one);
	pids[1] = child_start(take_all_in_namespace, two);
	map_ids(pids[1], two, OTHER_UID, OTHER_UID + 1, TENANTS);
	wait_sent(two);

	ck_assert_uint_eq(one->first, one->other);
	ck_assert_uint_eq(two->first, two->other);
	ck_assert_uint_ge(one->first, one->filled * (uint64_t)SIZE);
	ck_assert_uint_ge(two->first, two->filled * (uint64_t)SIZE);
	ck_assert_uint_gt(one->filled, two->filled);
	ck_assert_uint_gt(two->filled, 0);
	ck_assert_uint_le(one->first + two->first, limits_now().bytes - before);
	ck_assert_uint_eq(limits_now().user_bytes, roots);
	leave(one, pids[0]);
	leave(two, pids[1]);
}
END_TEST

TESTS(60, WITH_CLIENT,
      p5_users_of_a_users_namespace_are_one_account,
      p5_users_of_a_nested_namespace_are_one_account,
      p5_a_namespace_that_root_made_is_one_account_of_its_own)
