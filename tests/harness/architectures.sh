#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests of other architectures than the machine's, and what the suite does there.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh
set -o pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

output_is_exact() {
	# All values that a byte can have, as printf takes them.
	printf '\\%03o' {0..255} >"$work/format"
	# shellcheck disable=SC2059 # the format is the data
	printf "$(cat "$work/format")" >"$work/expected"
	# shellcheck disable=SC2016 # for the guest's shell
	tests/vm/run --kernel "$1" --add "$work/format:/etc/format" -- sh -c 'printf "$(cat /etc/format)"' >"$work/bytes" &&
		cmp "$work/expected" "$work/bytes"
}

programs_are_of_it() {
	[ "$(tests/guest --kernel "$1" -- sh -c 'uname -m && kevents-hello')" = "$2"$'\nHello world' ]
}

suite_passes_and_says_what_it_leaves_out() {
	tests/check --kernel "$1" --only event_basic --only queue_order:p4_seq_grows_across_ids | tee "$work/said" || return
	grep -q '^left out: 32/\*, as 32-bit programs are for amd64 alone$' "$work/said" &&
		grep -Eq '^64/event_basic +1[0-9] passed' "$work/said" && grep -Eq '^64/queue_order +1 passed' "$work/said"
}

scan_finds_a_trace_of_arm64() {
	echo '[    1.000000] Call trace:' | tests/vm/splat-scan >/dev/null
}

scan_excuses_the_oom_killer_of_arm64() {
	! printf '%s\n' 'memhog invoked oom-killer: order=0' 'Call trace:' | tests/vm/splat-scan
}

tests/deps/install arm64 s390x
check 'a trace as arm64 prints it is a fault' scan_finds_a_trace_of_arm64
check 'the trace of the OOM killer there is none' scan_excuses_the_oom_killer_of_arm64
for machine in 'arm64 aarch64' 's390x s390x'; do
	read -r kernel name <<<"$machine"
	check "$kernel: programs are built for it" programs_are_of_it "$kernel" "$name"
	check "$kernel: output comes byte by byte" output_is_exact "$kernel"
	check "$kernel: the suite passes and says what it leaves out" suite_passes_and_says_what_it_leaves_out "$kernel"
done
