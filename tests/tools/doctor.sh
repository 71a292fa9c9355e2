#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kevents doctor, in each situation that it knows.
# shellcheck disable=SC2016 # another shell expands them
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

# As a regular expression.
kernel=$(uname -r | sed 's/[.+]/\\&/g')

# diagnosis STATUS PATTERN COMMAND...: what a doctor says in a mount namespace where
# it comes last
diagnosis() {
	local status=$1 pattern=$2
	shift 2
	ends "$status" unshare -m -- "$@" >said
	has "$(<said)" "$pattern"
}

# Without the module the same; puts it back.
diagnosis_unloaded() {
	rmmod kevents
	if diagnosis "$@"; then
		load
	else
		load
		return 1
	fi
}

load() {
	insmod "$KEVENTS_MODULE"
	chgrp kevents /dev/kevents
	chmod 660 /dev/kevents
}

test_all_is_well() {
	diagnosis 0 '^ok +device +/dev/kevents is there, root:kevents, mode 0660$' kevents doctor
	has "$(<said)" '^ok +module +loaded$'
	has "$(<said)" '^ok +version +module and command are '
	has "$(<said)" '^ok +ABI '
	has "$(<said)" '^ok +permission '
	has "$(<said)" '^ok +Secure Boot +not on this machine$'
	has "$(<said)" '^ok +DKMS +not installed'
	is 7 "$(wc -l <said)"
	ends 0 as alice kevents doctor >/dev/null
}

test_module_is_not_there() {
	diagnosis_unloaded 4 "^PROBLEM +module +not there for Linux $kernel: install its headers" \
		kevents doctor
	has "$(<said)" '^PROBLEM +device +/dev/kevents is not there: load the module'
}

test_module_is_not_loaded() {
	diagnosis_unloaded 4 "^PROBLEM +module +not loaded: 'modprobe kevents'" bash -c '
		mkdir "/lib/modules/$(uname -r)"
		mount -t tmpfs tmpfs "/lib/modules/$(uname -r)"
		echo "updates/dkms/kevents.ko.xz:" >"/lib/modules/$(uname -r)/modules.dep"
		kevents doctor'
	rmdir "/lib/modules/$(uname -r)"
}

test_no_modules_are_loaded_any_more() {
	diagnosis_unloaded 4 '^PROBLEM +module +not loaded, and this kernel no longer loads modules' bash -c '
		echo 1 >disabled
		mount --bind disabled /proc/sys/kernel/modules_disabled
		kevents doctor'
}

test_device_is_not_in_the_container() {
	diagnosis 4 "^PROBLEM +device +/dev/kevents is not in this container: start it with '--device" bash -c '
		mount -t tmpfs tmpfs /dev
		mount -t tmpfs tmpfs /run
		mkdir /run/systemd
		echo docker >/run/systemd/container
		kevents doctor'
}

test_device_is_missing_though_the_module_is_loaded() {
	diagnosis 4 '^PROBLEM +device +/dev/kevents is not there, though the module is loaded' bash -c '
		mount -t tmpfs tmpfs /dev
		kevents doctor'
	has "$(<said)" '^ok +module +loaded$'
}

test_something_else_is_in_its_place() {
	touch file
	diagnosis 4 '^PROBLEM +device +file is not a device' env KEVENTS_DEVICE=file kevents doctor
	diagnosis 4 '^PROBLEM +device +/dev/null is another device' env KEVENTS_DEVICE=/dev/null kevents doctor
	diagnosis 4 '^PROBLEM +device +file/x: Not a directory' env KEVENTS_DEVICE=file/x kevents doctor
}

test_versions_differ() {
	diagnosis 3 '^PROBLEM +version +the module is 9\.8\.7, this command ' bash -c '
		echo 9.8.7 >version
		mount --bind version /sys/module/kevents/version
		kevents doctor'
}

