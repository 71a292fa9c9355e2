#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kevents work, with commands that succeed, fail, hang and are killed.
# shellcheck disable=SC2016 # the commands expand their variables
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

# A worker in the background, whose pid is $!.
begin_work() {
	kevents work "$@" 2>errors &
}

lines() {
	wc -l <"$1"
}

# has_lines FILE COUNT
has_lines() {
	[ -e "$1" ] && [ "$(lines "$1")" -ge "$2" ]
}

test_payload_is_standard_input_and_the_rest_environment() {
	as alice kevents send 301 'the payload'
	kevents work --drain 301 -- sh -c 'cat; echo; env' >said
	is 'the payload' "$(head -n 1 said)"
	has "$(<said)" '^KEVENTS_ID=301$'
	has "$(<said)" '^KEVENTS_SEQ=[0-9]+$'
	has "$(<said)" '^KEVENTS_DELIVERIES=1$'
	has "$(<said)" '^KEVENTS_PID=[1-9][0-9]*$'
	has "$(<said)" '^KEVENTS_UID=1000$'
	has "$(<said)" '^KEVENTS_GID=1000$'
	has "$(<said)" '^KEVENTS_SENT_NS=[1-9][0-9]*$'
	has "$(<said)" '^KEVENTS_LEN=11$'
	is 0 "$(value 301 pending)"
}

test_large_binary_payloads_arrive_whole() {
	kevents limits max_event_size=1M
	head -c 1000000 /dev/urandom >random
	kevents send 302 @random
	kevents work --drain 302 -- cp /dev/stdin back
	cmp random back
}

test_events_come_in_order() {
	seq 30 | kevents send -l 303
	kevents work --drain 303 -- sh -c 'cat; echo' >got
	is "$(seq 30)" "$(<got)"
}

test_drain_of_nothing_is_status_1() {
	ends 1 kevents work --drain 304 -- true
	kevents send 304 x
	ends 0 kevents work --drain 304 -- true
}

test_a_command_need_not_read_its_input() {
	head -c 60000 /dev/zero | kevents send 305
	kevents send 305 next
	kevents work --drain 305 -- true
	is 0 "$(value 305 pending)"
}

test_a_failed_event_is_given_back_and_tried_again_in_its_place() {
	printf '%s\n' a b c | kevents send -l 306
	kevents work --drain --pause 1ms 306 -- sh -c \
		'read -r x; echo "$x$KEVENTS_DELIVERIES" >>got; [ $x != b ] || [ $KEVENTS_DELIVERIES = 3 ]' 2>errors || :
	is 'a1 b1 b2 b3 c1' "$(xargs <got)"
	has "$(<errors)" '^kevents work: 306: event [0-9]+: exit status 1; given back$'
}

test_a_failing_command_does_not_spin() {
	kevents send 307 x
	begin_work --pause 1h 307 -- sh -c 'echo run >>runs; exit 1'
	await has_lines runs 1
	await stands 307 pending 1
	# the event waits there, and the worker takes it no more
	kevents send 307 y
	kill -TERM $!
	wait $!
	is 1 "$(lines runs)"
	is 2 "$(value 307 pending)"
}

test_a_pause_holds_up_no_other_id() {
	kevents send 308 bad
	kevents send 309 good
	begin_work --pause 1h 308 309 -- sh -c 'echo $KEVENTS_ID >>runs; [ $KEVENTS_ID = 309 ]'
	await has_lines runs 2
	kevents send 309 good
	await has_lines runs 3
	kill -TERM $!
	wait $!
	is '308 309 309' "$(sort runs | xargs)"
}

test_jobs_run_side_by_side() {
	mkfifo go
	exec 8<>go
	seq 4 | kevents send -l 310
	begin_work --drain --jobs 3 310 -- sh -c 'echo x >>started; read -r x <go'
	await has_lines started 3
	is 3 "$(value 310 leased)"
	is 1 "$(value 310 pending)"
	printf 'go\ngo\ngo\ngo\n' >&8
	wait $!
	is 4 "$(value 310 received)"
}

test_sigterm_lets_running_jobs_end() {
	mkfifo go
	seq 3 | kevents send -l 311
	begin_work --jobs 2 311 -- sh -c 'echo x >>started; read -r x <go; echo x >>ended'
	local worker=$!
	await has_lines started 2
	kill -TERM $worker
	exec 8<>go
	echo go >&8
	await has_lines ended 1
	echo go >&8
	wait $worker
	is 2 "$(lines ended)"
	is 2 "$(lines started)"
	is 1 "$(value 311 pending)"
	is 2 "$(value 311 received)"
}

