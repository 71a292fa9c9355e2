/* SPDX-License-Identifier: GPL-2.0-only */
/* What coccinelle has to know to parse src/, which it reads without the kernel's headers. */
#define __uninitialized
