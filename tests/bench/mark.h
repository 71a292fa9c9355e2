/* SPDX-License-Identifier: GPL-2.0-only */
/* Marks in a program's way that profile/plugin.c sees; without it they do nothing. */
#ifndef KEVENTS_BENCH_MARK_H
#define KEVENTS_BENCH_MARK_H

/* Unlikely displacements of a no-operation. */
#define MARK_OFF	0x4b455630	/* what follows does not count */
#define MARK_SEND	0x4b455631	/* it counts as sending, */
#define MARK_RECEIVE	0x4b455632	/* or as receiving */
#define MARK_NEXT	0x4b455633	/* something else will be measured */

/* Alone between jumps: QEMU counts what lies between two jumps at one go. */
#ifdef __x86_64__
#define MARK(mark) \
	(__extension__({ \
		__asm__ volatile("jmp 1f; 1: nopl %c0(%%rax); jmp 2f; 2:" \
				 : : "i"(mark) : "memory"); \
	}))
#else
#define MARK(mark) ((void)(mark))
#endif

#endif /* KEVENTS_BENCH_MARK_H */
