/* SPDX-License-Identifier: GPL-2.0-only */
/* What this machine says about itself and about the module. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads the first line of a file, without its newline; false if there is none. */
bool read_line(const char *path, char *line, size_t size);

bool module_is_loaded(void);

/* Whether the module is installed for the kernel that runs, so that modprobe finds it. */
bool module_is_installed(void);

/* The device number that the module has; 0 if unknown. */
dev_t module_device(void);

/* 1: on; 0: off; -1: this machine has no such thing. */
int secure_boot(void);

/* Whether the kernel refuses modules without a signature it knows. */
bool kernel_is_locked_down(void);
bool modules_are_disabled(void);

/* Whether this process belongs to the group, and whether its user does by the database. */
bool process_is_in_group(gid_t gid);
bool user_is_in_group(gid_t gid);

/* Whether this process runs in a container, by its usual marks. */
bool is_container(void);

/*
 * What DKMS says of the module: its line for the kernel that runs, else its
 * first one, else "". False if there is no DKMS.
 */
bool dkms_status(char *line, size_t size);

#endif /* SYSTEM_H */
