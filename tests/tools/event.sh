#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kevents send, get, poll and watch, under pipes and under a terminal.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

test_text_comes_out_as_it_went_in() {
	kevents send 1 'Hello world'
	is 'Hello world' "$(kevents get 1; echo)"
	kevents send 1 ''
	is '<>' "<$(kevents get 1)>"
}

test_oldest_comes_first() {
	printf '%s\n' a b c | kevents send --lines 2
	is 'a b c ' "$(kevents get -n 3 2 | tr '\n' ' ')"
}

test_nothing_there_is_status_1() {
	ends 1 kevents get 3
	ends 1 kevents get --timeout 10ms 3
	ends 1 kevents get --peek 3
	ends 1 kevents poll 3
	kevents send 3 x
	ends 0 kevents poll 3
	ends 0 kevents get 3
}

test_poll_prints_nothing() {
	kevents send 4 x
	is '' "$(kevents poll 4 2>&1)"
	is '' "$(kevents poll 5 2>&1 || :)"
}

test_negative_ids_are_operands() {
	kevents send -7 'minus seven'
	is 'minus seven' "$(kevents get --raw -7)"
	kevents send -- -7 -x
	is -x "$(kevents get -7)"
	kevents send -2147483648 least
	kevents send 0x7fffffff most
	is 'least most' "$(kevents get -2147483648) $(kevents get 2147483647)"
}

test_wrong_usage_is_status_2() {
	ends 2 kevents
	ends 2 kevents nonsense
	ends 2 kevents get
	ends 2 kevents get 1 2
	ends 2 kevents get one
	ends 2 kevents get 2147483648
	ends 2 kevents get --nonsense 1
	ends 2 kevents get --raw --json 1
	ends 2 kevents get --timeout soon 1
	ends 2 kevents get --timeout 400d 1
	ends 2 kevents get -n 0 1
	ends 2 kevents send 1 a b
	has "$(kevents get one 2>&1)" "^kevents get: 'one' is not an ID" || :
}

test_diagnostics_go_to_standard_error() {
	is '' "$(kevents get one 2>/dev/null || :)"
	has "$(kevents get one 2>&1 || :)" "^kevents get: 'one' is not an ID"
	has "$(kevents send 1 --what 2>&1 || :)" '^kevents send: unrecognized option'
}

test_no_device_is_status_4() {
	KEVENTS_DEVICE=/dev/not-there ends 4 kevents get 1
	KEVENTS_DEVICE=/dev/null ends 4 kevents get 1
	KEVENTS_DEVICE=/dev ends 4 kevents get 1
	has "$(KEVENTS_DEVICE=/dev/not-there kevents get 1 2>&1 || :)" 'modprobe kevents'
}

test_no_permission_is_status_3() {
	ends 3 as carol kevents get 1
	ends 1 as alice kevents get 1
}

test_payload_from_file_and_from_standard_input() {
	head -c 50000 /dev/urandom >random
	kevents send 10 @random
	kevents get 10 >back
	cmp random back
	kevents send 10 - <random
	kevents get 10 >back
	cmp random back
	kevents send 10 <random
	kevents get 10 >back
	cmp random back
	ends 3 kevents send 10 @not-there
	ends 1 kevents get 10
}

test_text_that_looks_like_a_file() {
	kevents send --text 11 @nothing
	is @nothing "$(kevents get 11)"
	kevents send --text 11 -
	is - "$(kevents get 11)"
}

test_too_long_a_payload_is_refused_before_it_is_read() {
	ends 3 kevents send 12 - </dev/zero
	head -c 65536 /dev/zero | kevents send 12
	is 65536 "$(kevents get 12 | wc -c)"
	head -c 65537 /dev/zero >long
	has "$(kevents send 12 @long 2>&1 || :)" 'max_event_size, which is 65536'
}

test_event_longer_than_the_limit_of_today() {
	kevents limits max_event_size=1M
	head -c 300000 /dev/urandom >random
	kevents send 13 @random
	kevents limits max_event_size=64K
	kevents get 13 >back
	cmp random back
}

test_get_waits_for_an_event() {
	kevents get --wait 14 >got &
	await stands 14 waiters 1
	kevents send 14 late
	wait $!
	is late "$(<got)"
	kevents get --timeout 1h 14 >got &
	await stands 14 waiters 1
	kevents send 14 'in time'
	wait $!
	is 'in time' "$(<got)"
}

test_a_stopped_get_goes_on_waiting() {
	kevents get --timeout 1h 15 >got &
	local pid=$!
	await stands 15 waiters 1
	kill -STOP $pid
	await grep -q '^State:.T' /proc/$pid/status
	kill -CONT $pid
	await grep -q '^State:.S' /proc/$pid/status
	await stands 15 waiters 1
	kevents send 15 'still there'
	wait $pid
	is 'still there' "$(<got)"
}

test_count_takes_what_is_there() {
	printf '%s\n' 1 2 3 | kevents send -l 16
	is '1 2 ' "$(kevents get -n 2 16 | tr '\n' ' ')"
	is '3 ' "$(kevents get -n 2 16 | tr '\n' ' ')"
	ends 1 kevents get -n 2 16
}

test_follow_ends_when_none_comes() {
	printf '%s\n' 1 2 3 | kevents send -l 17
	is '1 2 3 ' "$(kevents get --follow --timeout 50ms 17 | tr '\n' ' ')"
	ends 1 kevents get --follow --timeout 50ms 17
}

test_peek_leaves_the_event() {
	kevents send 18 here
	is here "$(kevents get --peek 18)"
	is here "$(kevents get --peek --json 18 | sed 's/.*"data":"\(.*\)".*/\1/')"
	is 1 "$(value 18 pending)"
	is here "$(kevents get 18)"
}

