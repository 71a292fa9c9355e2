#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the harness downloads and keeps: nothing that an interrupted run left half
# made is used, and once all is there no network is needed.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
kernel=$(tests/vm/fetch --list | head -n 1)
fakes=$scratch/bin
path=$PATH
export scratch path

# fake PROGRAM: standard input is what it does; die_at POINT kills the whole
# session where POINT is the one to die at, `real` is the program itself.
fake() {
	mkdir -p "$fakes"
	{
		# shellcheck disable=SC2016 # for the program
		printf '#!/bin/bash\n%s\n' 'die_at() { [ "$point" != "$1" ] || kill -KILL 0; }
			real() { PATH=$path "${0##*/}" "$@"; }'
		cat
	} >"$fakes/$1"
	chmod +x "$fakes/$1"
}

# An archive with one kernel.
archive() {
	local tree=$scratch/tree headers
	headers=$tree/headers/usr/src/linux-headers-1
	mkdir -p "$scratch/archive" "$tree"/{image,headers}/DEBIAN "$tree/image/boot" "$headers/include/generated"
	printf 'Package: linux-%s-1\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: none\n' \
		image >"$tree/image/DEBIAN/control"
	sed 's/image/headers/' "$tree/image/DEBIAN/control" >"$tree/headers/DEBIAN/control"
	head -c 200000 /dev/urandom >"$tree/image/boot/vmlinuz-1"
	echo '#define UTS_RELEASE "1"' >"$headers/include/generated/utsrelease.h"
	echo 'CONFIG_CC_VERSION_TEXT="gcc-12 (Debian)"' >"$headers/.config"
	dpkg-deb -Znone --build "$tree/image" "$scratch/archive/linux-image-1.deb" >/dev/null
	dpkg-deb -Znone --build "$tree/headers" "$scratch/archive/linux-headers-1.deb" >/dev/null
	fake apt-get <<-'END'
		case " $* " in
		*' indextargets '*) echo "Debian http://deb.debian.org/debian bookworm /etc/apt/sources.list:1" ;;
		*' update '*) die_at update ;;
		*' --print-uris '*) ;;
		*' download '*)
			for deb in "$scratch"/archive/*; do
				head -c 1000 "$deb" >"${deb##*/}"
				die_at download
				cp "$deb" .
			done
			;;
		esac
	END
	fake apt-cache <<-'END'
		case " $* " in
		*' pkgnames '*) printf 'linux-%s-1\n' image headers ;;
		esac
	END
	fake dpkg-deb <<-'END'
		real "$@"
		die_at unpack
		[ "$point$1" != damage--fsys-tarfile ]
	END
	fake mv <<-'END'
		case $* in *.staging.*) die_at move ;; esac
		real "$@"
	END
}

# Prints nothing if the kernel in the cache is all that the archive has.
fetched() {
	(
		export KEVENTS_CACHE=$scratch/cache
		# shellcheck source=tests/vm/lib.sh
		. tests/vm/lib.sh
		read_kernel "$kernel"
		cmp "$VMLINUZ" "$scratch/tree/image/boot/vmlinuz-1"
		cmp "$KDIR/.config" "$scratch/tree/headers/usr/src/linux-headers-1/.config"
	)
}

# fetch POINT
fetch() {
	point=$1 PATH=$fakes:$PATH KEVENTS_CACHE=$scratch/cache setsid --wait tests/vm/fetch "$kernel"
}

fetch_recovers_from() {
	rm -rf "$scratch/cache"
	refuse fetch "$1" && refuse test -e "$scratch/cache/kernels/$kernel/description" &&
		fetch nowhere && fetched
}

lists_that_could_not_be_read_are_read_again() {
	local place=$scratch/unread/apt-bookworm-amd64 said
	said=$(KEVENTS_MIRROR=http://127.0.0.1:9/debian KEVENTS_CACHE=$scratch/unread \
		tests/vm/apt open debian bookworm amd64 2>&1 >/dev/null)
	printf '%s\n' "$said"
	[[ $said == *'could not be read'*build/log/apt* ]] && same "$(wc -l <<<"$said")" 2 &&
		refuse test -e "$place/fresh"
}

