#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kevents list, stat, limits, purge, claim and unclaim; help and version.
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

test_list_shows_the_ids_in_use() {
	kevents send -101 a
	kevents send 101 bb
	local table
	table=$(kevents list)
	has "$table" '^ID +PENDING +LEASED +BYTES '
	has "$table" '^-101 +1 +0 +[0-9]+ +0 +1 +0 +- -$'
	is '-101 101' "$(kevents list --quiet | grep -w 101 | tr '\n' ' ' | sed 's/ $//')"
	has "$(kevents list --json)" '^\[.*\{"id":-101,"pending":1,"leased":0,"bytes":[0-9]+,"waiters":0,"sent":1,.*\]$'
}

test_list_of_many_ids() {
	local i
	for i in $(seq 500 650); do
		echo x | kevents send --lines "$i"
	done
	is 151 "$(kevents list -q | awk '$1 >= 500 && $1 <= 650' | wc -l)"
}

test_sizes_with_units() {
	head -c 60000 /dev/zero | kevents send 102
	has "$(kevents list --human)" '^102 +1 +0 +[5-9][0-9]\.[0-9]K '
	has "$(kevents stat --human 102)" '^bytes +[5-9][0-9]\.[0-9]K$'
}

test_list_hides_what_a_claim_does_not_let_the_caller_see() {
	kevents send 103 x
	kevents send 104 x
	kevents claim 103 0622
	is 104 "$(as alice kevents list --quiet | grep -x '10[34]')"
	is '103 104' "$(kevents list --quiet | grep -x '10[34]' | xargs)"
	ends 3 as alice kevents stat 103
	ends 3 as alice kevents purge 103
}

test_empty_list_is_no_error() {
	unshare -n kevents list --json >got
	is '[]' "$(<got)"
	is '' "$(unshare -n kevents list -q)"
}

test_stat_of_an_id() {
	kevents send 110 four
	kevents send 110 five5
	kevents get 110 >/dev/null
	is 'id 110 pending 1 leased 0' "$(kevents stat 110 | head -n 3 | xargs)"
	is 2 "$(value 110 sent)"
	is 1 "$(value 110 received)"
	has "$(kevents stat --json 110)" \
		'^\{"id":110,"pending":1,.*"sent":2,"received":1,"expired":0,"returned":0,"claimed":false\}$'
	has "$(kevents stat -H 110)" '^bytes +[0-9]+$'
}

test_stat_of_all() {
	unshare -n bash -c 'kevents send 1 a; kevents send 2 b; kevents send 2 c; kevents stat; kevents stat --json' >got
	is 'ids 2 pending 3' "$(head -n 2 got | xargs)"
	has "$(tail -n 1 got)" '^\{"pending":3,.*"ids":2\}$'
}

test_unused_id_has_zeros() {
	is 0 "$(value 112 pending)"
	is 0 "$(value 112 bytes)"
}

test_purge_says_how_many() {
	seq 25 | kevents send -l 113
	is 25 "$(kevents purge 113)"
	is '{"id":113,"dropped":0}' "$(kevents purge --json 113)"
	ends 1 kevents poll 113
}

test_purge_leaves_what_somebody_holds() {
	mkfifo go
	printf '%s\n' held free | kevents send -l 114
	kevents work -n 1 114 -- sh -c 'read -r x <go' &
	await stands 114 leased 1
	is 1 "$(kevents purge 114)"
	is 1 "$(value 114 leased)"
	echo go >go
	wait $!
	is 1 "$(value 114 received)"
}

test_strict_leaves_only_claimed_ids() {
	kevents claim 115 0666
	kevents limits strict=1
	ends 3 kevents send 116 x
	ends 0 kevents send 115 x
	has "$(kevents limits --json)" '"strict":true,'
	kevents limits strict=0
	ends 0 kevents send 116 x
}

test_limits_are_shown_and_set() {
	has "$(kevents limits)" '^max_event_size +65536 +- '
	has "$(kevents limits --human)" '^max_bytes +64\.0M '
	kevents limits user_max_bytes=5000000 max_bytes=32M
	has "$(kevents limits --json)" '"max_bytes":33554432,"user_max_bytes":5000000,"strict":false,'
	kevents limits user_max_bytes=16M max_bytes=64MiB
	is 67108864 "$(cat /sys/module/kevents/parameters/max_bytes)"
}

