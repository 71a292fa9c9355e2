# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of kevents(1) for bash. Verbs and options are what the command's own
# help names.

_kevents_verbs() {
	kevents help 2>/dev/null | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p'
}

_kevents_options() {
	kevents help "$1" 2>/dev/null | sed -n 's/^ *\(-[[:alnum:]], \)\{0,1\}\(--[a-z-]*\).*/\2/p'
}

# Those that want an argument, in both forms.
_kevents_valued() {
	kevents help "$1" 2>/dev/null |
		sed -n 's/^ *\(-[[:alnum:]]\)\{0,1\},\{0,1\} *\(--[a-z-]*\)=.*/\1 \2/p'
}

# What --sort of top takes.
_kevents_orders() {
	kevents help top 2>/dev/null | sed -n '/--sort=ORDER/{s/.*=ORDER *//; s/([^)]*)//; s/ or / /; s/,/ /gp;}'
}

# Sets _kevents_operands to how many operands stand before the word that is being
# completed, _kevents_command to where a command begins behind "--", if it does, and
# _kevents_valued_option if that word is an option's argument.
_kevents_look() {
	local i valued word
	_kevents_operands=0 _kevents_command='' _kevents_valued_option=''
	for ((i = 2; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--)
			_kevents_command=$((i + 1))
			return
			;;
		-[0-9]*) _kevents_operands=$((_kevents_operands + 1)) ;;
		-*)
			[ -n "${valued-}" ] || valued=$(_kevents_valued "$verb")
			[[ " ${valued//$'\n'/ } " == *" $word "* ]] || continue
			i=$((i + 1))
			[ "${COMP_WORDS[i]}" != = ] || [ "$i" = "$COMP_CWORD" ] || i=$((i + 1))
			[ "$i" -lt "$COMP_CWORD" ] || _kevents_valued_option=$word
			;;
		*) _kevents_operands=$((_kevents_operands + 1)) ;;
		esac
	done
}

_kevents_reply() {
	local word
	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen "$@" -- "$cur")
}

_kevents_ids() {
	_kevents_reply -W "$(kevents list --quiet 2>/dev/null)"
}

# With "filenames" readline quotes what needs it, but sees no directory in "@NAME".
_kevents_file_behind_at() {
	local cur=${cur#@} i
	compopt -o filenames
	_kevents_reply -f
	for i in "${!COMPREPLY[@]}"; do
		if [ -d "${COMPREPLY[i]}" ]; then
			COMPREPLY[i]+=/
			compopt -o nospace
		fi
		COMPREPLY[i]=@${COMPREPLY[i]}
	done
}

_kevents_operand() {
	case $verb:$_kevents_operands in
	send:1)
		if [[ $cur == @* ]]; then
			_kevents_file_behind_at
		fi
		;;
	send:0 | get:0 | poll:0 | stat:0 | purge:0 | claim:0 | unclaim:0 | watch:* | work:*) _kevents_ids ;;
	claim:1) _kevents_reply -W '0600 0640 0660 0644 0664 0666 0620 0622' ;;
	limits:*)
		compopt -o nospace
		_kevents_reply -W "$(kevents limits 2>/dev/null | sed -n 's/^\([a-z_]*\) .*/\1=/p')"
		;;
	save:0 | restore:0)
		compopt -o filenames
		_kevents_reply -f
		;;
	save:*) _kevents_ids ;;
	help:0) _kevents_reply -W "$(_kevents_verbs)" ;;
	esac
}

# bash-completion has completed other commands by _comp_command_offset since 2.12; it
# takes the offset for one into `words` where a caller has left those.
_kevents_complete_command() {
	# shellcheck disable=SC2034 # hides a caller's
	local offset words
	unset -v words
	for offset in _comp_command_offset _command_offset; do
		if declare -F "$offset" >/dev/null; then
			"$offset" "$_kevents_command"
			return
		fi
	done
	if [ "$COMP_CWORD" = "$_kevents_command" ]; then
		_kevents_reply -c
	else
		compopt -o default
	fi
}

_kevents() {
	local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
	local _kevents_operands _kevents_command _kevents_valued_option
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_kevents_reply -W "$(_kevents_verbs) help --help --version"
		return
	fi
	_kevents_look
	[ "$cur" != = ] || cur=''
	if [ -n "$_kevents_command" ] && [ "$verb" = work ]; then
		_kevents_complete_command
		return
	fi
	case $_kevents_valued_option in
	--dead-letter | -d) _kevents_ids ;;
	--owner | -o) _kevents_reply -u ;;
	--sort | -s) _kevents_reply -W "$(_kevents_orders)" ;;
	?*) ;;
	*)
		[[ $cur != -* ]] || _kevents_reply -W "$(_kevents_options "$verb")"
		[[ $cur == --* ]] || _kevents_operand
		;;
	esac
}

complete -F _kevents kevents
