/* SPDX-License-Identifier: GPL-2.0-only */
/* What the system reports about itself and about the module. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads the first line of a file without its newline. Returns false if there is none. */
bool read_line(const char *path, char *line, size_t size);

bool module_is_loaded(void);

/* Returns whether modprobe would find the module for the running kernel. */
bool module_is_installed(void);

/* Returns the device number of the module, or 0 if it is unknown. */
dev_t module_device(void);

/* Returns 1 if Secure Boot is on, 0 if it is off, and -1 if the machine has none. */
int secure_boot(void);

/* Returns whether the kernel refuses modules without a signature that it trusts. */
bool kernel_is_locked_down(void);
bool modules_are_disabled(void);

/*
 * The group database may have changed since the process got its groups, so these may
 * differ.
 */
bool process_is_in_group(gid_t gid);
bool user_is_in_group(gid_t gid);

/* Returns whether the marker files of common container managers exist. */
bool is_container(void);

/*
 * Reads the line of 'dkms status' for the running kernel, or else the first one, or else
 * "". Returns false if DKMS is not installed.
 */
bool dkms_status(char *line, size_t size);

#endif /* SYSTEM_H */
