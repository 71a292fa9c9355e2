#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Paths: a checkout that is moved, directories with odd characters in their names.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

kernel=$(default_kernel)
tests/vm/fetch "$kernel"
scratch=$(mktemp -d "$cache/paths.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
old=$scratch/a+b~c@d_e.f^g-é new=$scratch/k2
odd="o d'd \"(x) [y] {z} & | ; * ? < > \\ % # ! \` ~"

# A machine whose network is down.
mkdir "$scratch/bin"
printf '#!/bin/sh\nexit 100\n' >"$scratch/bin/apt-get"
chmod +x "$scratch/bin/apt-get"
PATH=$scratch/bin:$PATH
unset KEVENTS_CACHE

# Makes the checkout $old with a cache as earlier versions left them: the kernel
# described by absolute paths.
make_checkout() {
	local place=$old/build/cache/kernels/$kernel kdir
	tests/packages/source "$old"
	mkdir -p "${place%/*}"
	cp -al "$cache/kernels/$kernel" "$place"
	[ ! -e "$cache/accel" ] || cp "$cache/accel" "$old/build/cache"
	rm -f "$place/description" "$place/env"
	kdir=$(find "$place/usr/src" -path '*/include/generated/utsrelease.h')
	kdir=${kdir%/include/generated/utsrelease.h}
	cat >"$place/env" <<-END
		KVER='${kdir##*/linux-headers-}'
		KDIR='$kdir'
		VMLINUZ='$(echo "$place"/boot/vmlinuz*)'
		KCC='gcc-$(gcc -dumpversion)'
	END
}

# Moves the checkout, and puts one in its place that cannot be used.
move_checkout() {
	local file
	mv "$old" "$new"
	(cd "$new" && find . \( -name '*.[ch]' -o -name Makefile -o -name Kbuild \) \
		! -path './build/cache/*/include/*') | while read -r file; do
		mkdir -p "$old/${file%/*}"
		# shellcheck disable=SC2016 # for make, to which the first line is a comment
		printf '%s\n' '#error "read in the old place"' '$(error read in the old place)' >"$old/$file"
	done
}

# in_new COMMAND [ARG...]
in_new() {
	(cd "$new" && "$@")
}

# Builds the module of the checkout in the directory for the kernel that it has.
build_module() (
	cd "$1" && . tests/vm/lib.sh && tests/vm/fetch "$kernel" && read_kernel "$kernel" &&
		make -s -j2 module KDIR="$KDIR" CC="$KCC"
)

# Prints the files below a directory.
contents() {
	(cd "$1" && find . -mindepth 1 ! -type d | sort)
}

# install_as DESTDIR PREFIX [VARIABLE=VALUE]...
install_as() {
	make -s -C "$old" install install-dkms DESTDIR="$1" PREFIX="$2" "${@:3}"
}

takes_odd_places() {
	install_as "$scratch/plain" /usr && install_as "$scratch/$odd" "/opt/$odd" || return
	same "$(contents "$scratch/$odd/opt/$odd")" "$(contents "$scratch/plain/usr" | grep -v '^./src/')" &&
		same "$(contents "$scratch/$odd/usr/src")" "$(contents "$scratch/plain/usr/src")"
}

takes_each_odd_place() {
	local name places=()
	for name in LIBDIR MANDIR UDEVRULESDIR SYSUSERSDIR MODULESLOADDIR UNITDIR BASHDIR ZSHDIR FISHDIR; do
		places+=("$name=/$odd")
	done
	install_as "$scratch/each" /usr "${places[@]}" || return
	contents "$scratch/each/$odd" | grep -cx -e ./libkevents.so -e ./man1/kevents.1 -e ./60-kevents.rules \
		-e ./kevents.conf -e ./kevents-work@.service -e ./kevents -e ./_kevents -e ./kevents.fish | grep -x 8
}

takes_a_dollar() {
	# shellcheck disable=SC2016 # for make
	install_as "$scratch/dollar" '/a$$b' && [ -x "$scratch/dollar/a\$b/bin/kevents" ]
}

# pkg-config itself leaves parentheses as they are.
pkg_config_quotes_the_prefix() {
	local prefix=${odd//[()]/}
	make -s -C "$old" lib PREFIX="/opt/$prefix" || return
	eval "set -- $(PKG_CONFIG_PATH=$old/build/lib pkg-config --cflags --libs kevents)" &&
		same "$*" "-I/opt/$prefix/include -L/opt/$prefix/lib -lkevents"
}

unit_names_the_prefix() {
	make -s -C "$old" tools PREFIX='/opt/a b 1% (&|)' || return
	# shellcheck disable=SC2016 # for systemd
	grep -xF 'ExecStart=/opt/a\x20b\x201%%\x20(&|)/bin/kevents work $OPTIONS %i -- /etc/kevents/work/%i' \
		"$old/build/tools/kevents-work@.service"
}

# builds TARGET...: make builds them without compiling anything.
builds_nothing() {
	local said
	said=$(in_new make "$@" 2>&1) || { echo "$said" && return 1; }
	refuse grep -E '^(cc|gcc|ar) ' <<<"$said"
}

compiles_again_for_a_header() {
	touch "$new/include/kevents.h"
	reports 'context.o' in_new make lib && reports 'spray' in_new make -C tests tools
}

keeps_the_cache_alone() {
	in_new make -s clean && same "$(ls "$new/build")" cache
}

# refused CHARACTER COMMAND [ARG...]: in a checkout with CHARACTER in its path.
refused() {
	local place=$scratch/in$1path status
	mv "$new" "$place"
	(cd "$place" && says "cannot take '$1' in a path: use another one" refuse "${@:2}")
	status=$?
	mv "$place" "$new"
	return $status
}

refuses_each_character() {
	local character
	# shellcheck disable=SC1003 # a backslash
	for character in ' ' '!' '"' '#' '$' '%' '&' "'" '(' ')' '*' ',' ':' ';' '<' '=' '>' '?' '[' '\' ']' '`' '{' '|' '}'; do
		refused "$character" make help || return
	done
}

make_checkout
check 'a checkout with unusual characters in its path is built' make -s -C "$old" -j2 lib tools
check 'so are the programs of the tests' make -s -C "$old/tests" tools
check 'a kernel that an earlier version fetched is used' build_module "$old"
check 'make install and install-dkms take any DESTDIR and PREFIX' takes_odd_places
check 'make install takes any LIBDIR, MANDIR and the like' takes_each_odd_place
check 'a dollar sign is written twice, as make wants it' takes_a_dollar
check 'pkg-config quotes the prefix' pkg_config_quotes_the_prefix
check 'the service unit names any prefix' unit_names_the_prefix

make -s -C "$old" lib tools
move_checkout
check 'a moved checkout need not be built again' builds_nothing lib tools
check 'nor need the programs of its tests' builds_nothing -C tests tools
check 'it still knows which headers they depend on' compiles_again_for_a_header
check 'its module is built, and its kernel boots' reports here in_new tests/guest -- echo here
ln -s "$new" "$scratch/link"
check 'it works through a symbolic link' reports here env -C "$scratch/link" tests/guest -- echo here
mkdir "$scratch/t m,p"
check 'TMPDIR may have a blank and a comma' \
	reports here in_new env TMPDIR="$scratch/t m,p" tests/vm/run -- echo here
check 'make clean keeps the cache alone' keeps_the_cache_alone

check 'make refuses a path with characters that it cannot take' refuses_each_character
for command in 'make -C tests' 'make -C libkevents' 'make -C man install' tests/check 'tests/guest true' 'tests/vm/run true'; do
	# shellcheck disable=SC2086 # its words
	check "so does '$command'" refused ' ' $command
done
check 'KEVENTS_CACHE with a blank is refused' says "cannot take ' '" refuse env KEVENTS_CACHE='/tmp/a b' tests/guest true
check 'a relative KEVENTS_CACHE is refused' says 'is not absolute' refuse env KEVENTS_CACHE=cache tests/guest true
