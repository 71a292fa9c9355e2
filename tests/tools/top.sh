#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kevents top on the screen of a terminal.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

# Each test has a network namespace, and thereby IDs, of its own.
[ $# != 1 ] || [ -n "${parted-}" ] || parted=yes exec unshare -n bash "$0" "$@"

# What differs from run to run is left out: how many bytes something takes, and
# what the user has elsewhere.
steady_screen() {
	screen | sed -E '1s/, [^ ]+ bytes/, N bytes/; 2,3s/\] +[^ ]+ of/] N of/; 6,8s/ +[0-9.]+K?$/ N/'
}

rows() {
	screen | sed -n '6,23s/^ *\(-\{0,1\}[0-9][0-9]*\) .*/\1/p' | xargs
}

# in_order IDS
in_order() {
	[ "$(rows)" = "$1" ]
}

fill() {
	seq 12 | kevents send -l 701
	seq 3 | kevents send -l 702
	seq 6 | kevents send -l -703
}

test_screen_of_80_by_24() {
	fill
	on_screen 80 24 'kevents top'
	await_screen '^ *702 '
	steady_screen >got
	cat >wanted <<'END'
kevents top: 3 IDs, 21 events, N bytes; by backlog
max_bytes      [|                                        ] N of   64.0M
user_max_bytes [|                                        ] N of   16.0M

         ID PENDING          LEASED          WAIT         SENT/s  RECV/s   BYTES
        701      12 ||||||||      0             0              0       0 N
       -703       6 ||||          0             0              0       0 N
        702       3 ||            0             0              0       0 N















q quit  h help  b backlog  r rate  i id  m memory  R reverse  / filter  p pause
END
	diff wanted got >&2
}

test_keys_sort() {
	fill
	on_screen 80 24 'kevents top'
	await in_order '701 -703 702'
	typed i
	await in_order '-703 701 702'
	typed R
	await in_order '702 701 -703'
	typed R
	typed b
	await in_order '701 -703 702'
	mkfifo go
	kevents work -n 1 702 -- sh -c 'read -r x <go' &
	kevents get --wait 704 &
	await stands 702 leased 1
	typed l
	await in_order '702 -703 701 704'
	typed w
	await in_order '704 -703 701 702'
	echo go >go
}

test_options_sort_and_filter() {
	fill
	on_screen 80 24 'kevents top --sort id --filter 70 --interval 100ms'
	await in_order '-703 701 702'
	typed q
}

test_rates_are_by_the_second() {
	mkfifo lines
	kevents send --lines 705 <lines &
	exec 8>lines
	echo x >&8
	on_screen 80 24 'kevents top --interval 300ms --sort rate'
	await in_order 705
	while ! shows '^ *705 .* [1-9][0-9.k]* +0 +[0-9.]+K?$'; do
		echo x >&8
	done
}

test_memory_and_rate_sort_too() {
	fill
	head -c 50000 /dev/zero | kevents send 702
	mkfifo lines
	kevents send --lines 705 <lines &
	exec 8>lines
	echo x >&8
	on_screen 80 24 'kevents top --interval 300ms --sort memory'
	await in_order '702 701 -703 705'
	typed i
	await in_order '-703 701 702 705'
	typed r
	until in_order '705 -703 701 702'; do
		echo x >&8
	done
	typed m
	await_screen '; by memory$'
}

test_pause_holds_the_screen() {
	fill
	on_screen 80 24 'kevents top --interval 100ms'
	await in_order '701 -703 702'
	typed p
	await_screen ' PAUSED$'
	kevents get -n 12 701 >/dev/null
	typed R
	await in_order '702 -703 701'
	has "$(screen)" '^ *701 +12 '
	typed p
	await in_order '702 -703'
	ends 1 shows PAUSED
}

test_filter_is_typed() {
	fill
	on_screen 80 24 'kevents top --interval 100ms'
	await in_order '701 -703 702'
	typed / 7 0 2 3
	await_screen '^filter: 7023_$'
	await_screen '^no ID matches$'
	typed BSpace
	await in_order 702
	typed Enter
	await_screen '^filter: 702$'
	typed Escape
	await in_order '701 -703 702'
}

test_owners_can_be_filtered_and_are_shown_where_there_is_room() {
	fill
	kevents claim --owner alice 702 0600
	on_screen 100 24 'kevents top --interval 100ms'
	await_screen '^ *702 .* alice:alice$'
	typed / a l i c e Enter
	await in_order 702
}

test_busy_alone() {
	fill
	kevents claim 706 0600
	on_screen 80 24 'kevents top --interval 100ms'
	await in_order '701 -703 702 706'
	typed a
	await in_order '701 -703 702'
	tmux kill-server
	on_screen 80 24 'kevents top --busy'
	await in_order '701 -703 702'
}

test_it_resizes() {
	local i
	for i in $(seq 30); do
		echo x | kevents send -l "$i"
	done
	on_screen 80 24 'kevents top --sort id'
	await in_order "$(seq -s ' ' 18)"
	tmux resize-window -x 120 -y 30
	await_screen 'OWNER$'
	await_screen '^ *24 +1 '
	ends 1 shows '^ *25 +1 '
	tmux resize-window -x 60 -y 12
	await_screen '^q quit.*R revers$'
	is '1 2 3 4 5 6' "$(rows)"
	tmux resize-window -x 80 -y 24
	await in_order "$(seq -s ' ' 18)"
}

test_a_narrow_terminal_cuts_lines_off() {
	fill
	on_screen 60 12 'kevents top --sort id'
	await in_order '-703 701 702'
	is 60 "$(screen | awk 'length > most { most = length } END { print most }')"
	# what is behind the margin is in no line of its own
	is 8 "$(screen | grep -c .)"
	tmux resize-window -x 30 -y 12
	await_screen '^q quit  h help  b backlog  r *$'
	is '-703 701 702' "$(rows)"
	is '' "$(screen | sed -n '4p;11p')"
}

test_a_tiny_terminal_does_no_harm() {
	local size
	fill
	on_screen 80 24 'kevents top --interval 100ms; echo $? >status; exec cat'
	await in_order '701 -703 702'
	for size in '20 5' '9 8' '4 2' '1 1' '300 3' '2 60'; do
		# shellcheck disable=SC2086 # two words
		tmux resize-window -x ${size% *} -y ${size#* }
		typed h p R Down h p R NPage
	done
	tmux resize-window -x 80 -y 24
	await in_order '701 -703 702'
	typed q
	await test -s status
	is 0 "$(<status)"
}

test_it_scrolls() {
	local i
	for i in $(seq 30); do
		echo x | kevents send -l "$i"
	done
	on_screen 80 24 'kevents top --sort id'
	await in_order "$(seq -s ' ' 18)"
	typed Down
	await in_order "$(seq -s ' ' 2 19)"
	typed NPage
	await in_order "$(seq -s ' ' 13 30)"
	typed Up
	await in_order "$(seq -s ' ' 12 29)"
	typed Home
	await in_order "$(seq -s ' ' 18)"
}

test_help_and_quit() {
	on_screen 80 24 'kevents top; echo $? >status; exec cat'
	await_screen '^no ID is in use$'
	typed h
	await_screen '^ *q  quit$'
	typed h
	await_screen '^no ID is in use$'
	typed q
	await test -s status
	is 0 "$(<status)"
}

test_signals_give_the_terminal_back() {
	on_screen 80 24 'sh -c "echo \$\$ >pid; exec kevents top"; echo $? >status; stty -a >modes; exec cat'
	await_screen '^no ID is in use$'
	kill -TERM "$(<pid)"
	await grep -qs icanon modes
	is 0 "$(<status)"
	has "$(<modes)" ' icanon'
	has "$(<modes)" ' echo '
}

test_it_ends_with_its_terminal_even_if_hang_up_is_ignored() {
	on_screen 80 24 "trap '' HUP; echo \$\$ >pid; exec kevents top"
	await_screen '^no ID is in use$'
	tmux kill-server
	await test ! -e "/proc/$(<pid)/cwd"
}

test_it_wants_a_terminal() {
	ends 3 kevents top
	has "$(kevents top 2>&1 || :)" "use 'kevents list'"
	is 3 "$(on_terminal 'TERM=no-such-terminal kevents top >/dev/null; kevents top </dev/null; TERM=no-such kevents top; echo $?' | tail -n 1)"
	ends 2 kevents top --sort size
	ends 2 kevents top --interval 1ms
	KEVENTS_DEVICE=/dev/null ends 4 kevents top
}

run_tests "$@"
