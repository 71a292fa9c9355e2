// SPDX-License-Identifier: GPL-2.0-only
#include "names.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "args.h"

const char *owner_name(char text[NAMES_TEXT], uid_t uid, gid_t gid)
{
	const struct passwd *user = getpwuid(uid);
	const struct group *group = getgrgid(gid);
	int len;

	if (user)
		len = snprintf(text, NAMES_TEXT / 2, "%s", user->pw_name);
	else
		len = snprintf(text, NAMES_TEXT / 2, "%u", uid);
	if (len >= NAMES_TEXT / 2)
		len = NAMES_TEXT / 2 - 1;
	if (group)
		snprintf(text + len, (size_t)(NAMES_TEXT - len), ":%s", group->gr_name);
	else
		snprintf(text + len, (size_t)(NAMES_TEXT - len), ":%u", gid);
	return text;
}

static bool parse_number(const char *text, unsigned int *number)
{
	uint64_t count;

	if (!parse_count(text, &count) || count >= UINT32_MAX)	/* -1 is not a valid ID */
		return false;
	*number = (unsigned int)count;
	return true;
}

const char *parse_owner(char *text, uid_t *uid, gid_t *gid)
{
	char *group = strchr(text, ':');

	if (group)
		*group++ = '\0';
	if (*text) {
		const struct passwd *entry = getpwnam(text);

		if (!entry && !parse_number(text, uid))
			return text;
		if (!entry)
			entry = getpwuid(*uid);
		if (entry) {
			*uid = entry->pw_uid;
			*gid = entry->pw_gid;
		}
	}
	if (group && *group) {
		const struct group *entry = getgrnam(group);

		if (entry)
			*gid = entry->gr_gid;
		else if (!parse_number(group, gid))
			return group;
	}
	return NULL;
}
