# shellcheck shell=dash disable=SC2154 # group
# SPDX-License-Identifier: GPL-2.0-only
# What the scripts share that run in the guest: results as TAP, which
# tests/suite/summary.awk reads. A script sets `group` and ends with `plan`.

number=0
work=$(mktemp -d)

# check FUNCTION [NAME]: a test, which passes if the function does; shows what it
# said if not.
check() {
	number=$((number + 1))
	if "$1" >"$work/said" 2>&1; then
		echo "ok $number - $group:docs:${2:-$1}: Passed"
	else
		echo "not ok $number - $group:docs:${2:-$1}: failed"
		sed 's/^/# /' "$work/said"
	fi
}

# skip NAME REASON
skip() {
	number=$((number + 1))
	echo "# skip $1: $2"
	echo "ok $number - $group:docs:$1: Passed"
}

plan() {
	echo "1..$number"
	rm -rf "$work"
}

# same FILE: whether it holds what standard input does.
same() {
	cat >"$work/expected"
	diff -u "$work/expected" "$1"
}

# until_true COMMAND...: waits until it succeeds, a minute at most.
until_true() {
	tries=0
	until "$@"; do
		[ $tries -lt 600 ] || return 1
		tries=$((tries + 1))
		sleep 0.1
	done
}
