// SPDX-License-Identifier: GPL-2.0-only
/* Ends with what ke_init() returns; a test of clients makes it a set-user-ID program. */
#include <kevents.h>

int main(void)
{
	kevents_ctx ctx;

	return -ke_init(&ctx);
}