test_module_and_library_do_not_fit() {
	diagnosis 4 '^PROBLEM +ABI +module and library have different ABIs' \
		env LD_PRELOAD="$here/other-abi.so" kevents doctor
	LD_PRELOAD="$here/other-abi.so" ends 4 kevents list
}

test_user_is_not_in_the_group() {
	ends 3 as carol kevents doctor >said
	has "$(<said)" "^PROBLEM +permission +carol is not in the group kevents: 'usermod -aG kevents carol'"
}

test_session_is_older_than_the_membership() {
	ends 3 setpriv --reuid alice --regid alice --clear-groups kevents doctor >said
	has "$(<said)" '^PROBLEM +permission +alice is in the group kevents, but this session started before that'
}

test_device_is_for_root_alone() {
	chmod 600 /dev/kevents
	ends 3 as alice kevents doctor >said
	chmod 660 /dev/kevents
	has "$(<said)" '^PROBLEM +permission +/dev/kevents is only for root: install kevents-common'
}

secure_boot='
	mount -t tmpfs tmpfs /sys/firmware
	mkdir -p /sys/firmware/efi/efivars
	printf "\6\0\0\0\1" >/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
	kevents doctor'

test_secure_boot_is_in_the_way() {
	diagnosis_unloaded 4 "^PROBLEM +Secure Boot +on; the kernel loads only signed modules: 'mokutil" \
		bash -c "$secure_boot"
	diagnosis 0 '^ok +Secure Boot +on; the kernel accepted the module$' bash -c "$secure_boot"
	diagnosis 0 '^ok +Secure Boot +off$' bash -c "${secure_boot/'\1'/'\0'}"
}

test_lockdown_is_in_the_way() {
	diagnosis_unloaded 4 '^PROBLEM +Secure Boot +off, but the kernel is locked down; the kernel loads' bash -c '
		mount -t tmpfs tmpfs /sys/kernel
		mkdir /sys/kernel/security
		echo "none [integrity] confidentiality" >/sys/kernel/security/lockdown
		kevents doctor'
}

# with_dkms SAYS: a directory for PATH
with_dkms() {
	mkdir -p bin
	printf '#!/bin/sh\necho "%s"\n' "$1" >bin/dkms
	chmod +x bin/dkms
}

test_what_dkms_says() {
	local path=$PWD/bin:$PATH
	with_dkms "kevents/1.2.3, $(uname -r), x86_64: installed"
	diagnosis 0 '^ok +DKMS +kevents/1\.2\.3, .*: installed$' env PATH="$path" kevents doctor
	with_dkms "kevents, 1.2.3, $(uname -r), x86_64: installed"
	diagnosis 0 '^ok +DKMS +kevents, 1\.2\.3, .*: installed$' env PATH="$path" kevents doctor
	with_dkms 'kevents/1.2.3: added'
	diagnosis 4 "^PROBLEM +DKMS +kevents/1\.2\.3: added: install the headers of Linux $kernel," \
		env PATH="$path" kevents doctor
	with_dkms 'kevents/1.2.3, 5.0.0-other, x86_64: installed'
	diagnosis 4 '^PROBLEM +DKMS +kevents/1\.2\.3, 5\.0\.0-other' env PATH="$path" kevents doctor
	with_dkms ''
	diagnosis 0 '^ok +DKMS +does not manage the module' env PATH="$path" kevents doctor
	diagnosis_unloaded 4 '^PROBLEM +DKMS +does not know the module' env PATH="$path" kevents doctor
}

test_dkms_is_found_by_users_too() {
	with_dkms 'kevents/1.2.3: added'
	diagnosis 4 '^PROBLEM +DKMS +kevents/1\.2\.3: added' bash -c '
		mount -t tmpfs tmpfs /usr/sbin
		cp bin/dkms /usr/sbin
		PATH=/usr/local/bin:/usr/bin:/bin exec kevents doctor'
}

test_it_changes_nothing() {
	kevents send 601 x
	kevents list >before
	kevents doctor >/dev/null
	kevents list | cmp - before
	ends 3 kevents doctor >/dev/full
}

run_tests "$@"
