#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Usage: guest-runner.sh SUITE[:TEST]...
#
# Runs in the guest the suites named, each as WORDSIZE/NAME or tools/NAME, or what the
# pattern TEST matches of one, then looks for memory of the module's that was not
# freed. Prints what they print, with lines before and after each that begin with "::"
# and that tests/check understands.
cd "${0%/*}" || exit

kmemleak=/sys/kernel/debug/kmemleak
kcsan=/sys/kernel/debug/kcsan

# In hundredths of a second.
uptime() {
	sed 's/ .*//; s/\.//' /proc/uptime
}

# run NAME COMMAND...
run() {
	name=$1 start=$(uptime)
	shift
	echo ":: begin $name"
	"$@"
	echo ":: end $name $? $(($(uptime) - start))"
}

# Objects in use of a slab cache; what a CPU keeps for itself counts, so it has
# to let go first.
objects() {
	echo 1 >"/sys/kernel/slab/$1/shrink"
	sed -n "s/^$1 *\([0-9]*\) .*/\1/p" /proc/slabinfo
}

# Memory is freed after a grace period, so it gets a while. Some idle queues are kept for
# reuse.
leaks() {
	number=0
	while read -r cache _; do
		case $cache in
		kevents_*) ;;
		*) continue ;;
		esac
		tries=0 most=0
		[ "$cache" != kevents_queue ] || most=1024
		number=$((number + 1))
		while count=$(objects "$cache") && [ "$count" -gt $most ] && [ $tries -lt 100 ]; do
			tries=$((tries + 1))
			sleep 0.1
		done
		if [ "$count" -le $most ]; then
			echo "ok $number - runner:leak:$cache: Passed"
		else
			echo "not ok $number - runner:leak:$cache: ${count:-unknown} objects are left"
		fi
	done </proc/slabinfo
	[ $number != 0 ] || {
		number=1
		echo 'not ok 1 - runner:leak:caches: /proc/slabinfo shows no cache of the module'
	}
	if [ -e "$kmemleak" ] || [ -n "${KEVENTS_TEST_KMEMLEAK-}" ]; then
		number=$((number + 1))
		unreachable "$number"
	fi
	echo 1..$number
}

# Prints what nothing points to any more; but not the names of slab caches that
# could not be shown in sysfs, which the kernel forgets itself.
unreferenced() {
	awk '
		function flush() {
			if (!known)
				printf "%s", record
			record = ""
			known = 0
		}
		/^unreferenced object/ { flush() }
		{ record = record $0 "\n" }
		/ sysfs_slab_add\+/ { known = 1 }
		END { flush() }
	' "$kmemleak"
}

# It turns itself off when it runs out of memory, and takes no such order then.
scan() {
	echo scan >"$kmemleak"
}

# A scan wants objects to be older than 5 s.
unreachable() {
	if ! { sleep 6 && scan && sleep 6 && scan; }; then
		echo "not ok $1 - runner:leak:kmemleak: it does not look for memory"
	elif [ -z "$(unreferenced)" ]; then
		echo "ok $1 - runner:leak:kmemleak: Passed"
	else
		echo "not ok $1 - runner:leak:kmemleak: there is memory that nothing points to"
		unreferenced | head -n 60
	fi
}

# Which lines of the module have run, for the host.
coverage() {
	mkdir /tmp/gcov
	(
		cd /sys/kernel/debug/gcov || exit
		find . -name '*.gcda' | while read -r counters; do
			# Their size is unknown before they are read.
			mkdir -p "/tmp/gcov/${counters%/*}"
			cat "$counters" >"/tmp/gcov/$counters"
		done
	)
	(cd /tmp/gcov && find . -name '*.gcda' | cpio -o -H newc 2>/dev/null) |
		gzip | base64 | sed 's/^/:: coverage /'
}

# Two applications that talk to each other, against the shared library.
applications() {
	{ [ "$(kevents-hello)" = 'Hello world' ] && echo 'ok 1 - applications:apps:hello: Passed'; } ||
		echo 'not ok 1 - applications:apps:hello: it does not say hello'
	kevents-ping 1000 &
	{ kevents-pong 1000 && wait $! && echo 'ok 2 - applications:apps:ping_and_pong: Passed'; } ||
		echo 'not ok 2 - applications:apps:ping_and_pong: one of them failed'
	echo 1..2
}

# The kernel can do without 32-bit programs.
[ ! -x 32/init-only ] || 32/init-only 2>/dev/null
[ $? -lt 126 ] || narrow=no

# What there was before is not ours.
[ ! -e "$kmemleak" ] || {
	echo scan
	echo clear
} >"$kmemleak"

for suite; do
	case $suite in
	*:*) export KEVENTS_TEST_ONLY="${suite#*:}" ;;
	*) unset KEVENTS_TEST_ONLY ;;
	esac
	suite=${suite%%:*}
	case $suite${narrow-} in
	32/*no) echo ":: skip $suite: this kernel runs no 32-bit programs" ;;
	applications) run applications applications ;;
	examples | manual | sessions) run "$suite" unshare -n "docs/$suite.sh" ;;
	leaks) run leaks leaks ;;
	tools/*) run "$suite" bash "$suite.sh" ;;
	*) run "$suite" "${suite%/*}/suite" "${suite#*/}" ;;
	esac
done
[ -z "${KEVENTS_COVERAGE-}" ] || coverage
[ ! -e "$kcsan" ] || sed -n 's/^setup_watchpoints: /:: watched /p' "$kcsan"
echo ":: done"
