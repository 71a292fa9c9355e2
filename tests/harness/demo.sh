#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the demonstration prints, and that it fails where KEvents does.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

# A first run says this much more: three lines of tests/deps/install, five of
# tests/vm/fetch, one about KVM; and one for lists that could not be read, twice.
first_run=11

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

demonstrates() {
	make demo >"$scratch/demo" 2>"$scratch/errors" || {
		cat "$scratch/demo" "$scratch/errors"
		return 1
	}
}

# prints PATTERN
prints() {
	grep -Eqx "$1" "$scratch/demo" || {
		cat "$scratch/demo"
		return 1
	}
}

first_run_fits() {
	local lines
	lines=$(cat "$scratch/demo" "$scratch/errors" | wc -l)
	echo "$lines lines"
	[ $((lines + first_run)) -le 60 ]
}

lines_fit() {
	refuse grep -E '.{81}' "$scratch/demo" && [ "$(wc -l <"$scratch/demo")" -le 42 ]
}

# break_kevents NAME: standard input is what stands in for the command.
break_kevents() {
	mkdir -p "$scratch/broken/$1"
	{
		printf '#!/bin/sh\nreal=/usr/bin/kevents\n'
		cat
	} >"$scratch/broken/$1/kevents"
	chmod +x "$scratch/broken/$1/kevents"
}

# Runs the demonstration in one guest with each of the commands that are broken.
demonstrate_broken() {
	break_kevents 1-sender <<-'END'
		# The sender is a process of its own that nobody knows of.
		$real "$@"
	END
	break_kevents 2-job <<-'END'
		# The second worker finds another job.
		[ "$*" = "${*#work --count 1 2}" ] || {
			$real get 2 >/dev/null
			$real send 2 'resize photo 7'
		}
		exec $real "$@"
	END
	break_kevents 3-lost <<-'END'
		[ "$*" = "${*#get --count 4000}" ] || {
			$real "$@" | sed 1234d
			exit
		}
		exec $real "$@"
	END
	break_kevents 4-cost <<-'END'
		exec $real "$@"
	END
	printf '#!/bin/sh\necho "bench: ke_init: No such device" >&2\nexit 1\n' >"$scratch/broken/4-cost/bench"
	chmod +x "$scratch/broken/4-cost/bench"
	# shellcheck disable=SC2016 # for the guest's shell
	tests/guest --add build/bench/bench:/usr/bin/bench --add "$scratch/broken:/broken" \
		--add tests/demo-in-guest:/usr/bin/demo-in-guest -- sh -c '
		for broken in /broken/*; do
			(PATH=$broken:$PATH && demo-in-guest)
			echo "${broken#/broken/} $?"
			for id in 1 2 3 4; do kevents purge $id; done
		done' >"$scratch/demo"
}

# fails_at STEP NAME
fails_at() {
	prints "demo: step $1 failed: .*" && prints "$1-$2 1"
}

check 'the demonstration succeeds' demonstrates
check 'a first run prints 60 lines at most' first_run_fits
check 'what it shows fits on a screen' lines_fit
check 'a message outlives its sender' \
	prints 'process [0-9]+ received: the report is done, sent by process [0-9]+'
check 'a job comes back after its worker was killed' prints 'worker [0-9]+: resize photo 7, attempt 2'
check 'nothing of many senders is lost' prints '4000 came, 0 lost, 0 out of order'
check 'it shows what a message costs' prints 'kevents +[0-9.]+ us'
check 'it runs with commands that are broken' demonstrate_broken
check 'it fails if the message is of another sender' fails_at 1 sender
check 'it fails if the job does not come back' fails_at 2 job
check 'it fails if a message is lost' fails_at 3 lost
check 'it fails if the cost cannot be measured' fails_at 4 cost
