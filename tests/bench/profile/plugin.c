// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU that counts how often the guest executes each instruction
 * between the marks that a program sets (mark.h), and writes at the end of the
 * machine to the file named by out=FILE lines of
 *
 *   section address count
 *
 * in which MARK_NEXT numbers the sections, two at a time.
 */
#include "plugin.h"

#include "../mark.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int qemu_plugin_version = 1;

#define SECTIONS	32

/* Instructions that are executed together. */
struct block {
	struct block *next;
	uint64_t executed[SECTIONS];
	size_t n;
	uint64_t addresses[];
};

static struct block *blocks;
static const char *output;
static unsigned int first;	/* section of the pair that counts now */
static unsigned int section;
static bool counting;

static void on_block(unsigned int vcpu, void *data)
{
	struct block *block = data;

	(void)vcpu;
	if (counting)
		block->executed[section]++;
}

static void on_mark(unsigned int vcpu, void *data)
{
	uintptr_t mark = (uintptr_t)data;

	(void)vcpu;
	counting = mark == MARK_SEND || mark == MARK_RECEIVE;
	section = first + (mark == MARK_RECEIVE);
	if (mark == MARK_NEXT && first + 3 < SECTIONS)
		first += 2;
}

/* Returns the mark that an instruction is, 0 if it is none. */
static uintptr_t mark_of(const struct qemu_plugin_insn *insn)
{
	static const unsigned char nop[] = { 0x0f, 0x1f, 0x80 };
	const unsigned char *bytes = qemu_plugin_insn_data(insn);
	uint32_t mark;

	if (qemu_plugin_insn_size(insn) != sizeof(nop) + sizeof(mark) ||
	    memcmp(bytes, nop, sizeof(nop)) != 0)
		return 0;
	memcpy(&mark, bytes + sizeof(nop), sizeof(mark));
	return mark >= MARK_OFF && mark <= MARK_NEXT ? mark : 0;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct block *block = calloc(1, sizeof(*block) + n * sizeof(block->addresses[0]));

	(void)id;
	if (!block)
		abort();
	block->n = n;
	block->next = blocks;
	blocks = block;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uintptr_t mark = mark_of(insn);

		block->addresses[i] = qemu_plugin_insn_vaddr(insn);
		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, NO_REGISTERS,
							       (void *)mark);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, NO_REGISTERS, block);
}

static void write_counts(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(output, "w");

	(void)id;
	(void)data;
	if (!file) {
		perror(output);
		return;
	}
	for (const struct block *block = blocks; block; block = block->next)
		for (unsigned int s = 0; s < SECTIONS; s++)
			for (size_t i = 0; block->executed[s] && i < block->n; i++)
				fprintf(file, "%u %" PRIx64 " %" PRIu64 "\n", s,
					block->addresses[i], block->executed[s]);
	fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "out=", 4) == 0)
			output = strdup(argv[i] + 4);
	if (!output) {
		fprintf(stderr, "profile: out=FILE is missing\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, write_counts, NULL);
	return 0;
}
