#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest the terminal sessions that README and manual show, on a
# terminal, and compares them with what these say. With an argument prints the
# session of that name as it is now.
cd "${0%/*}" || exit
# shellcheck source=tests/docs/tap.sh
. ./tap.sh
group=sessions

# Each has mailboxes of its own, in which numbers count from 1.
taken_now() {
	unshare -n script -qec "./transcript '$PWD/manual/$1.session'" /dev/null </dev/null | tr -d '\r'
}

# What an event takes beside its payload is the module's own affair.
without_bytes() {
	sed -E 's/^(-?[0-9]+ +[0-9]+ +[0-9]+) +[0-9]+/\1 (bytes)/' "$@"
}

is_as_shown() {
	taken_now "$session" | without_bytes >"$work/out"
	without_bytes "manual/$session.session" | same "$work/out"
}

if [ $# = 1 ]; then
	taken_now "$1"
	exit
fi
for session in manual/*.session; do
	session=${session#*/} session=${session%.session}
	check is_as_shown "$session"
done
plan
