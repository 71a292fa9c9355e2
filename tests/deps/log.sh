# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Keeps what apt and mmdebstrap print off the terminal; source it. The scripts
# that do have a function say, for what the user is told.

# From the top of the tree, as messages name it.
apt_log=build/log/apt
apt_log_file=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/$apt_log

# to_log COMMAND [ARG...]: appends what COMMAND prints to the log. The calling
# user opens it, so COMMAND may be sudo.
to_log() {
	{ mkdir -p "${apt_log_file%/*}" && printf '\n$ %s\n' "$*" >>"$apt_log_file"; } || {
		say "cannot write to $apt_log"
		exit 125
	}
	"$@" >>"$apt_log_file" 2>&1
}

# logged COMMAND [ARG...]: likewise, and shows the end of it if COMMAND fails.
logged() {
	local start status=0
	start=$(wc -c 2>/dev/null <"$apt_log_file") || start=0
	to_log "$@" || status=$?
	[ "$status" = 0 ] || {
		say "this failed; all that it printed is in $apt_log, and it ends:"
		tail -c "+$((start + 1))" "$apt_log_file" | tail -n 15 | sed 's/^/  | /' >&2
	}
	return "$status"
}
