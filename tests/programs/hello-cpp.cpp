// SPDX-License-Identifier: GPL-2.0-only
// The header in C++, all of it; nothing here needs the C++ library.
#include <kevents.h>
#include <stdio.h>
#include <string.h>

int main()
{
	kevents_ctx ctx;
	const char text[] = "Hello world\n";
	char room[50];
	ke_event out = ke_event();
	ke_event in = ke_event();

	if (ke_init(&ctx)) {
		puts(ke_strerror(ke_init(&ctx)));
		return 1;
	}
	out.id = 1;
	out.data = const_cast<char *>(text);
	out.len = strlen(text);
	in.data = room;
	in.size = sizeof(room);
	if (ke_send(&ctx, &out, 0, 0) ||
	    ke_receive(&ctx, out.id, &in, KE_PEEK, 0) ||
	    ke_get_event(&ctx, out.id, room, sizeof(room)))
		return 1;
	fputs(room, stdout);
	return ke_fd(&ctx) < 0 || ke_poll_event(&ctx, out.id) || ke_close(&ctx);
}
