#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the test commands print, and when.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Seconds in which something is printed that needs no work.
soon=5

# Feeds one suite to the reports and reads its line while more could come.
reports_come_as_suites_end() {
	local line
	coproc reports { tests/suite/summary "$work/totals" | tests/suite/progress 2; }
	printf '%s\n' ':: begin 64/one' 'ok 1 - one:one:test: Passed' '1..1' ':: end 64/one 0 12' >&"${reports[1]}"
	read -rt $soon line <&"${reports[0]}"
	same "$line" '64/one                       1 passed                          0.12 s [1 of 2]'
}

# The first 15 seconds of silence bring a line.
says_what_runs() {
	local line
	coproc reports { tests/suite/summary "$work/totals" | tests/suite/progress 2; }
	printf '%s\n' ':: begin 64/one' >&"${reports[1]}"
	read -rt 60 line <&"${reports[0]}"
	same "$line" 'running 64/one: 0 of 2 suites done'
}

# Ended before it installs or builds anything.
begins_at_once() {
	local line command
	coproc command { exec "$@" 2>&1; }
	read -rt $soon line <&"${command[0]}" || return
	# shellcheck disable=SC2154 # coproc sets it
	kill "$command_PID"
	echo "$line"
}

check 'a suite is reported when it ends, with how many are done' reports_come_as_suites_end
check 'a suite that takes long is named meanwhile' says_what_runs
for command in check demo; do
	check "make $command says something at once" begins_at_once make "$command"
done

# Ends a run of the suite that has booted its guests by a signal: nothing of it stays.
leaves_nothing_after() {
	local run said
	mkdir "$work/$1"
	# A job's leader: commands in the background of a script ignore SIGINT otherwise.
	set -m
	TMPDIR=$work/$1 tests/check --only event_expiry >"$work/said" 2>&1 &
	run=$!
	set +m
	until grep -q 'guest up' "$work/said"; do
		kill -0 $run || return
		sleep 0.1
	done
	kill -"$1" $run
	wait $run
	said=$?
	cat "$work/said"
	same "$said" $((128 + $(kill -l "$1"))) && refuse pgrep -f "$work/$1/" && same "$(ls "$work/$1")" ''
}

for signal in TERM INT HUP; do
	check "SIG$signal to make check's script ends its guests" leaves_nothing_after $signal
done
