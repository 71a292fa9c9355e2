// SPDX-License-Identifier: GPL-2.0-only
/* Sends numbers to pong and waits for each to come back. */
#include "apps.h"

int main(int argc, char **argv)
{
	long last = rounds(argc, argv);
	kevents_ctx ctx;

	check(ke_init(&ctx), "open");
	for (long n = 1; n <= last; n++) {
		send_number(&ctx, PONG_ID, n);
		expect(receive_number(&ctx, PING_ID), n);
	}
	check(ke_close(&ctx), "close");
	printf("ping: %ld numbers went out and came back in order\n", last);
	return EXIT_SUCCESS;
}
