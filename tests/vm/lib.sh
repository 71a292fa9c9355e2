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

# read_kernel NAME: sets KVER, KDIR, VMLINUZ, KCC, KMAKE and KCHROOT as fetch describes
# them; fails without a description. NAME with a slash is the kernel's directory.
# shellcheck disable=SC2034
read_kernel() {
	local place=$cache/kernels/$1
	case $1 in */*) place=$1 ;; esac
	KVER='' KDIR='' VMLINUZ='' KCC='' KMAKE='' KCHROOT=''
	[ -e "$place/description" ] || return
	# shellcheck source=/dev/null
	. "$place/description"
	KDIR=$place/$KDIR VMLINUZ=$place/$VMLINUZ
}

# Prints the line of a kernel in the list, or fails.
kernel_line() {
	awk -v name="$1" '!/^#/ && $1 == name { print; found = 1 } END { exit !found }' "$vm/kernels"
}

# Prints the names in the list that belong to this machine's distribution, of
# those that are used by $1.
kernel_names() {
	local home names
	for home in $(distribution); do
		names=$(awk -v home="$home" -v by=",$1," \
			'!/^#/ && $2 == home && index("," $7 ",", by) { print $1 }' "$vm/kernels")
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