test_hang_up_lets_running_jobs_end_unless_it_is_ignored() {
	mkfifo go
	exec 8<>go
	seq 3 | kevents send -l 334
	begin_work 334 -- sh -c 'echo x >>started; read -r x <go'
	await has_lines started 1
	kill -HUP $!
	echo go >&8
	wait $!
	is 2 "$(value 334 pending)"
	(trap '' HUP && exec kevents work -n 2 334 -- sh -c 'echo x >>started; read -r x <go') 2>errors &
	await has_lines started 2
	kill -HUP $!
	printf 'go\ngo\n' >&8
	wait $!
	is 0 "$(value 334 pending)"
}

test_an_interrupt_at_the_terminal_is_not_for_the_jobs() {
	mkfifo go
	kevents send 335 x
	on_screen 80 24 "trap : INT; kevents work 335 -- sh -c 'echo begun; read -r x <go; echo \$x >got'; echo \$? >status; exec cat"
	await_screen '^begun$'
	typed C-c
	echo 'not killed' >go
	await test -s status
	is '0 not killed' "$(<status) $(<got)"
	is 0 "$(value 335 pending)"
}

test_a_second_signal_ends_the_jobs() {
	kevents send 312 x
	begin_work 312 -- sh -c 'echo x >>started; exec sleep 1000'
	local worker=$!
	await has_lines started 1
	kill -TERM $worker
	await signal_is_taken $worker
	kill -TERM $worker
	wait $worker
	is 1 "$(value 312 pending)"
	has "$(<errors)" 'killed by signal 15'
}

# No SIGTERM is pending any more.
signal_is_taken() {
	! grep -q '^ShdPnd:.*[4567cdef]...$' "/proc/$1/status"
}

test_a_killed_worker_gives_everything_back() {
	seq 3 | kevents send -l 313
	begin_work --jobs 2 313 -- sh -c 'echo $$ >>pids; exec sleep 1000'
	await has_lines pids 2
	is 2 "$(value 313 leased)"
	kill -KILL $!
	wait $! || :
	await stands 313 pending 3
	is 0 "$(value 313 leased)"
	# and its jobs, which would go on beside their repetition, are gone
	local pid
	for pid in $(<pids); do
		await test ! -e "/proc/$pid/cwd"
	done
	is '1 2 3' "$(kevents get -n 3 313 | xargs)"
}

test_a_killed_command_has_failed() {
	kevents send 314 x
	begin_work --pause 1h 314 -- sh -c 'kill -KILL $$'
	await stands 314 returned 1
	kill -TERM $!
	wait $!
	has "$(<errors)" 'killed by signal 9'
	is 1 "$(value 314 pending)"
}

test_a_hanging_command_ends_with_its_lease() {
	kevents send 315 x
	begin_work --lease 300ms --pause 1h 315 -- sh -c 'trap "" TERM; echo x >>started; while :; do sleep 1000; done'
	await has_lines started 1
	await stands 315 pending 1
	await grep -q 'killed by signal 9' errors
	kill -TERM $!
	wait $!
	has "$(<errors)" 'its lease ends'
}

test_sigterm_comes_before_the_lease_ends() {
	kevents send 316 x
	begin_work --lease 20s --pause 1h 316 -- sh -c 'trap "echo asked >>asked; exit 1" TERM; while :; do sleep 0.1; done'
	await has_lines asked 1
	await stands 316 pending 1
	kill -TERM $!
	wait $!
	has "$(<errors)" 'exit status 1; given back'
}

test_retries_then_dead_letter() {
	kevents send 317 poison
	kevents send 317 fine
	kevents work --drain --pause 1ms --retries 2 --dead-letter 318 317 -- sh -c \
		'read -r x; echo $x >>runs; [ $x = fine ]' 2>errors
	is 'poison poison poison fine' "$(xargs <runs)"
	is poison "$(kevents get 318)"
	is 0 "$(value 317 pending)"
	has "$(<errors)" 'exit status 1; moved to 318$'
}

