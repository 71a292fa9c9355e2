#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest the programs of the manual's pages and compares what they
# print with what the pages say.
cd "${0%/*}" || exit
# shellcheck source=tests/docs/tap.sh
. ./tap.sh
group=manual

prints_what_it_should() {
	unshare -n "manual/$page" >"$work/out" && [ -s "$work/out" ] && same "$work/out" <"manual/$page.out"
}

for page in manual/*.out; do
	page=${page#*/} page=${page%.out}
	check prints_what_it_should "$page"
done
plan
