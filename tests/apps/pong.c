// SPDX-License-Identifier: GPL-2.0-only
/* Waits for numbers from ping and sends each back. */
#include "apps.h"

int main(int argc, char **argv)
{
	long last = rounds(argc, argv);
	kevents_ctx ctx;

	check(ke_init(&ctx), "open");
	for (long n = 1; n <= last; n++) {
		expect(receive_number(&ctx, PONG_ID), n);
		send_number(&ctx, PING_ID, n);
	}
	check(ke_close(&ctx), "close");
	printf("pong: %ld numbers came in order and went back\n", last);
	return EXIT_SUCCESS;
}
