# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# For the tests that run in systems of their own: one line each says how it
# ended; what a test that failed had printed comes below it.

# check WHAT COMMAND [ARG...]: it is ok if COMMAND succeeds.
check() {
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then
		echo "ok - $what"
	else
		echo "not ok - $what"
		printf '%s\n' "$said" | tail -n 60 | sed 's/^/    /'
	fi
}

# refuse COMMAND [ARG...]: succeeds if COMMAND fails.
refuse() {
	! "$@"
}

# says TEXT COMMAND [ARG...]: COMMAND prints TEXT, however it ends.
says() {
	local said text=$1
	shift
	said=$("$@" 2>&1)
	printf '%s\n' "$said"
	[[ $said == *"$text"* ]]
}

# reports TEXT COMMAND [ARG...]: COMMAND succeeds, and prints TEXT.
reports() {
	local said text=$1
	shift
	said=$("$@" 2>&1) || {
		printf '%s\nstatus %d\n' "$said" $?
		return 1
	}
	printf '%s\n' "$said"
	[[ $said == *"$text"* ]]
}

# same A B
same() {
	[ "$1" = "$2" ] || {
		printf 'got:      %s\nexpected: %s\n' "$1" "$2"
		return 1
	}
}
