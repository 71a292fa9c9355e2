// SPDX-License-Identifier: GPL-2.0-only
/* The smallest program: leaves a message under an ID and takes it back. */
#include <kevents.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	kevents_ctx ctx;
	int id = 1;
	int err = ke_init(&ctx);

	if (err) {
		fprintf(stderr, "open: %s\n", ke_strerror(err));
		return 1;
	}
	char *msg = "Hello world\n";

	err = ke_send_event(&ctx, id, msg, strlen(msg));
	if (err) {
		fprintf(stderr, "send: %s\n", ke_strerror(err));
		return 1;
	}
	if (ke_poll_event(&ctx, id)) {
		char buff[50];

		err = ke_get_event(&ctx, id, buff, sizeof(buff));
		if (err) {
			fprintf(stderr, "receive: %s\n", ke_strerror(err));
			return 1;
		}
		printf("%s", buff);
	}
	ke_close(&ctx);
	return 0;
}
