# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts beside this one share; source it.

# shellcheck source-path=SCRIPTDIR source=../deps/log.sh
. "$(dirname "${BASH_SOURCE[0]}")/../deps/log.sh"

vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034
cache=${KEVENTS_CACHE:-${vm%/tests/vm}/build/cache}

say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$*"
	exit 125
}

# Prints the leading comment of the calling script as its usage text.
usage() {
	sed -n '3,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$0"
}

# require_path NAME DIRECTORY
require_path() {
	local refusal
	refusal=$("$vm/../deps/path" "$@") || die "$refusal"
}

require_path 'the path of this checkout' "${vm%/tests/vm}"
require_path 'the path in KEVENTS_CACHE' "$cache"

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || die "$tool is missing: run tests/deps/install guest"
	done
}

# The distribution's ID, then those it is like, as words.
distribution() (
	# shellcheck source=/dev/null
	. /etc/os-release
	echo "${ID:-unknown} ${ID_LIKE:-}"
)

# read_kernel NAME: sets KVER, KARCH, KDIR, VMLINUZ, KCC, KMAKE and KCHROOT as fetch
# describes them; fails without a description. NAME with a slash is the kernel's
# directory.
# shellcheck disable=SC2034
read_kernel() {
	local place=$cache/kernels/$1
	case $1 in */*) place=$1 ;; esac
	KVER='' KARCH=amd64 KDIR='' VMLINUZ='' KCC='' KMAKE='' KCHROOT=''
	[ -e "$place/description" ] || return
	# shellcheck source=/dev/null
	. "$place/description"
	KDIR=$place/$KDIR VMLINUZ=$place/$VMLINUZ
}

# Prints the line of a kernel in the list.
kernel_line() {
	awk -v name="$1" '!/^#/ && $1 == name { print; found = 1 } END { exit !found }' "$vm/kernels" ||
		die "no kernel is called $1; there are: $(awk '/^[^#]/ { print $1 }' "$vm/kernels" | tr '\n' ' ')"
}

# Prints what Debian calls the architecture of a kernel in the list.
kernel_architecture() {
	local line
	line=$(kernel_line "$1") || exit
	awk '{ print $3 }' <<<"$line"
}

# Prints what the compilers call the architecture that Debian calls $1.
triplet() {
	case $1 in
	amd64) echo x86_64-linux-gnu ;;
	arm64) echo aarch64-linux-gnu ;;
	i386 | s390x) echo "$1-linux-gnu" ;;
	*) die "no architecture is called $1" ;;
	esac
}

# Prints what the kernel's make calls it.
kernel_word() {
	case $1 in
	amd64 | i386) echo x86 ;;
	s390x) echo s390 ;;
	*) echo "$1" ;;
	esac
}

# Where the files of other architectures lie that `fetch --sysroot $1` brings.
sysroot() {
	echo "$cache/sysroots/$1"
}

# Where the programs for architecture $1 are built.
output() {
	case $1 in
	amd64) echo "${vm%/tests/vm}/build" ;;
	*) echo "${vm%/tests/vm}/build/$1" ;;
	esac
}

# make_for ARCHITECTURE [ARG...]: a make of this tree's programs; what another
# architecture than the machine's needs for that comes first.
make_for() {
	local arch=$1 triplet sysroot
	shift
	if [ "$arch" = amd64 ]; then
		make -s "$@"
		return
	fi
	"$vm/../deps/install" "$arch" && "$vm/fetch" --sysroot "$arch" || return
	triplet=$(triplet "$arch") sysroot=$(sysroot "$arch")
	PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig \
		make -s BUILD="$(output "$arch")" AR="$triplet-ar" CC="$triplet-gcc --sysroot=$sysroot" \
		CXX="$triplet-g++ --sysroot=$sysroot" "$@"
}

# Prints the names in the list that belong to this machine's distribution, of
# those that are used by $1.
kernel_names() {
	local home names
	for home in $(distribution); do
		names=$(awk -v home="$home" -v by=",$1," \
			'!/^#/ && $2 == home && index("," $8 ",", by) { print $1 }' "$vm/kernels")
		[ -z "$names" ] || break
	done
	echo "$names"
}

default_kernel() {
	local names
	names=$(kernel_names check)
	[ -n "$names" ] || die "no kernel in tests/vm/kernels is for this distribution: name one"
	echo "${names%%$'\n'*}"
}
