// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "args.h"
#include "names.h"
#include "say.h"
#include "system.h"

struct diagnosis {
	const char *device;
	struct utsname kernel;
	int status;		/* of the first problem */
};

static void pass(const char *what, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void problem(struct diagnosis *diag, int status, const char *what,
		    const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void pass(const char *what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("ok       %-11s  ", what);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

static void problem(struct diagnosis *diag, int status, const char *what,
		    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("PROBLEM  %-11s  ", what);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	if (diag->status == DONE)
		diag->status = status;
}

static void check_missing_device(struct diagnosis *diag)
{
	if (!module_is_loaded())
		problem(diag, NO_DEVICE, "device", "%s is not there: load the module, see below",
			diag->device);
	else if (is_container())
		problem(diag, NO_DEVICE, "device",
			"%s is not in this container: start it with '--device %s'", diag->device,
			diag->device);
	else
		problem(diag, NO_DEVICE, "device",
			"%s is not there, though the module is loaded: is /dev a devtmpfs, and does "
			"$KEVENTS_DEVICE, if set, name it?",
			diag->device);
}

static void check_device(struct diagnosis *diag)
{
	dev_t wanted = module_device();
	char owner[NAMES_TEXT];
	struct stat status;

	if (stat(diag->device, &status)) {
		if (errno == ENOENT)
			check_missing_device(diag);
		else
			problem(diag, NO_DEVICE, "device", "%s: %s", diag->device, strerror(errno));
	} else if (!S_ISCHR(status.st_mode)) {
		problem(diag, NO_DEVICE, "device",
			"%s is not a device: remove it and reload the module, or correct "
			"$KEVENTS_DEVICE",
			diag->device);
	} else if (wanted && status.st_rdev != wanted) {
		problem(diag, NO_DEVICE, "device",
			"%s is another device, or left over: remove it and reload the module, or "
			"correct $KEVENTS_DEVICE",
			diag->device);
	} else {
		pass("device", "%s is there, %s, mode %04o", diag->device,
		     owner_name(owner, status.st_uid, status.st_gid), status.st_mode & 07777);
	}
}

static void check_module(struct diagnosis *diag)
{
	if (module_is_loaded())
		pass("module", "loaded");
	else if (modules_are_disabled())
		problem(diag, NO_DEVICE, "module",
			"not loaded, and this kernel no longer loads modules: reboot, and set "
			"kernel.modules_disabled later");
	else if (module_is_installed())
		problem(diag, NO_DEVICE, "module", "not loaded: 'modprobe kevents', as root");
	else
		problem(diag, NO_DEVICE, "module",
			"not there for Linux %s: install its headers and kevents-dkms, then "
			"'modprobe kevents'",
			diag->kernel.release);
}

static void check_version(struct diagnosis *diag)
{
	char version[64];

	if (!read_line("/sys/module/kevents/version", version, sizeof(version))) {
		if (module_is_loaded())
			problem(diag, NO_DEVICE, "version",
				"the module does not report its version");
	} else if (strcmp(version, KEVENTS_VERSION)) {
		problem(diag, REFUSED, "version",
			"the module is %s, this command %s: install one version of both, then "
			"'kevents save FILE', reload the module, 'kevents restore FILE'",
			version, KEVENTS_VERSION);
	} else {
		pass("version", "module and command are " KEVENTS_VERSION);
	}
}

/* Finds the reason why open(2) failed with EACCES or EPERM. */
static void check_permission(struct diagnosis *diag)
{
	const struct passwd *user = getpwuid(geteuid());
	const char *name = user ? user->pw_name : "USER";
	const struct group *group;
	struct stat status;

	if (stat(diag->device, &status)) {
		problem(diag, REFUSED, "permission", "%s: %s", diag->device, strerror(errno));
		return;
	}
	group = getgrgid(status.st_gid);
	if (!status.st_gid || (status.st_mode & 0060) != 0060)
		problem(diag, REFUSED, "permission",
			"%s is only for root: install kevents-common, whose udev rule gives it to "
			"the group kevents, then 'udevadm trigger %s'",
			diag->device, diag->device);
	else if (process_is_in_group(status.st_gid))
		problem(diag, REFUSED, "permission",
			"the group is right, but something else forbids it: look for SELinux, "
			"AppArmor or DevicePolicy= in the journal");
	else if (user_is_in_group(status.st_gid))
		problem(diag, REFUSED, "permission",
			"%s is in the group %s, but this session started before that: log in again",
			name, group ? group->gr_name : "of the device");
	else
		problem(diag, REFUSED, "permission",
			"%s is not in the group %s: 'usermod -aG %s %s' as root, then log in again",
			name, group ? group->gr_name : "of the device",
			group ? group->gr_name : "GROUP", name);
}

static void check_access(struct diagnosis *diag)
{
	kevents_ctx ctx;
	int err = ke_init(&ctx);

	switch (err) {
	case 0:
		pass("ABI", "module and library have the same ABI");
		pass("permission", "this user may open %s", diag->device);
		ke_close(&ctx);
		break;
	case -EPROTONOSUPPORT:
		problem(diag, NO_DEVICE, "ABI",
			"module and library have different ABIs: install one version of both, then "
			"reload the module");
		break;
	case -EACCES:
	case -EPERM:
		check_permission(diag);
		break;
	case -ENOENT:	/* already reported */
	case -ENXIO:
	case -ENOTDIR:
		break;
	default:
		problem(diag, REFUSED, "opening", "%s: %s", diag->device, ke_strerror(err));
	}
}

/* Secure Boot and lockdown affect only the loading of the module. */
static void check_secure_boot(struct diagnosis *diag)
{
	int secure = secure_boot();
	const char *state = secure > 0 ? "on" : "off";

	if (secure < 0)
		state = "not on this machine";
	if (secure <= 0 && !kernel_is_locked_down())
		pass("Secure Boot", "%s", state);
	else if (module_is_loaded())
		pass("Secure Boot", "%s; the kernel accepted the module", state);
	else
		problem(diag, NO_DEVICE, "Secure Boot",
			"%s; the kernel loads only signed modules: 'mokutil --import "
			"/var/lib/dkms/mok.pub', reboot and confirm the key",
			secure > 0 ? "on" : "off, but the kernel is locked down");
}

static void check_dkms(struct diagnosis *diag)
{
	char line[256];

	if (!dkms_status(line, sizeof(line))) {
		pass("DKMS", "not installed, and needed only to build the module");
	} else if (!*line) {
		if (module_is_loaded())
			pass("DKMS", "does not manage the module");
		else
			problem(diag, NO_DEVICE, "DKMS",
				"does not know the module: install kevents-dkms");
	} else if (strstr(line, diag->kernel.release) && strstr(line, ": installed")) {
		pass("DKMS", "%s", line);
	} else {
		problem(diag, NO_DEVICE, "DKMS",
			"%s: install the headers of Linux %s, then 'dkms autoinstall'", line,
			diag->kernel.release);
	}
}

static int run(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = { HELP_OPTION, { NULL, 0, NULL, 0 } };
	struct args args = {
		.verb = verb, .argc = argc, .argv = argv, .letters = "", .options = options
	};
	struct diagnosis diag = { .device = getenv("KEVENTS_DEVICE"), .status = DONE };
	int status;

	while (args_next(&args) >= 0)
		;
	args_operands(&args, 0, 0);
	free(args.operands);
	if (!diag.device || !*diag.device)
		diag.device = "/dev/kevents";
	uname(&diag.kernel);
	check_device(&diag);
	check_module(&diag);
	check_version(&diag);
	check_access(&diag);
	check_secure_boot(&diag);
	check_dkms(&diag);
	status = close_output();
	return diag.status == DONE ? status : diag.status;
}

const struct verb doctor_verb = {
	.name = "doctor",
	.synopsis = "[OPTION]",
	.summary = "find out why KEvents does not work",
	.help =
"Checks whether KEvents works: whether the device exists, whether the module is\n"
"loaded and of the version of this command, whether library and module have the\n"
"same ABI, whether this user may open the device, whether Secure Boot prevents\n"
"loading the module, and what DKMS reports. Prints a line for each check, with\n"
"\"ok\" or with \"PROBLEM\" and what to do. Changes nothing.\n"
"\n"
HELP_TEXT
"\n"
"Exit status: 0 all is well; 2 wrong usage; otherwise by the first problem:\n"
"3 this user may not open the device, or versions differ; 4 the device cannot be\n"
"used.\n",
	.run = run,
};
