#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the test commands print, and when.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

# Feeds the summary one suite at a time and reads its line before the next begins.
summary_reports_each_suite_as_it_ends() {
	local line
	coproc summary { exec tests/suite/summary /dev/null; }
	printf '%s\n' ':: begin 64/one' 'ok 1 - one:one:test: Passed' '1..1' ':: end 64/one 0 12' >&"${summary[1]}"
	read -rt 10 line <&"${summary[0]}"
	[[ $line == 64/one*'1 passed'* ]]
}

check 'the summary reports each suite as it ends' summary_reports_each_suite_as_it_ends
