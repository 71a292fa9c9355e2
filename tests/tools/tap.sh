# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the tests of the command share; a test file reads it first, defines its
# tests as functions test_*, and ends with `run_tests "$@"`. Each test has a
# process and an empty directory of its own, and ends at the first command that
# fails.
set -eEu -o pipefail

suite=$(basename "$0" .sh)
here=$(cd "$(dirname "$0")" && pwd)

# As Check does, by the factor CK_TIMEOUT_MULTIPLIER.
limit=$((60 * ${CK_TIMEOUT_MULTIPLIER:-1}))

run_one() {
	directory=$(mktemp -d)
	chmod 755 "$directory"
	cd "$directory"
	export TMUX_TMPDIR=$directory
	trap 'echo "line $LINENO: $BASH_COMMAND" >&2' ERR
	trap 'tmux kill-server 2>/dev/null || :; jobs -p | xargs -r kill -KILL 2>/dev/null || :; cd /; rm -rf "$directory"' EXIT
	"test_$1"
}

# Leaves nothing of a test to the next one.
clear_away() {
	local id
	for id in $(kevents list --quiet); do
		kevents purge "$id" >/dev/null
		kevents unclaim "$id" 2>/dev/null || :
	done
	kevents limits max_event_size=64K max_bytes=64M user_max_bytes=16M strict=0
}

run_tests() {
	local name count=0
	if [ $# = 1 ]; then
		run_one "$1"
		exit
	fi
	for name in $(compgen -A function test_); do
		name=${name#test_}
		# shellcheck disable=SC2254 # a pattern
		case $name in
		${KEVENTS_TEST_ONLY:-*}) ;;
		*) continue ;;
		esac
		count=$((count + 1))
		clear_away
		if timeout -k 15 "$limit" bash "$here/$suite.sh" "$name" </dev/null >/tmp/said 2>&1; then
			echo "ok $count - $suite:tools:$name: Passed"
		else
			echo "not ok $count - $suite:tools:$name: ended with status $?"
			sed "s/^/# $name: /" /tmp/said
		fi
	done
	clear_away
	echo "1..$count"
}

# is WANTED ACTUAL
is() {
	[ "$1" = "$2" ] || {
		printf 'wanted: %s\n   got: %s\n' "$1" "$2" >&2
		return 1
	}
}

# ends STATUS COMMAND...
ends() {
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	is "$wanted" "$status"
}

# has TEXT PATTERN: a regular expression
has() {
	grep -qE -e "$2" <<<"$1" || {
		printf 'no match for: %s\nin: %s\n' "$2" "$1" >&2
		return 1
	}
}

# until COMMAND...: again and again; the test's time limit ends it.
await() {
	until "$@"; do
		sleep 0.02
	done
}

# value ID NAME: of kevents stat
value() {
	kevents stat "$1" | awk -v name="$2" '$1 == name { print $2 }'
}

# stands ID NAME VALUE
stands() {
	[ "$(value "$1" "$2")" = "$3" ]
}

# holds FILE TEXT
holds() {
	grep -qF -e "$2" "$1"
}

# as USER COMMAND...
as() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
}

# on_screen COLUMNS LINES COMMAND: as a shell's words, in a terminal of that size
on_screen() {
	echo 'set -g default-terminal screen' >tmux.conf
	tmux -f tmux.conf new-session -d -x "$1" -y "$2" "$3"
}

typed() {
	tmux send-keys "$@"
}

screen() {
	tmux capture-pane -p | sed 's/ *$//'
}

# shows PATTERN: a regular expression
shows() {
	screen | grep -qE -e "$1"
}

await_screen() {
	trap 'screen >&2; exit 1' TERM
	await shows "$1"
}

# on_terminal COMMAND...: as a shell's words, under a pseudo-terminal
on_terminal() {
	script -qec "$*" /dev/null </dev/null | tr -d '\r'
}