test_newline_for_text_only_where_lines_are_wanted() {
	kevents send 19 text
	is 4 "$(kevents get 19 | wc -c)"
	kevents send 19 text
	is 5 "$(kevents get -n 2 19 | wc -c)"
	kevents send 19 text
	is 4 "$(kevents get -n 2 --raw 19 | wc -c)"
	printf 'a\0b' | kevents send 19
	is 3 "$(kevents get -n 2 19 | wc -c)"
	printf 'line\n' | kevents send 19
	is 5 "$(kevents get -n 2 19 | wc -c)"
	kevents send 19 text
	is 'text.' "$(on_terminal kevents get 19 | tr '\n' .)"
	kevents send 19 text
	is 'text' "$(on_terminal kevents get --raw 19 | tr '\n' .)"
	printf '\377' | kevents send 19
	is 1 "$(on_terminal kevents get 19 | wc -c)"
}

test_json_of_an_event() {
	as alice kevents send 20 'a "quoted" word'
	local object
	object=$(kevents get --json 20)
	has "$object" '^\{"id":20,"seq":[0-9]+,"sent_ns":[0-9]+,"deliveries":1,"redelivered":false,'
	has "$object" '"pid":[1-9][0-9]*,"uid":1000,"gid":1000,"len":15,"data":"a \\"quoted\\" word"\}$'
	printf 'a\0b\377' | kevents send 20
	has "$(kevents get --json 20)" '"len":4,"data_base64":"YQBi/w=="\}$'
	kevents send 20 ''
	has "$(kevents get --json 20)" '"len":0,"data":""\}$'
	kevents send 20 'Grüße'
	has "$(kevents get --json 20)" '"data":"Grüße"\}$'
}

test_an_event_that_cannot_be_printed_stays() {
	kevents send 21 precious
	ends 3 kevents get 21 >/dev/full
	ends 3 kevents get --json 21 >/dev/full
	ends 3 kevents watch -n 1 21 >/dev/full
	await stands 21 pending 1
	is precious "$(kevents get 21)"
}

test_an_event_that_there_is_no_memory_to_print_stays() {
	kevents send 33 precious
	export LD_PRELOAD=$here/no-memory.so NO_MEMORY_IN=json_dumpf
	ends 3 kevents get --json 33
	ends 3 kevents watch --json -n 1 33
	NO_MEMORY_IN=json_array_append_new ends 3 kevents list --json
	unset LD_PRELOAD
	await stands 33 pending 1
}

test_the_device_takes_no_closed_stream_s_place() {
	kevents send 31 precious
	ends 3 kevents get 31 >&-
	ends 3 kevents get 31 <&- >&- 2>&-
	ends 0 kevents get --peek 31 <&- >got
	ends 3 kevents send 31 <&-
	ends 3 kevents send --lines 31 <&-
	await stands 31 pending 1
	is 1 "$(value 31 sent)"
	is precious "$(kevents get 31)"
}

# They are more than a pipe holds.
test_a_reader_that_goes_takes_no_event_along() {
	seq 1000 | sed "s/$/ $(printf %0500d 0)/" | kevents send -l 22
	kevents get --follow --timeout 1m 22 | head -n 3 >got || :
	is '1 2 3 ' "$(cut -d ' ' -f 1 got | tr '\n' ' ')"
	local next
	next=$(kevents get 22 | cut -d ' ' -f 1)
	[ "$next" -ge 4 ]
	is $((1000 - next)) "$(value 22 pending)"
}

test_ttl_ends_an_event() {
	kevents send --ttl 10ms 23 brief
	await stands 23 pending 0
	ends 1 kevents get 23
	kevents send --ttl 1h 23 longer
	is longer "$(kevents get 23)"
}

test_send_waits_for_room() {
	head -c 60000 /dev/zero >large
	kevents limits max_bytes=256K
	while kevents send 24 @large 2>/dev/null; do :; done
	ends 3 kevents send 24 @large
	ends 3 kevents send --timeout 10ms 24 @large
	kevents send --wait 24 @large &
	kevents get 24 >/dev/null
	wait $!
}

test_lines_are_sent_as_they_come() {
	mkfifo lines
	kevents send --lines 25 <lines &
	exec 8>lines
	echo one >&8
	is one "$(kevents get --wait 25)"
	printf 'two' >&8
	exec 8>&-
	is two "$(kevents get --wait 25)"
	wait $!
}

test_a_line_too_long_to_be_read_is_an_error() {
	truncate -s 20000000 long
	(ulimit -v 20000 && ends 3 kevents send --lines 32 <long 2>said)
	has "$(<said)" '^kevents send: standard input: Cannot allocate memory$'
	is 0 "$(value 32 sent)"
}

test_watch_prints_events_of_several_ids() {
	kevents watch -n 4 26 27 -28 >got &
	kevents send 26 one
	await holds got 'one'
	kevents send 27 'tab	back\slash'
	await holds got slash
	printf 'two\nlines\n' | kevents send -28
	await holds got lines
	printf '\001\377' | kevents send 26
	wait $!
	is "26	one
27	tab\\tback\\\\slash
-28	two\\nlines
26	\\x01\\xff" "$(<got)"
}

test_watch_ends_when_none_comes() {
	ends 1 kevents watch --timeout 20ms 29 30
	kevents send 30 x
	has "$(kevents watch --timeout 20ms --json 29 30)" '^\{"id":30,.*"data":"x"\}$'
}

run_tests "$@"
