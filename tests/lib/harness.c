// SPDX-License-Identifier: GPL-2.0-only
#include "harness.h"

#include <fnmatch.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "log.h"

kevents_ctx ke;

static enum fixture kind;
static int ids[128];
static size_t id_count;

/* Shared with the tests' processes: how many started, then the line that each reached. */
static volatile int *progress;
volatile int *marked_line;

static void set_up(void)
{
	marked_line = &progress[++progress[0]];
	log_mark();
	if (kind == WITH_CLIENT)
		ASSERT_OK(ke_init(&ke));
}

static void tear_down(void)
{
	size_t i;

	if (kind == WITH_CLIENT) {
		for (i = 0; i < id_count; i++)
			ck_assert_msg(ke_poll_event(&ke, ids[i]) == 0,
				      "the test left an event under ID %d", ids[i]);
		ASSERT_OK(ke_close(&ke));
	}
	log_assert_clean();
}

/* TAP has no room for line numbers. */
static void print_failures(SRunner *runner, const TTest *const tests[])
{
	TestResult **results = srunner_results(runner);
	int i, count = srunner_ntests_run(runner);

	for (i = 0; i < count; i++)
		if (tr_rtype(results[i]) != CK_PASS)
			printf("# at %s: %s:%d, after line %d\n", tests[i]->name,
			       tr_lfile(results[i]), tr_lno(results[i]), progress[i + 1]);
	free(results);
}

/* Drops the tests that $KEVENTS_TEST_ONLY does not match. Returns how many are left. */
static size_t select_tests(const TTest *tests[], size_t count)
{
	const char *only = getenv("KEVENTS_TEST_ONLY");
	size_t i, selected = 0;

	for (i = 0; i < count; i++)
		if (!only || !fnmatch(only, tests[i]->name, 0))
			tests[selected++] = tests[i];
	return selected;
}

int run_tests(const char *name, const TTest *tests[], size_t count, double seconds,
	      enum fixture fixture)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;
	size_t i;

	kind = fixture;
	count = select_tests(tests, count);
	progress = mmap(NULL, (count + 1) * sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		return EXIT_FAILURE;
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, seconds);
	for (i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);

	runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	print_failures(runner, tests);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static struct {
	char name[64];
	int (*run)(const char *name);
} suites[128];

static size_t suite_count;

void add_suite(const char *file, int (*run)(const char *name))
{
	const char *path = file + strlen("suite/");
	char *name;

	if (suite_count == ARRAY_SIZE(suites) || strlen(path) >= sizeof(suites[0].name))
		abort();
	name = suites[suite_count].name;
	strcpy(name, path);
	*strrchr(name, '.') = '\0';
	while ((name = strpbrk(name, "/-")))
		*name = '_';
	suites[suite_count++].run = run;
}

/* Runs the suite named by the argument. Without one, prints the names of all suites. */
int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < suite_count; i++) {
		if (argc < 2)
			puts(suites[i].name);
		else if (!strcmp(suites[i].name, argv[1]))
			return suites[i].run(argv[1]);
	}
	return argc < 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void note_skip(const char *function, const char *why)
{
	/* START_TEST(name) defines name_fn(). */
	dprintf(STDOUT_FILENO, "# skip %.*s: %s\n", (int)strlen(function) - 3, function, why);
}

/* Derives the ID from the process ID, because each test is a process of its own. */
int fresh_id(void)
{
	int id = (int)(getpid() * ARRAY_SIZE(ids) + id_count);

	ck_assert_uint_lt(id_count, ARRAY_SIZE(ids));
	ck_assert_int_lt(id, FRESH_IDS_END);
	ids[id_count++] = id;
	return id;
}

static const char *error_name(int result)
{
	const char *name = result < 0 ? strerrorname_np(-result) : NULL;

	return name ? name : "no error";
}

const char *compare_results(const char *call, int result, int expected)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s is %d (%s), not %d (%s)", call, result,
		 error_name(result), expected, error_name(expected));
	return text;
}

uint64_t send_number(int id, uint64_t number)
{
	struct ke_event ev = { .id = id, .data = &number, .len = sizeof(number) };

	ASSERT_OK(ke_send(&ke, &ev, 0, 0));
	return ev.seq;
}

uint64_t receive_number(int id)
{
	uint64_t number = 0;
	struct ke_event ev = { .data = &number, .size = sizeof(number) };

	ASSERT_OK(ke_receive(&ke, id, &ev, 0, 0));
	ck_assert_uint_eq(ev.len, sizeof(number));
	return number;
}

void assert_empty(int id)
{
	char byte;

	ASSERT_RESULT(ke_poll_event(&ke, id), 0);
	ASSERT_RESULT(ke_get_event(&ke, id, &byte, sizeof(byte)), -ENOMSG);
}

unsigned int drain(int id)
{
	static char room[1 << 20];
	unsigned int count = 0;
	int err;

	while (!(err = ke_get_event(&ke, id, room, sizeof(room))))
		count++;
	ASSERT_RESULT(err, -ENOMSG);
	return count;
}

unsigned int event_count(unsigned int usual)
{
	const char *value = getenv("KEVENTS_TEST_EVENTS");

	return value ? strtoul(value, NULL, 10) : usual;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

void spin_ns(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

double patience(void)
{
	const char *factor = getenv("CK_TIMEOUT_MULTIPLIER");

	return 20 * (factor ? strtod(factor, NULL) : 1);
}
