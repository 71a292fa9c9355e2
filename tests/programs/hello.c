// SPDX-License-Identifier: GPL-2.0-only
/* The program of the contract, word for word between main()'s braces. */
#include <kevents.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
#include "hello.inc"
}
