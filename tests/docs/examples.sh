#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest, in a network namespace of its own, what examples/ became.
cd "${0%/*}" || exit
# shellcheck source=tests/docs/tap.sh
. ./tap.sh
group=examples

has_lines() {
	[ "$(wc -l <"$work/out")" -ge "$1" ]
}

# What comes before and while the program runs is printed; SIGTERM ends it.
serves() {
	kevents send 1 one
	"$@" >"$work/out" &
	until_true has_lines 1 || return
	kevents send 1 two
	until_true has_lines 2 || return
	kill -TERM $! && wait $!
}

epoll() {
	kevents send 2 other
	examples/epoll 2 >"$work/out" &
	until_true has_lines 1 && kill -TERM $! && wait $! || return
	serves examples/epoll 1 2 && same "$work/out" <<-END
		1: one
		1: two
	END
}

sd_event() {
	serves examples/sd-event 1 && same "$work/out" <<-END
		one
		two
	END
}

io_uring() {
	kevents send 1 one
	kevents send 2 two
	kevents send -3 three
	examples/io-uring 1 2 -3 >"$work/out" && same "$work/out" <<-END
		1: one
		2: two
		-3: three
	END
}

fan_in() {
	examples/fan-in 8 500 >"$work/out" && same "$work/out" <<-END
		4000 events from 8 producers, in order
	END
}

mailbox() {
	examples/mailbox >"$work/out" && same "$work/out" <<-END
		3 bytes: one
		3 bytes: two
		5 bytes: three
		1000 bytes: ..........
	END
}

# A worker that is killed half way leaves the rest, and what it had in hand.
worker_loses_nothing() {
	seq 200 | sed 's/^/job /' | kevents send --lines 1
	: >"$work/out"
	examples/worker 1 2 >>"$work/out" &
	until_true has_lines 3 || return
	kill -KILL $! && ! wait $!
	examples/worker 1 2 >>"$work/out" || return
	sort -u "$work/out" | sort -n | cut -d' ' -f2- >"$work/jobs"
	seq 200 | sed 's/^/job /' | same "$work/jobs"
}

worker_puts_aside_what_it_cannot_handle() {
	kevents send 1 'two
lines'
	kevents send 1 'one line'
	examples/worker 1 2 >"$work/jobs" || return
	cut -d' ' -f2- "$work/jobs" >"$work/out"
	echo 'one line' | same "$work/out" || return
	examples/epoll 2 >"$work/out" &
	until_true has_lines 2 && kill -TERM $! && wait $! && same "$work/out" <<-END
		2: two
		lines
	END
}

worker_puts_aside_what_no_line_can_hold() {
	printf 'a\0b' | kevents send 1
	examples/worker 1 2 >"$work/out" || return
	[ ! -s "$work/out" ] && [ "$(kevents get 2 | wc -c)" = 3 ]
}

# Some kernels have none, or let nobody use it.
has_io_uring() {
	[ "$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)" = 0 ] &&
		grep -q '_sys_io_uring_setup$' /proc/kallsyms
}

check epoll
check sd_event
if has_io_uring; then
	check io_uring
else
	skip io_uring 'this kernel has no io_uring'
fi
check fan_in
check mailbox
check worker_loses_nothing
check worker_puts_aside_what_it_cannot_handle
check worker_puts_aside_what_no_line_can_hold
plan
