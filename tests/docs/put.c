// SPDX-License-Identifier: GPL-2.0-only
/* put ID TEXT: leaves the text under the ID. */
#include <kevents.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	kevents_ctx ctx;

	if (argc != 3 || ke_init(&ctx))
		return EXIT_FAILURE;
	return ke_send_event(&ctx, atoi(argv[1]), argv[2], strlen(argv[2])) ? EXIT_FAILURE : 0;
}
