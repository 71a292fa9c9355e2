# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Virtual machines that boot a suite with systemd and udev, for the scripts that
# source this. Needs root, for the chroot in which a disk is made.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

limit=3600

kernel_options='root=/dev/nvme0n1 rw console=ttyS0 panic=-1 oops=panic systemd.show_status=0'

# What a trial has found for tests/vm/run; see there.
accel=(-accel 'tcg,thread=multi' -cpu qemu64)
[ "$(head -n 1 "$cache/accel" 2>/dev/null)" != kvm ] || accel=(-accel kvm -cpu host)

machine=''
mkdir -p "$cache/chroots"
tmp=$(mktemp -d "$cache/chroots/.guest.XXXXXX")
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# shellcheck disable=SC2317 # a trap calls it
cleanup() {
	# Not by KILL, which would end `timeout` alone.
	[ -z "$machine" ] || { kill "$machine" && wait "$machine"; } 2>/dev/null || :
	rm -rf "$tmp"
}

# prepare SUITE OPTION...: makes the disk, as tests/packages/inside/prepare has it,
# with what the options of tests/packages/chroot copy. Ends the script where it cannot.
prepare() {
	$packages/chroot --copy "$PWD/$packages/inside:/tests" "${@:2}" --out /boot/kernel:"$tmp/kernel" \
		--image "$tmp/disk" "$1" /tests/prepare >"$tmp/prepared" 2>&1 || {
		echo "not ok - the system is prepared"
		tail -n 60 "$tmp/prepared" | sed 's/^/    /'
		exit
	}
}

# boot STAGE COMMAND[,ARGUMENT]... [DRIVE-OPTION]: runs that as root; fails if the
# machine did not get to its end or the kernel complained. `snapshot=on` leaves the
# disk as it was.
boot() {
	say "booting: $1"
	: >"$tmp/out"
	timeout --foreground "$limit" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		"${accel[@]}" -smp 2 -m 1024 -kernel "$tmp/kernel" \
		-append "$kernel_options systemd.wants=kevents-test.service check_packages=$2" \
		-drive "file=$tmp/disk,format=raw,if=none,id=disk,cache=unsafe${3+,$3}" -device nvme,drive=disk,serial=disk \
		-chardev "file,id=log,path=$tmp/log" -serial chardev:log \
		-chardev "file,id=out,path=$tmp/out" -serial chardev:out </dev/null &
	# The shell waits, so that it heeds signals at once.
	machine=$!
	wait "$machine" || :
	machine=''
	tr -d '\r' <"$tmp/out" | sed '/^end [0-9]*$/d'
	if grep -q '^end 0' "$tmp/out"; then
		echo "ok - $1: the machine came to the end"
	else
		echo "not ok - $1: the machine came to the end"
		tail -n 60 "$tmp/log" | sed 's/^/    /'
	fi
	if tests/vm/splat-scan "$tmp/log" >"$tmp/splats"; then
		echo "not ok - $1: the kernel found no fault"
		sed 's/^/    /' "$tmp/splats"
	else
		echo "ok - $1: the kernel found no fault"
	fi
}