test_three_retries_unless_told_otherwise() {
	kevents send 331 poison
	kevents work --drain --pause 1ms --dead-letter 332 331 -- sh -c 'echo run >>runs; false' 2>errors
	is 4 "$(lines runs)"
	is poison "$(kevents get 332)"
}

# In hundredths of a second.
test_pauses_grow_with_failures_in_a_row() {
	kevents send 333 x
	kevents work -n 4 --pause 200ms 333 -- sh -c 'sed "s/ .*//; s/\.//" /proc/uptime >>times; false' 2>errors
	awk -v pause=20 'NR > 1 { if ($1 - last < pause - 1) exit 1; pause *= 2 } { last = $1 }' times
	is 4 "$(lines times)"
}

test_an_event_stays_where_the_dead_letter_id_is_refused() {
	as alice kevents claim 319 0400
	kevents send 320 poison
	chmod 777 .
	as bob kevents work -n 1 --retries 0 --dead-letter 319 320 -- false 2>errors
	has "$(<errors)" 'cannot be moved to 319: Not permitted'
	is poison "$(kevents get 320)"
}

test_a_signal_ends_it_while_events_can_be_neither_run_nor_moved() {
	as alice kevents claim 336 0400
	kevents send 337 poison
	chmod 777 .
	setpriv --reuid bob --regid bob --init-groups kevents work --pause 0 --retries 0 --dead-letter 336 337 -- false 2>errors &
	await has_lines errors 2
	kill -TERM $!
	wait $!
	# what no command is to blame for makes a pause all the same
	[ "$(lines errors)" -lt 10 ]
	is 1 "$(value 337 pending)"
}

test_an_event_that_kills_workers_is_not_run_for_ever() {
	kevents send 321 deadly
	for _ in 1 2; do
		ends 137 kevents work --retries 1 --dead-letter 322 321 -- sh -c 'kill -KILL $PPID; sleep 1000'
		await stands 321 pending 1
	done
	kevents work --drain --retries 1 --dead-letter 322 321 -- sh -c 'echo run >>runs' 2>errors
	test ! -e runs
	is deadly "$(kevents get 322)"
	has "$(<errors)" 'delivered too often; moved to 322'
}

test_a_command_that_is_not_there_takes_no_event() {
	kevents send 323 x
	ends 3 kevents work 323 -- no-such-command
	ends 3 kevents work 323 -- /etc/passwd
	ends 3 kevents work 323 -- ./nothing
	is 1 "$(value 323 pending)"
	is 0 "$(value 323 returned)"
}

test_a_command_that_cannot_be_executed_ends_the_worker() {
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	kevents send 324 x
	ends 3 kevents work 324 -- ./script
	is 1 "$(value 324 pending)"
}

test_the_end_of_a_command_is_seen_where_such_signals_are_ignored() {
	kevents send 338 x
	(trap '' CHLD && exec kevents work --drain 338 -- true)
	is 1 "$(value 338 received)"
}

test_count_ends_the_worker() {
	seq 5 | kevents send -l 325
	kevents work -n 3 --jobs 2 325 -- cat >got
	is 3 "$(value 325 received)"
	is 2 "$(value 325 pending)"
}

test_an_idle_worker_takes_what_comes() {
	begin_work 326 -- sh -c 'cat >>got; echo >>got'
	kevents send 326 one
	await has_lines got 1
	kevents send 326 two
	await has_lines got 2
	kill -INT $! # ignored by what a script starts in the background
	kill -TERM $!
	wait $!
	is 'one two' "$(xargs <got)"
}

test_jobs_do_not_inherit_the_device() {
	kevents send 327 x
	kevents work --drain 327 -- ls -l /proc/self/fd >got
	is 0 "$(grep -c /dev/kevents got || :)"
}

test_two_workers_share_an_id_without_doubles() {
	seq 60 | kevents send -l 328
	begin_work --drain 328 -- sh -c 'read -r x; echo $x >>got'
	kevents work --drain 328 -- sh -c 'read -r x; echo $x >>got' || :
	wait $! || :
	is "$(seq 60)" "$(sort -n got)"
}

test_wrong_usage_of_work() {
	ends 2 kevents work 1
	ends 2 kevents work -- true
	ends 2 kevents work 1 --
	ends 2 kevents work --jobs 0 1 -- true
	ends 2 kevents work --retries 3 1 -- true
	ends 2 kevents work --dead-letter 1 1 -- true
	ends 2 kevents work one -- true
}

run_tests "$@"
