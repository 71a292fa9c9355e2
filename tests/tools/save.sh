#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kevents save and restore.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

spray=$here/spray

# Of all IDs.
pending() {
	kevents stat | awk '$1 == "pending" { print $2 }'
}

# byte FILE OFFSET: changes it
byte() {
	local old
	old=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # an escape for printf
	printf "\\x$(printf %x $((old ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

test_ten_thousand_binary_events_go_out_and_in() {
	"$spray" 10000 400 -401 402 403
	kevents save file 2>said
	has "$(<said)" '^kevents save: 10000 events of 4 IDs, [0-9.]+M bytes, are in file$'
	is 0 "$(pending)"
	is '10000 events' "$(kevents restore --dry-run file | cut -d, -f1)"
	is 0 "$(pending)"
	kevents restore file 2>said
	has "$(<said)" '^kevents restore: 10000 of 10000 events are back$'
	is 2500 "$(value -401 pending)"
	"$spray" -c 10000 400 -401 402 403
}

# Whether something waits, and nothing more comes.
full() {
	local before
	before=$(value "$1" pending)
	[ "$before" -gt 0 ] && stands "$1" pending "$before"
}

test_progress_is_for_a_terminal() {
	"$spray" 200 404
	kevents save file 2>said
	is 1 "$(wc -l <said)"
	kevents limits max_bytes=60K
	for errors in file terminal; do
		if [ $errors = file ]; then
			kevents restore --wait file 2>said &
		else
			on_terminal kevents restore --wait file >said &
		fi
		await full 404
		sleep 0.5 # it is to take long
		kevents get -n 200 --wait 404 >got
		wait $!
		has "$(tail -n 1 said | tr -d '\r')" 'kevents restore: 200 of 200 events are back$'
		[ $errors = terminal ] || ends 1 grep -q % said
	done
	has "$(<said)" 'restoring \[#+ *\] +[0-9]+% [0-9]+/200 '
}

test_saving_shows_its_progress_on_a_terminal() {
	"$spray" 2000 430
	mkfifo pipe
	on_terminal 'kevents save - >pipe' >said &
	exec 8<pipe
	until [ "$(value 430 leased)" -gt 0 ]; do :; done
	sleep 0.5 # it is to take long
	cat <&8 >file
	wait $!
	has "$(<said)" '^saving \[#* *\] +[0-9]+% [0-9]+/2000 '
	has "$(<said)" 'kevents save: 2000 events of 1 IDs'
}

test_to_standard_output_and_from_standard_input() {
	"$spray" 100 431
	kevents save - >file 2>said
	has "$(<said)" '^kevents save: 100 events of 1 IDs, .* bytes, are in standard output$'
	test ! -e -
	is 0 "$(value 431 pending)"
	kevents restore - <file 2>/dev/null
	kevents save - 2>/dev/null | kevents restore - 2>/dev/null
	"$spray" -c 100 431
	kevents send 431 x
	is 3 "$(on_terminal 'kevents save - 2>/dev/null; echo $?')"
	ends 3 kevents save - >&-
	ends 3 kevents save - >/dev/full
	await stands 431 pending 1
}

test_what_the_caller_may_not_receive_is_left() {
	kevents claim 432 0622
	as alice kevents send 432 x
	as alice kevents send 433 y
	chmod 777 .
	as alice kevents save file 2>said
	has "$(<said)" '^kevents save: 1 events of 1 IDs'
	is '1 0' "$(value 432 pending) $(value 433 pending)"
	ends 3 as alice kevents save other 432
	test ! -e other
}

test_order_over_all_ids_is_kept() {
	local i
	for i in 1 2 3 4; do
		kevents send 406 "$i"
		kevents send 405 "$i$i"
	done
	kevents save file 2>/dev/null
	kevents restore file 2>/dev/null
	for i in 405 406; do
		kevents get -n 4 --json $i
	done | sed 's/.*"seq":\([0-9]*\),.*"data":"\([0-9]*\)".*/\1 \2/' | sort -n | cut -d' ' -f2 >got
	is '1 11 2 22 3 33 4 44' "$(xargs <got)"
}

test_named_ids_alone() {
	kevents send 407 a
	kevents send 408 b
	kevents send 409 c
	kevents save file 407 409 2>/dev/null
	is '0 1 0' "$(value 407 pending) $(value 408 pending) $(value 409 pending)"
	kevents restore file 2>/dev/null
	is 'a c' "$(kevents get 407) $(kevents get 409)"
}

test_a_file_that_is_there_is_left_alone() {
	echo precious >file
	kevents send 410 x
	ends 3 kevents save file
	is precious "$(<file)"
	is 1 "$(value 410 pending)"
	kevents save --force file 2>/dev/null
	is 0 "$(value 410 pending)"
	kevents restore file 2>/dev/null
	is x "$(kevents get 410)"
}

test_only_a_regular_file_is_replaced() {
	local path
	kevents send 434 x
	mkdir directory
	mkfifo pipe
	ln -s directory link
	for path in directory pipe link /dev/null /dev/stdout; do
		ends 3 kevents save --force "$path" 2>said
		has "$(<said)" "^kevents save: $path is not a regular file$"
	done
	ends 3 kevents save nowhere/file
	is 1 "$(value 434 pending)"
	is 'directory link pipe said' "$(echo *)"
}

test_a_directory_that_cannot_be_read_is_refused_before_anything_is_taken() {
	kevents send 435 x
	mkdir drop
	chown alice drop
	chmod 300 drop
	chmod 777 .
	ends 3 as alice kevents save drop/file 2>said
	has "$(<said)" '^kevents save: drop/file: Permission denied$'
	is '' "$(ls -A drop)"
	is '1 0' "$(value 435 pending) $(value 435 returned)"
}

test_a_copy_leaves_the_events() {
	printf '%s\n' a b c | kevents send -l 411
	kevents save --keep file 2>/dev/null
	await stands 411 pending 3
	is 'a b c' "$(kevents get -n 3 411 | xargs)"
	kevents restore file 2>/dev/null
	is 'a b c' "$(kevents get -n 3 411 | xargs)"
}

test_the_file_is_for_its_owner_alone() {
	kevents send 412 secret
	(umask 0 && kevents save file 2>/dev/null)
	is 600 "$(stat -c %a file)"
}

test_a_full_disk_loses_nothing() {
	mkdir small
	mount -t tmpfs -o size=64k tmpfs small
	"$spray" 1000 413
	ends 3 kevents save small/file
	is '' "$(ls -A small)"
	umount small
	await stands 413 pending 1000
	"$spray" -c 1000 413
}

test_nothing_waits_is_an_empty_file() {
	kevents save file 414 2>said
	has "$(<said)" '0 events of 0 IDs'
	kevents restore file 2>/dev/null
	is 0 "$(pending)"
}

test_what_others_hold_is_said() {
	printf '%s\n' held free | kevents send -l 415
	mkfifo go
	kevents work -n 1 415 -- sh -c 'read -r x <go' &
	await stands 415 leased 1
	kevents save file 2>said
	has "$(<said)" '^kevents save: 1 events of 1 IDs'
	has "$(<said)" '^kevents save: 1 events on lease were left out$'
	kevents save again 415 415 2>said
	has "$(<said)" '^kevents save: 1 events on lease were left out$'
	echo go >go
	wait $!
}

test_killed_at_any_time_it_loses_nothing() {
	local i number
	"$spray" 1500 416
	for i in 0 1 300 900 1499; do
		kevents save file 2>/dev/null &
		number=$i
		await began "$number" || :
		kill -KILL $! 2>/dev/null || :
		wait $! 2>/dev/null || :
		await stands 416 leased 0
		if [ -e file ]; then
			# from when it has its name the events go, oldest first
			kevents purge 416 >/dev/null
			kevents restore file 2>/dev/null
		fi
		rm -f file*
		is 1500 "$(value 416 pending)"
	done
	"$spray" -c 1500 416
}

# Whether so many events are on lease, or saving is over.
began() {
	[ "$(value 416 leased)" -ge "$1" ] || [ -e file ]
}

test_damage_anywhere_is_seen() {
	printf '%s\n' one two three | kevents send -l 417
	kevents save file 2>/dev/null
	local size offset
	size=$(stat -c %s file)
	for offset in 0 8 12 16 20 24 40 48 52 56 59 100 $((size - 20)) $((size - 12)) $((size - 1)); do
		cp file broken
		byte broken $offset
		ends 3 kevents restore broken
	done 2>/dev/null
	for offset in 0 10 16 30 58 $((size - 20)) $((size - 1)); do
		head -c "$offset" file >broken
		ends 3 kevents restore broken
	done 2>/dev/null
	{ cat file; echo; } >broken
	ends 3 kevents restore broken
	is 0 "$(value 417 pending)"
	kevents restore - <file 2>/dev/null
	is 'one two three' "$(kevents get -n 3 417 | xargs)"
}

test_other_files_are_refused() {
	ends 3 kevents restore /proc/version
	ends 3 kevents restore .
	ends 1 kevents restore not-there
	ends 2 kevents restore
}

test_what_is_before_damage_can_be_saved() {
	printf '%s\n' one two three | kevents send -l 418
	kevents save file 2>/dev/null
	byte file $((16 + 40 + 3 + 40 + 3 + 40 + 1))
	ends 3 kevents restore --partial file
	is 'one two' "$(kevents get -n 3 418 | xargs)"
}

test_all_or_nothing_where_a_limit_refuses() {
	seq 200 | kevents send -l 419
	kevents save file 2>/dev/null
	chmod 644 file
	as alice kevents send 419 before
	kevents limits user_max_bytes=20000
	ends 3 as alice kevents restore file 2>said
	has "$(<said)" 'at its own limit'
	has "$(<said)" '^kevents restore: ([0-9]+) of the \1 events sent until then were taken back$'
	await stands 419 pending 1
	is before "$(kevents get 419)"
}

test_what_was_received_meanwhile_is_said() {
	local room before
	seq 200 | kevents send -l 420
	kevents save file 2>/dev/null
	chmod 644 file
	kevents limits user_max_bytes=20000
	# as many as there is room for
	ends 3 as alice kevents send -l 424 < <(seq 200) 2>/dev/null
	room=$(value 424 pending)
	kevents purge 424 >/dev/null
	before=$(value 420 sent)
	setpriv --reuid alice --regid alice --init-groups kevents restore --wait file 2>said &
	await stands 420 pending "$room"
	kevents get -n 7 420 >/dev/null
	await stands 420 sent $((before + room + 7))
	kill -TERM $!
	ends 3 wait $!
	has "$(<said)" '^kevents restore: interrupted$'
	has "$(<said)" "^kevents restore: $room of the $((room + 7)) events sent until then were taken back$"
	has "$(<said)" '^kevents restore: 7 were not: they have been received$'
	is 0 "$(value 420 pending)"
}

test_wait_for_room_brings_all_back() {
	seq 200 | kevents send -l 421
	kevents save file 2>/dev/null
	chmod 644 file
	kevents limits user_max_bytes=20000
	as alice kevents restore --wait file 2>/dev/null &
	kevents get -n 200 --wait 421 >got
	wait $!
	is "$(seq 200)" "$(<got)"
}

test_a_claim_refuses_before_anything_is_sent() {
	kevents send 422 a
	kevents send 423 b
	kevents save file 2>/dev/null
	chmod 644 file
	kevents claim 423 0600
	ends 3 as alice kevents restore file 2>said
	is 1 "$(wc -l <said)"
	is 0 "$(value 422 pending)"
	ends 3 as alice kevents restore --partial file
	is a "$(kevents get 422)"
	is 0 "$(value 423 pending)"
}

test_too_large_for_the_limits_is_refused_before_anything_is_sent() {
	kevents send 424 small
	head -c 60000 /dev/zero | kevents send 424
	kevents save file 2>/dev/null
	kevents limits max_event_size=50000
	ends 3 kevents restore file
	kevents limits max_event_size=64K max_bytes=50000
	ends 3 kevents restore file
	kevents limits max_bytes=64M
	is 0 "$(value 424 pending)"
	kevents restore file 2>/dev/null
	is 2 "$(value 424 pending)"
}

test_restored_events_can_have_a_time_to_live() {
	kevents send 425 brief
	kevents save file 2>/dev/null
	kevents restore --ttl 10ms file 2>/dev/null
	await stands 425 pending 0
	ends 1 kevents get 425
}

run_tests "$@"
