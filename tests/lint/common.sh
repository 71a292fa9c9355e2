# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the checks share. A check prints what is wrong and its exit status decides.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
export LC_ALL=C
# The checks are not part of the make that may have called them.
unset MAKEFLAGS MFLAGS MAKELEVEL

# files PATHSPEC...: the project's files that exist, tracked or about to be.
files() {
	local file

	git ls-files --cached --others --exclude-standard -- "$@" | sort -u |
		while IFS= read -r file; do
			[ ! -f "$file" ] || printf '%s\n' "$file"
		done
}

# Directories with kernel code, src/ and test modules: those that Kbuild builds.
kernel_dirs() {
	files Kbuild '*/Kbuild' | xargs -r -d '\n' dirname
}

# kernel_c PATHSPEC..., user_c PATHSPEC...: those of the files that are kernel
# code, and the others.
kernel_c() {
	files "$@" | grep -f <(kernel_c_places)
	return 0
}

user_c() {
	files "$@" | grep -v -f <(kernel_c_places)
	return 0
}

kernel_c_places() {
	echo '^src/'
	echo '^include/uapi/'
	kernel_dirs | sed 's|[][\.*^$]|\\&|g; s|.*|^&/|'
}

# need COMMAND PACKAGE: a tool that is missing is a failure, never a skip.
need() {
	command -v "$1" >/dev/null && return
	echo "$1 is not installed: package $2 (tests/deps/install lint)"
	exit 1
}

# What the project's programs need, for any compiler. The kernel's headers for
# user space are the same for -m32, but a compiler does not look there.
user_flags() {
	printf '%s\n' -Iinclude -Iinclude/uapi -Itests -Itools \
		"-DKEVENTS_VERSION=\"$(cat VERSION)\"" \
		-idirafter "/usr/include/$(gcc -print-multiarch)"
}

# The headers of other packages that the programs and a 32-bit build need.
need_headers() {
	local header package

	need gcc gcc
	while read -r header package; do
		user_c '*.[ch]' | xargs -r -d '\n' grep -q "^#include <$header>" || continue
		echo "#include <$header>" | gcc -E -x c - >/dev/null 2>&1 && continue
		echo "<$header> is not installed: package $package (tests/deps/install lint)"
		exit 1
	done <<-'END'
		check.h check
		jansson.h libjansson-dev
		liburing.h liburing-dev
		ncurses.h libncurses-dev
		systemd/sd-event.h libsystemd-dev
		zlib.h zlib1g-dev
	END
	echo '#include <stdint.h>' | gcc -m32 -E -x c - >/dev/null 2>&1 || {
		echo "no headers for -m32: package libc6-dev-i386 (tests/deps/install lint)"
		exit 1
	}
}

# each_file COMMAND...: runs it with each file named on standard input, side by side.
each_file() {
	xargs -r -d '\n' -P "$(nproc)" -n 1 "$@"
}

# compile_each COMPILER...: the same with user_flags, and with _GNU_SOURCE unless
# the file defines it.
compile_each() {
	local flags names define='^#define _GNU_SOURCE' rc=0
	mapfile -t flags < <(user_flags)
	mapfile -t names

	[ ${#names[@]} -gt 0 ] || return 0
	each_file "$@" "${flags[@]}" -D_GNU_SOURCE < <(grep -L "$define" "${names[@]}") || rc=1
	each_file "$@" "${flags[@]}" < <(grep -l "$define" "${names[@]}") || rc=1
	return $rc
}

# Prints the directory of the kernel headers to build the module against.
kernel_headers() (
	if [ -z "${KDIR-}" ]; then
		# shellcheck source=tests/vm/lib.sh
		. tests/vm/lib.sh
		set -- "$(default_kernel)" && tests/vm/fetch "$1" >&2 && read_kernel "$1" || exit
	fi
	[ -f "$KDIR/Makefile" ] || {
		echo "no kernel headers in '$KDIR'" >&2
		exit 1
	}
	realpath "$KDIR"
)

# build_module NAME ARGUMENT...: runs Kbuild in src/ and the test modules with
# the arguments and prints what it says. It works in a copy of the tree under
# build/lint/NAME, which is kept, so that the next run compiles what changed.
build_module() {
	local copy=build/lint/$1 dir rc=0 kdir
	shift

	kdir=$(kernel_headers) || exit 1
	mkdir -p build/lint
	{
		echo "$kdir for $PWD"
		files | grep -E '\.[ch]$|(^|/)(Kbuild|VERSION)$'
	} >"$copy.files.new"
	if ! cmp -s "$copy.files.new" "$copy.files"; then
		rm -rf "$copy"
		mv "$copy.files.new" "$copy.files"
	fi
	mkdir -p "$copy"
	sed 1d "$copy.files" | tar --format=posix -cf - --no-recursion -T - | tar -xf - -C "$copy" || exit 1
	while IFS= read -r dir; do
		# BTF needs pahole and finds no fault with the code
		make -s -j"$(nproc)" -C "$kdir" M="$PWD/$copy/$dir" \
			CONFIG_DEBUG_INFO_BTF_MODULES= "$@" modules || rc=1
	done < <(kernel_dirs) >"$copy.log" 2>&1
	sed "s|$PWD/$copy/||g" "$copy.log"
	return $rc
}