test_wrong_limits_change_nothing() {
	ends 2 kevents limits max_bytes=1M nonsense=1
	ends 2 kevents limits max_bytes=much
	ends 2 kevents limits strict=2
	ends 2 kevents limits max_bytes
	ends 3 kevents limits max_event_size=2M
	ends 3 kevents limits max_event_size=18446744073709551615
	ends 3 kevents limits user_max_bytes=18446744073709551615
	ends 2 kevents limits user_max_bytes=-1
	ends 3 as alice kevents limits max_bytes=1M
	is 67108864 "$(cat /sys/module/kevents/parameters/max_bytes)"
}

test_a_claim_keeps_others_out() {
	as alice kevents claim 120 0600
	ends 3 as bob kevents send 120 x
	ends 3 as bob kevents get 120
	ends 3 as bob kevents claim 120 0666
	ends 3 as bob kevents unclaim 120
	as alice kevents send 120 mine
	is mine "$(as alice kevents get 120)"
	has "$(kevents list)" '^120 .* 0600 alice:alice$'
	has "$(kevents stat 120 | xargs)" 'owner alice:alice mode 0600$'
	has "$(kevents stat --json 120)" '"claimed":true,"owner_uid":1000,"owner_gid":1000,"mode":"0600"\}$'
	ends 0 as alice kevents unclaim 120
	ends 1 as alice kevents unclaim 120
	ends 0 as bob kevents send 120 x
}

test_a_claim_for_somebody_else() {
	kevents claim --owner alice:kevents 121 660
	has "$(kevents list)" '^121 .* 0660 alice:kevents$'
	ends 0 as bob kevents send 121 x
	is '{"id":121,"claimed":true,"mode":"0600"}' "$(as alice kevents claim --json 121 600)"
	ends 3 as bob kevents send 121 x
	ends 3 as bob kevents claim --owner alice 122 600
	is '{"id":121,"claimed":false}' "$(kevents unclaim --json 121)"
	kevents purge 121
	kevents claim -o 4321:8765 121 600
	has "$(kevents list)" '^121 .* 0600 4321:8765$'
	kevents unclaim 121
}

test_an_owner_is_set_by_a_process_that_opens_the_device_by_its_group() {
	local may=+setuid,+setgid
	setpriv --reuid carol --regid kevents --clear-groups --inh-caps $may --ambient-caps $may \
		kevents claim --owner alice:alice 126 640
	has "$(kevents stat 126 | xargs)" 'owner alice:alice mode 0640$'
	kevents unclaim 126
}

test_an_owner_by_number_brings_its_own_group() {
	kevents claim --owner 1000 124 600
	has "$(kevents list)" '^124 .* 0600 alice:alice$'
	kevents unclaim 124
	kevents claim --owner 3000000000:4294967294 124 600
	has "$(kevents list)" '^124 .* 0600 3000000000:4294967294$'
	kevents unclaim 124
	ends 2 kevents claim --owner 4294967295 124 600
}

test_a_claim_for_a_group_of_one_s_own() {
	ends 3 as alice kevents claim --owner :kevents 125 660
	# as sg(1) does
	setpriv --reuid alice --regid kevents --init-groups kevents claim 125 660
	has "$(kevents list)" '^125 .* 0660 alice:kevents$'
}

test_wrong_claims_are_wrong_usage() {
	ends 2 kevents claim 123
	ends 2 kevents claim 123 0777
	ends 2 kevents claim 123 rw
	ends 2 kevents claim 123 0668
	ends 2 kevents claim --owner nobody-at-all 123 0600
	ends 2 kevents claim --owner alice:no-such-group 123 0600
	ends 1 kevents unclaim 123
}

test_help_of_every_verb() {
	local verb
	has "$(kevents --help)" '^Exit status:$'
	is "$(kevents help)" "$(kevents --help)"
	for verb in $(kevents help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'); do
		has "$(kevents "$verb" --help)" "^Usage: kevents $verb "
		is "$(kevents "$verb" --help)" "$(kevents help "$verb")"
		is '' "$(kevents "$verb" -h 2>&1 >/dev/null)"
	done
	ends 2 kevents help nonsense
}

test_version() {
	is "kevents $(cat /sys/module/kevents/version)" "$(kevents --version)"
}

test_output_that_is_lost_is_an_error() {
	ends 3 kevents list >/dev/full
	ends 3 kevents --help >/dev/full
	ends 3 kevents limits >/dev/full
}

run_tests "$@"
