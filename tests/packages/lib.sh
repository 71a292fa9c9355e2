# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the scripts beside this one share; source it. They work at the top.

packages=tests/packages
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh

# suite_line SUITE: sets archives, role, headers, later, extra.
# shellcheck disable=SC2034
suite_line() {
	read -r _ archives role headers later extra < <(awk -v suite="$1" '$1 == suite' $packages/suites) ||
		die "no suite is called $1; there are: $(suite_names | tr '\n' ' ')"
}

suite_names() {
	awk '/^[^#]/ { print $1 }' $packages/suites
}

# become_root SCRIPT [ARG...]: goes on as root, by sudo. What root writes to as well
# stays the user's.
become_root() {
	[ "$(id -u)" != 0 ] || return 0
	mkdir -p build/log "$cache"
	: >>build/log/apt
	: >>"$cache/lock"
	exec sudo --preserve-env=KEVENTS_CACHE,KEVENTS_MIRROR "$@"
}

# Gives back to the user of become_root what is new there.
give_back() {
	[ -z "${SUDO_UID-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build/log "$cache"/apt-* "$cache/lock"
}
