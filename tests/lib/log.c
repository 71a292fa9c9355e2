// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <fcntl.h>
#include <regex.h>
#include <stdio.h>

#include "harness.h"

#define WARNING 4	/* as in syslog(2): lower levels are more severe */

static int kmsg = -1;
static bool complaints_allowed;

void log_mark(void)
{
	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_SYS(kmsg);
	ASSERT_SYS(lseek(kmsg, 0, SEEK_END));
}

/* Returns one expression made of all lines of the file of patterns. */
static const regex_t *compiled_splats(void)
{
	const char *path = getenv("KEVENTS_SPLATS");
	char line[1024], all[16384] = "";
	size_t len = 0, room;
	static regex_t splats;
	static bool compiled;
	FILE *file;

	if (compiled)
		return &splats;
	file = fopen(path ? path : "/etc/splats", "re");
	ck_assert_msg(!!file, "no patterns of splats: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		room = sizeof(all) - len;
		len += snprintf(all + len, room, "%s(%s)", len ? "|" : "", line);
		ck_assert_uint_lt(len, sizeof(all));
	}
	fclose(file);
	ck_assert_int_eq(regcomp(&splats, all, REG_EXTENDED | REG_NOSUB), 0);
	compiled = true;
	return &splats;
}

/*
 * The OOM killer, and a slab cache that cannot be created, print a stack trace. Tests
 * cause both on purpose.
 */
static bool is_excused_trace(const char *record)
{
	static bool excused;
	bool is_trace = strcasestr(record, "Call Trace:");

	if (strstr(record, "invoked oom-killer") ||
	    (strstr(record, "kmem_cache_create") && strstr(record, "failed with error")))
		excused = true;
	if (!is_trace || !excused)
		return false;
	excused = false;
	return true;
}

/* A record is "priority,sequence,time,flags;text". */
static void assert_harmless(const char *record, const regex_t *splats)
{
	int level = strtol(record, NULL, 10) & 7;
	const char *text = strchr(record, ';');

	if (is_excused_trace(record))
		return;
	ck_assert_msg(regexec(splats, record, 0, NULL, 0) == REG_NOMATCH,
		      "in the kernel log: %s", record);
	ck_assert_msg(complaints_allowed || level > WARNING || !text || !strstr(text, "kevents"),
		      "in the kernel log, level %d: %s", level, record);
}

void log_allow_complaints(void)
{
	complaints_allowed = true;
}

void log_assert_clean(void)
{
	const regex_t *splats = compiled_splats();
	char record[8192];
	ssize_t len;

	for (;;) {
		len = read(kmsg, record, sizeof(record) - 1);
		if (len < 0 && errno == EPIPE)	/* overwritten meanwhile */
			continue;
		if (len <= 0)
			break;
		record[len] = '\0';
		record[strcspn(record, "\n")] = '\0';	/* the device follows */
		assert_harmless(record, splats);
	}
	ck_assert_int_eq(errno, EAGAIN);
}