# A machine whose apt has two suites and no lists.
bare_machine() {
	local suite place packages
	for suite in one two; do
		place=$scratch/bare/dists/$suite packages=main/binary-amd64/Packages
		mkdir -p "$place/${packages%/*}"
		printf 'Package: none\nVersion: 1\nArchitecture: all\nFilename: none\nSize: 1\n' >"$place/$packages"
		{
			printf 'Origin: Debian\nSuite: %s\nCodename: %s\nArchitectures: amd64\nComponents: main\n' $suite $suite
			printf 'Date: %s\nSHA256:\n %s %s %s\n' "$(date -Ru)" "$(sha256sum <"$place/$packages" | cut -d' ' -f1)" \
				"$(wc -c <"$place/$packages")" "$packages"
		} >"$place/Release"
		echo "deb [trusted=yes arch=amd64] file:$scratch/bare $suite main"
	done >"$scratch/sources.list"
	mkdir -p "$scratch/none/partial"
	cat >"$scratch/apt.conf" <<-END
		Dir::Etc::SourceList "$scratch/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$scratch/none";
	END
	fake apt-get <<-'END'
		real "$@" || exit
		case " $* " in
		*' update '*)
			[ "$point" != update ] || rm -f "$scratch"/machine/apt-machine/*_two_*
			die_at update
			;;
		esac
	END
}

# open_own POINT
open_own() {
	point=$1 PATH=$fakes:$PATH APT_CONFIG=$scratch/apt.conf KEVENTS_MIRROR='' KEVENTS_CACHE=$scratch/machine \
		setsid --wait tests/vm/apt open debian own amd64
}

machine_lists_recover() {
	refuse open_own update && open_own nowhere &&
		same "$(awk '{ print $(NF - 1) }' "$scratch/machine/apt-own-amd64/sources.list" | tr '\n' ' ')" 'one two '
}

# As root, or by sudo.
chroot_finishes_what_it_was_installing() {
	local root=$scratch/cache/compilers/none name libraries
	mkdir -p "$root"/{bin,proc,dev,var/lib/dpkg/info}
	mapfile -t libraries < <(ldd /bin/sh /usr/bin/env | grep -o '/[^ ]*\.so[^ ]*' | sort -u)
	cp --parents "${libraries[@]}" "$root"
	cp /bin/sh /usr/bin/env "$root/bin"
	for name in dpkg apt-get; do
		# shellcheck disable=SC2016 # for the program
		printf '#!/bin/sh\necho "$0 $*" >>/done\n' >"$root/bin/$name"
		chmod +x "$root/bin/$name"
	done
	{
		sed '/^Package/cPackage: tool' "$scratch/tree/image/DEBIAN/control"
		echo 'Status: install ok half-configured'
	} >"$root/var/lib/dpkg/status"
	: >"$root/var/lib/dpkg/info/tool.list"
	KEVENTS_CACHE=$scratch/cache tests/vm/chroot none tool sh -c : || return
	cat "$root/done"
	grep -q 'dpkg --configure -a' "$root/done" && grep -q 'install tool$' "$root/done"
}

# Where there is no /dev/kvm there is no trial, and no verdict either.
interrupted_trial_leaves_no_verdict() {
	fake qemu-system-x86_64 <<<'kill -INT 0; sleep 5'
	mkdir -p "$scratch/verdict/kernels/none"
	echo 'VMLINUZ=description' >"$scratch/verdict/kernels/none/description"
	PATH=$fakes:$PATH KEVENTS_CACHE=$scratch/verdict setsid --wait tests/vm/run --kernel none -- true
	refuse test -e "$scratch/verdict/accel"
}

without_network() {
	if [ "$(id -u)" = 0 ]; then
		unshare --net "$@"
	else
		unshare --map-current-user --net "$@"
	fi
}

boots_without_network() {
	tests/vm/fetch && tests/vm/fetch --sysroot i386 &&
		without_network tests/vm/fetch --sysroot i386 && without_network tests/guest -- true
}

archive
for at in update download unpack damage move; do
	check "a fetch that ended at $at is made good by the next one" fetch_recovers_from $at
done
check 'an interrupted trial of KVM leaves no verdict' interrupted_trial_leaves_no_verdict
check 'lists that could not be read are read again' lists_that_could_not_be_read_are_read_again
bare_machine
check "lists for the machine's suites that were read in part are read again" machine_lists_recover
check 'a chroot finishes an installation that was interrupted' chroot_finishes_what_it_was_installing
check 'a virtual machine boots without a network' boots_without_network
