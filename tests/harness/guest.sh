#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What gets into a guest, and how programs find themselves there.
# shellcheck disable=SC2016 # expanded in the guest
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

work=$(mktemp -d)
export TMUX_TMPDIR=$work
trap 'rm -rf "$work"' EXIT

# library NAME [LIBRARY]: builds one, which needs the other
library() {
	echo "int ${1//[^a-z]/_}(void) { return 0; }" |
		gcc -shared -fPIC -Wl,--no-as-needed -Wl,-soname,"${1##*/}" -o "$work/$1" -x c - ${2:+-x none "$work/$2"}
}

# program NAME LIBRARY [OPTION]...: likewise
program() {
	echo 'int main(void) { return 0; }' |
		gcc -Wl,--no-as-needed "${@:3}" -o "$work/$1" -x c - ${2:+-x none "$work/$2"} -Wl,--allow-shlib-undefined
}

# pack ARGUMENT...: makes an initramfs and prints what is in it.
pack() {
	: >"$work/empty"
	tests/vm/initramfs "$work/initramfs" amd64 "$work/empty" "$work/empty" "$@" &&
		cpio -t --quiet <"$work/initramfs"
}

# What the tests of libraries need: one that is gone, and what needs it.
build_incomplete() {
	mkdir "$work/plugins" "$work/libraries"
	library gone.so.1
	library libraries/middle.so.1 gone.so.1
	library plugins/whole.so
	library plugins/direct.so gone.so.1
	library plugins/indirect.so libraries/middle.so.1
	program direct gone.so.1
	program indirect libraries/middle.so.1
	rm "$work/gone.so.1"
}

leaves_out_plugins_that_lack_a_library() {
	local said
	said=$(pack --add "$work/plugins:/usr/lib/plugins" --add "$work/libraries:/usr/lib" 2>&1) || {
		echo "$said"
		return 1
	}
	echo "$said"
	[[ $said == *'left out /usr/lib/plugins/direct.so: it needs gone.so.1'* ]] &&
		[[ $said == *'left out /usr/lib/plugins/indirect.so: it needs gone.so.1'* ]] &&
		[ "$(grep -c '^usr/lib/plugins/' <<<"$said")" = 1 ] && grep -x usr/lib/plugins/whole.so <<<"$said"
}

# refuses FILE ARGUMENT...: it cannot be added, for want of that library.
refuses() {
	says "$1 needs gone.so.1, which this machine lacks" refuse pack --add "$1:/usr/bin/" "${@:2}"
}

# One of 32 bits finds libraries and a loader for 32 bits, not the others.
brings_the_loader_and_libraries_of_each_word_size() {
	local list
	program wide ''
	program narrow '' -m32
	list=$(pack --add "$work/narrow:/usr/bin/" --add "$work/wide:/usr/bin/") || return
	echo "$list"
	grep -x lib/ld-linux.so.2 <<<"$list" && grep -x lib64/ld-linux-x86-64.so.2 <<<"$list" &&
		[ "$(grep -c '/libc\.so\.6$' <<<"$list")" = 2 ]
}

# The signals that COMMAND sees ignored and blocked: none.
no_signals() {
	[ "$(sed -n 's/^Sig\(Ign\|Blk\):\t//p' <<<"$1" | tr -d '\r' | sort | uniq -c | xargs)" = '2 0000000000000000' ]
}

programs_have_the_signals_of_a_shell() {
	local said
	said=$(tests/vm/run -- sh -c '
		grep -E "^Sig(Ign|Blk)" /proc/self/status
		{ until [ -s /tmp/pid ]; do sleep 0.1; done; kill -INT "$(cat /tmp/pid)"; } &
		sh -c "echo \$\$ >/tmp/pid; exec sleep 30"
		echo "status $?"')
	echo "$said"
	no_signals "$said" && [[ $said == *'status 130' ]]
}

programs_on_a_terminal_have_the_signals_of_a_shell() {
	local said
	said=$(script -qec 'tests/vm/run --interactive -- grep -E "^Sig(Ign|Blk)" /proc/self/status' /dev/null)
	echo "$said"
	no_signals "$said"
}

# terminal COMMAND...: of tmux. Each test sets `session` to have a server of its own: one
# that has just been told to end would take a new session with it.
terminal() {
	tmux -L "$session" -f /dev/null "$@"
}

# A serial line has more than it has sent when the program ends.
output_to_a_terminal_arrives_whole() {
	script -qec 'tests/vm/run --interactive -- seq 3000' /dev/null >"$work/said" 2>&1
	tail -n 3 "$work/said"
	same "$(tr -d '\r' <"$work/said" | grep -cxE '[0-9]+')" 3000
}

interrupt_from_the_keyboard_ends_a_program() {
	local status session=$BASHPID
	terminal new-session -d -x 80 -y 24 \
		"tests/vm/run --interactive -- sh -c 'echo ready; exec sleep 300'; echo \"ended: \$?\"; sleep 60"
	shows '^ready' && terminal send-keys C-c && shows 'ended: 130'
	status=$?
	terminal kill-server
	return $status
}

# shows PATTERN: waits until the terminal does; shows it if it does not.
shows() {
	local tries
	for ((tries = 0; tries < 300; tries++)); do
		! terminal capture-pane -p | grep -qE -e "$1" || return 0
		sleep 0.2
	done
	terminal capture-pane -p
	return 1
}

# top_runs_on TERM [NAME]: in a shell in a guest, where that is the terminal's name
top_runs_on() {
	local status session=$BASHPID
	terminal new-session -d -x 80 -y 24 "TERM=$1 tests/guest --interactive 2>$work/said"
	shows '^kevents:~#' && terminal send-keys 'kevents top; echo "ended: $?"' Enter &&
		shows '^kevents top: [0-9]+ ID' && terminal send-keys q && shows '^ended: 0'
	status=$?
	cat "$work/said"
	terminal kill-server
	return $status
}

build_incomplete
check 'a plugin that lacks a library is left out, with a word' leaves_out_plugins_that_lack_a_library
check 'a program that lacks a library is refused' refuses "$work/direct"
check 'a program by a relative path that lacks a library is refused' \
	refuses "$(realpath --relative-to=. "$work/direct")"
check 'a program whose library lacks one is refused' refuses "$work/indirect" --add "$work/libraries:/usr/lib"
check 'a library that is asked for and lacks one is refused' refuses "$work/libraries/middle.so.1"
check 'a program brings the loader and libraries of its word size' \
	brings_the_loader_and_libraries_of_each_word_size
check 'a program has the signals of an ordinary shell' programs_have_the_signals_of_a_shell
check 'a program on a terminal has them, too' programs_on_a_terminal_have_the_signals_of_a_shell
check 'what a program prints on a terminal arrives whole' output_to_a_terminal_arrives_whole
check 'Ctrl-C ends a program on a terminal' interrupt_from_the_keyboard_ends_a_program
for name in xterm-256color screen linux; do
	check "kevents top runs in the shell of a guest on $name" top_runs_on "$name"
done
check 'kevents top runs there on a terminal that nobody knows' top_runs_on unknown-terminal
check 'which is said' grep -q 'no description of the terminal unknown-terminal here: to the guest it is vt100' "$work/said"
