#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What holds for every verb of kevents: exit statuses, numbers, output that is lost.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

verbs=$(kevents help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p')

# right VERB: words that are right behind it where something waits under 801
right() {
	case $1 in
	send) echo 801 text ;;
	get | poll | stat | purge | unclaim) echo 801 ;;
	watch) echo --count 1 801 ;;
	work) echo --count 1 801 -- true ;;
	claim) echo 801 0666 ;;
	save) echo --force saved ;;
	restore) echo sound ;;
	esac
}

# each STATUS COMMAND...: COMMAND with each verb and its words behind it
each() {
	local verb status=$1
	shift
	for verb in $verbs; do
		# shellcheck disable=SC2046 # words
		ends "$status" "$@" kevents "$verb" $(right "$verb") || {
			echo "by: kevents $verb" >&2
			return 1
		}
	done
}

# A file that can be restored, for anybody.
sound_file() {
	kevents send 802 x
	kevents save sound 802 2>/dev/null
	chmod 644 sound
}

test_done_is_status_0() {
	local verb
	sound_file
	for verb in $verbs; do
		[ "$verb" != top ] || continue
		kevents send 801 x
		kevents claim 801 0666
		# shellcheck disable=SC2046 # words
		ends 0 kevents "$verb" $(right "$verb") >/dev/null
	done
	ends 0 kevents list
	ends 0 kevents purge 803
	ends 0 kevents stat 803
	ends 0 kevents save empty 803
}

test_nothing_there_is_status_1() {
	ends 1 kevents get 804
	ends 1 kevents get --timeout 1ms 804
	ends 1 kevents get --follow --timeout 1ms 804
	ends 1 kevents poll 804
	ends 1 kevents watch --timeout 1ms 804
	ends 1 kevents work --drain 804 -- true
	ends 1 kevents unclaim 804
	ends 1 kevents restore not-there
}

test_a_wrong_command_line_is_status_2() {
	local verb words
	for verb in $verbs; do
		ends 2 kevents "$verb" --nonsense 2>said
		is "kevents $verb: unrecognized option '--nonsense' Try 'kevents $verb --help'." "$(paste -s -d ' ' said)"
	done
	for words in '' nonsense '--nonsense' 'send' 'get' 'poll' 'stat 1 2' 'watch' 'work' 'purge' \
		'claim' 'claim 1' 'claim 1 600 2' 'unclaim' 'save' 'restore' 'restore a b' 'list 1' \
		'doctor 1' 'top 1' 'poll 1 2' 'purge 1 2' 'unclaim 1 2' 'limits 1' 'help nonsense' \
		'help get get' 'send --text 1' 'send --lines 1 x' 'get --raw --json 1' \
		'get --follow -n 2 1' 'get --peek -n 2 1' 'get --peek --follow 1' 'get --peek --wait 1' \
		'get --peek --timeout 1s 1' 'watch -n 0 1' \
		'work -n 0 1 -- true' 'work --jobs 1025 1 -- true' 'top --interval 99ms'; do
		# shellcheck disable=SC2086 # words
		ends 2 kevents $words >said 2>&1 || {
			echo "by: kevents $words" >&2
			return 1
		}
	done
	ends 2 kevents --nonsense 2>/dev/null >said
	test ! -s said
}

test_refused_is_status_3() {
	sound_file
	each 3 as carol
}

test_no_device_is_status_4() {
	sound_file
	KEVENTS_DEVICE=/dev/null each 4
	KEVENTS_DEVICE=$PWD/nothing each 4
}

# refuses WORDS...: with each number in place of N
refuses() {
	local number
	for number in "${numbers[@]}"; do
		ends 2 kevents "${@/#N/$number}" 2>>said || {
			echo "by: kevents ${*/#N/$number}" >&2
			return 1
		}
	done
}

test_absurd_numbers_are_wrong_usage() {
	local numbers=(99999999999999999999999999 18446744073709551616 9223372036854775808 2147483648 \
		-2147483649 0x100000000 -0x1 1e3 1x '' ' 1' 1.5 0x ten)
	refuses get N
	numbers=(2147483648 '')
	refuses send N x
	refuses work --dead-letter N 1 -- true
	numbers=(2147483648 -1 '')
	refuses get -n N 1
	refuses watch -n N 1
	refuses work -n N 1 -- true
	refuses work --jobs N 1 -- true
	refuses work --retries N --dead-letter 2 1 -- true
}

test_absurd_times_are_wrong_usage() {
	local numbers=(99999999999999999999999999 18446744073709551616ms 213503982335d 1e3 -1s '' s \
		' 1s' '1 s' .5s 1. 1.2345678s 5y 1h30x 9223372036854775807ms9223372036854775807ms2ms)
	refuses get --timeout N 1
	numbers=(50d -1)
	refuses send --ttl N 1 x
	refuses send --timeout N 1 x
	refuses watch --timeout N 1
	refuses work --lease N 1 -- true
	refuses work --pause N 1 -- true
	refuses top --interval N
	refuses restore --ttl N sound
}

test_absurd_sizes_are_wrong_usage() {
	local number
	for number in 99999999999999999999999999 18446744073709551616 16777216T 18446745TB 1E 1e3 -1 '' M \
		' 1M' '1 M' 1.M 1.2345678M 1MM 0x10; do
		ends 2 kevents limits max_bytes="$number" || {
			echo "by: max_bytes=$number" >&2
			return 1
		}
	done 2>/dev/null
	is 67108864 "$(cat /sys/module/kevents/parameters/max_bytes)"
}

test_units_of_times_and_sizes() {
	local size
	for size in 67108864 64M 64MiB 65536K 65536k 0.0625G; do
		kevents limits max_bytes=1M
		kevents limits max_bytes="$size"
		is 67108864 "$(cat /sys/module/kevents/parameters/max_bytes)"
	done
	kevents limits max_bytes=64MB
	is 64000000 "$(cat /sys/module/kevents/parameters/max_bytes)"
	ends 1 kevents get --timeout 0.001 805
	ends 1 kevents get --timeout 0.001s1ms 805
	kevents send 805 --ttl 1d1h1m1s1ms x
	kevents get 805
}

test_output_that_is_lost_is_an_error() {
	local words
	sound_file
	for words in --help --version 'help get' 'get --help' 'get 801' 'get --peek 801' 'get --json 801' \
		'watch -n 1 801' list 'list --json' 'list --quiet' stat 'stat 801' 'stat --json 801' limits \
		'limits --json' 'purge 803' 'purge --json 803' 'claim --json 801 666' 'unclaim --json 801' \
		'restore --dry-run sound' 'save --keep -' doctor; do
		kevents send 801 x
		# shellcheck disable=SC2086 # words
		ends 3 kevents $words 2>said >/dev/full || {
			echo "by: kevents $words" >&2
			return 1
		}
		has "$(<said)" '^kevents( [a-z]+)?: standard output: No space left on device$'
	done
}

# A pipe that nobody reads is descriptor 9.
broken_pipe() {
	mkfifo pipe
	exec 8<>pipe
	exec 9>pipe
	exec 8>&-
}

test_a_broken_pipe_ends_it() {
	local words
	broken_pipe
	for words in --help list 'get 801' 'get --json 801' 'watch 801' 'save -' stat; do
		kevents send 801 x
		# shellcheck disable=SC2086 # words
		ends 141 kevents $words >&9
		# shellcheck disable=SC2086 # words
		(trap '' PIPE && ends 3 kevents $words 2>said >&9)
		has "$(<said)" ': standard output: Broken pipe$'
	done
	await stands 801 pending 7
}

run_tests "$@"
