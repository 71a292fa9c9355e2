#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What becomes of a run whose guest QEMU makes trip over code that the kernel patches.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An emulator that is QEMU's but for its first runs, as many as the file `trips` has lines.
# What the guest says has to match that line before it is killed with $work/oops in its
# log; with an empty one the log has nothing else.
make_emulator() {
	mkdir "$work/fakes"
	cat >"$work/fakes/qemu-system-x86_64" <<-END
		#!/bin/bash
		work=$work qemu=$(command -v qemu-system-x86_64)
	END
	cat >>"$work/fakes/qemu-system-x86_64" <<-'END'
		read -r pattern <"$work/trips" || exec "$qemu" "$@"
		sed -i 1d "$work/trips"
		words=("$@")
		for i in "${!words[@]}"; do
			case ${words[i]} in
			file,id=log,path=*) log=${words[i]#*path=} ;;
			file,id=output,path=*) output=${words[i]#*path=} words[i]=file,id=output,path=$work/output ;;
			esac
		done
		[ -z "$pattern" ] || {
			rm -f "$work/output" && mkfifo "$work/output"
			setpriv --pdeathsig KILL "$qemu" "${words[@]}" &
			grep -m 1 -B 999 -e "$pattern" <"$work/output" >"$output"
			matched=$?
			kill -KILL $!
			wait $!
			[ $matched = 0 ] || exit
		} 2>/dev/null
		cat "$work/oops" >>"$log"
	END
	chmod +x "$work/fakes/qemu-system-x86_64"
}

# The tracepoint shows that what is patched would be seen.
another_memory_cgroup_patches_no_code() {
	same "$(tests/vm/run --accel tcg -- sh -c '
		cd /sys/kernel/tracing && echo 0 >options/record-cmd
		echo "p:patch jump_label_update key=%di:symbol" >kprobe_events
		echo 1 >events/kprobes/patch/enable
		mkdir /sys/fs/cgroup/another
		echo 1 >events/sched/sched_process_exec/enable
		sed -n "s/.* key=\([a-z_]*\)+.*/\1/p" trace')" __tracepoint_sched_process_exec
}

# oops NAME RIP CODE
oops() {
	cat >"$work/oops" <<-END
		[   26.135609] Oops: $1: 0000 [#1] PREEMPT SMP NOPTI
		[   26.135609] CPU: 0 UID: 0 PID: 0 Comm: swapper/0 Tainted: G           OE
		[   26.135609] RIP: 0010:$2
		[   26.135609] Code: 41 f6 c6 01 49 89 de 0f 1f 44 00 00 $3 48 8b 43 08 a8 01
		[   26.135609] Kernel panic - not syncing: Fatal exception in interrupt
	END
}

# tripping PATTERN... -- COMMAND...
tripping() {
	: >"$work/trips"
	until [ "$1" = -- ]; do
		echo "$1" >>"$work/trips"
		shift
	done
	PATH=$work/fakes:$PATH "${@:2}"
}

boots_again_after_a_fault_at_the_start() {
	oops int3 'free_unref_page+0x84/0x580' '66 <90>'
	reports 'booting it once more' tripping '' -- tests/vm/run --accel tcg -- true &&
		same "$(wc -l <"$work/trips")" 0
}

# What all of these run, in this order.
first_test=readwrite_shell:dd_writes_records
run_check() {
	tests/check --guests 1 --accel tcg --only 64/event_sender --only 64/readwrite_shell \
		--only 64/receive_peek
}

# counts LINES TEXT SAID
counts() {
	same "$(grep -c -e "$2" <<<"$3") with $2" "$1 with $2"
}

# The suite in the middle has said how its first test ended when the guest trips.
runs_the_rest_in_another_guest() {
	local said sum
	oops int3 'free_unref_page+0x84/0x580' '66 <90>'
	said=$(tripping "$first_test" -- run_check 2>&1) || {
		echo "$said"
		return 1
	}
	echo "$said"
	sum=$(awk '/ of 4\]$/ { passed += $2 } END { print passed " passed, 0 failed" }' <<<"$said")
	[[ $said == *"that is QEMU's doing"*'3 of 4 suites'* ]] && counts 2 'guest up' "$said" &&
		counts 1 '^64/event_sender .* \[1 of 4\]$' "$said" && counts 1 '^64/readwrite_shell .* \[2 of 4\]$' "$said" &&
		counts 1 '^64/receive_peek .* \[3 of 4\]$' "$said" && counts 1 '^leaks .* \[4 of 4\]$' "$said" &&
		same "$(tail -n 1 <<<"$said")" "$sum"
}

# fails_after GUESTS PATTERN...
fails_after() {
	local said status
	said=$(refuse tripping "${@:2}" -- run_check 2>&1)
	status=$?
	echo "$said"
	same $status 0 && counts "$1" 'guest up' "$said" &&
		counts 1 '^not ok: the guest did not run all suites' "$said"
}

fails_the_second_time() {
	oops int3 'free_unref_page+0x84/0x580' '66 <90>'
	fails_after 2 "$first_test" ':: begin 64/receive_peek'
}

# fails_at_once NAME RIP CODE
fails_at_once() {
	oops "$@"
	fails_after 1 "$first_test"
}

check 'a memory cgroup in a guest that is up patches no code' another_memory_cgroup_patches_no_code
make_emulator
check 'a guest whose kernel trips before it is up is booted again' boots_again_after_a_fault_at_the_start
check 'when it trips later, another guest runs what had not ended' runs_the_rest_in_another_guest
check 'when that one trips, too, the check fails' fails_the_second_time
check 'a breakpoint in the module fails the check at once' \
	fails_at_once int3 'ke_send+0x84/0x580 [kevents]' '66 <90>'
check 'a breakpoint that is still in the code does, too' \
	fails_at_once int3 'free_unref_page+0x84/0x580' 'cc <cc>'
check 'any other fault does, too' fails_at_once '0002' 'free_unref_page+0x84/0x580' '66 <90>'
