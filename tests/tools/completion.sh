#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion in bash, with the keys that a user presses, in zsh likewise, and in fish.
# shellcheck disable=SC2016 # prompts, and what fish expands
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

# Each Tab starts several processes.
limit=$((limit * 3))

# Each test has a network namespace, and thereby IDs, of its own.
[ $# != 1 ] || [ -n "${parted-}" ] || parted=yes exec unshare -n bash "$0" "$@"

# Words in the order of the alphabet, in one line.
sorted() {
	tr -s ' \n' '\n' | sed '/^$/d' | LC_ALL=C sort | paste -s -d ' '
}

verbs=$(kevents help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | xargs)

options_of() {
	kevents help "$1" | grep -oE '^ {2,6}(-., )?--[a-z-]+' | grep -oE -e '--[a-z-]+'
}

# What the next comparison types, and the lines it then wants.
keys=() wanted=()

# In both shells C-x d adds the line, as it is then, to the file `lines`.
# in_bash [FILE]: what is read at its start
in_bash() {
	at_a_time=1000
	cat >rc <<-END
		. ${1-/usr/share/bash-completion/bash_completion}
	END
	cat >>rc <<-'END'
		PS1='$ '
		bind 'set bell-style none'
		note() { printf '%s|\n' "$READLINE_LINE" >>lines; }
		bind -x '"\C-xd": note'
	END
	on_screen 100 30 'exec bash --noprofile --rcfile rc -i'
	await_screen '^\$$'
}

# zsh does not complete for certain while more waits to be read.
in_zsh() {
	at_a_time=1
	cat >.zshrc <<-'END'
		PS1='$ '
		autoload -Uz compinit
		compinit -u -D
		note() { print -r -- "$BUFFER|" >>lines; }
		zle -N note
		bindkey -e
		bindkey '^Xd' note
	END
	on_screen 100 30 "exec env ZDOTDIR=$PWD zsh -i"
	await_screen '^\$$'
}

# completes TEXT RESULT: what Tab makes of a line
completes() {
	keys+=("$1"$'\t')
	wanted+=("$2|")
}

# offers TEXT WORD...: by M-*, which puts in all that is offered for the last word;
# TEXT without that one
offers() {
	keys+=("$1"$'\e*')
	wanted+=("${1% *} $(sorted <<<"${*:2}") |")
}

noted() {
	local lines=()
	mapfile -t lines <lines
	[ ${#lines[@]} = "$1" ]
}

differences() {
	diff <(printf '%s\n' "${wanted[@]}") lines
}

# Types what was asked for since the last time, some of it at a time, and compares
# what became of it.
compare() {
	local i part
	trap 'screen; differences; exit 1' TERM
	: >lines
	for ((i = 0; i < ${#keys[@]}; )); do
		part=("${keys[@]:i:at_a_time}")
		printf '\005\025%s\030d' "${part[@]}" >keys
		tmux load-buffer keys \; paste-buffer -r
		await noted $((i += ${#part[@]}))
	done
	differences
	keys=() wanted=()
}

test_bash_completes_verbs() {
	in_bash
	completes 'kevents ge' 'kevents get '
	completes 'kevents help do' 'kevents help doctor '
	# shellcheck disable=SC2086 # words
	offers 'kevents ' $verbs help --help --version
	# shellcheck disable=SC2086 # words
	offers 'kevents help ' $verbs
	compare
}

test_bash_completes_the_options_of_each_verb() {
	local verb
	in_bash
	for verb in $verbs; do
		# shellcheck disable=SC2046 # words
		offers "kevents $verb --" $(options_of "$verb")
	done
	completes 'kevents get --js' 'kevents get --json '
	compare
}

test_bash_completes_ids_in_use() {
	local verb
	in_bash
	kevents send 4711 x
	kevents send -42 x
	for verb in send get poll stat purge claim unclaim watch work 'save file' 'get --timeout 1s' \
		'get --timeout=1s' 'send --ttl 5' 'watch 1' 'work --jobs=2 1' 'work --dead-letter' \
		'work -d' 'send --wait'; do
		completes "kevents $verb 4" "kevents $verb 4711 "
	done
	completes 'kevents get -4' 'kevents get -42 '
	completes 'kevents work -d -4' 'kevents work -d -42 '
	completes 'kevents work --dead-letter=47' 'kevents work --dead-letter=4711 '
	completes 'kevents get 4711 4' 'kevents get 4711 4'
	offers 'kevents get ' -42 4711
	compare
	kevents send 4722 x
	offers 'kevents get 47' 4711 4722
	compare
	kevents purge 4711
	await eval '! kevents list --quiet | grep -q 4711'
	completes 'kevents get 4' 'kevents get 4722 '
	compare
}

test_bash_completes_file_names() {
	local word
	touch payload 'with space'
	mkdir -p directory/inner
	in_bash
	for word in 'send 1 @' 'save ' 'restore ' 'restore --wait ' 'save --force '; do
		completes "kevents ${word}pay" "kevents ${word}payload "
		completes "kevents ${word}with" "kevents ${word}with\\ space "
		completes "kevents ${word}dir" "kevents ${word}directory/"
		completes "kevents ${word}directory/i" "kevents ${word}directory/inner/"
	done
	completes 'kevents send 1 pay' 'kevents send 1 pay'
	completes 'kevents get pay' 'kevents get pay'
	compare
}

test_bash_completes_the_command_of_a_worker() {
	touch payload
	in_bash
	completes 'kevents work 1 -- kevents-hel' 'kevents work 1 -- kevents-hello '
	completes 'kevents work 1 -- cat pay' 'kevents work 1 -- cat payload '
	completes 'kevents work 1 -- kevents get --js' 'kevents work 1 -- kevents get --json '
	compare
}

test_bash_completes_without_the_package_for_it() {
	touch payload
	kevents send 4711 x
	in_bash /usr/share/bash-completion/completions/kevents
	completes 'kevents get --js' 'kevents get --json '
	completes 'kevents get 4' 'kevents get 4711 '
	completes 'kevents work 1 -- kevents-hel' 'kevents work 1 -- kevents-hello '
	completes 'kevents work 1 -- cat pay' 'kevents work 1 -- cat payload '
	compare
}

test_bash_completes_values() {
	in_bash
	completes 'kevents limits max_b' 'kevents limits max_bytes='
	completes 'kevents limits strict=1 user_max_b' 'kevents limits strict=1 user_max_bytes='
	offers 'kevents claim 1 066' 0660 0664 0666
	completes 'kevents claim --owner ali' 'kevents claim --owner alice '
	completes 'kevents claim --owner=ali' 'kevents claim --owner=alice '
	offers 'kevents top --sort ' backlog rate id leases waiters memory
	completes 'kevents top --sort=wa' 'kevents top --sort=waiters '
	completes 'kevents get --timeout ' 'kevents get --timeout '
	compare
}

test_bash_says_nothing_without_a_device() {
	KEVENTS_DEVICE=/dev/null in_bash
	completes 'kevents get ' 'kevents get '
	compare
	is '$ kevents get' "$(screen | sed '/^$/d')"
}

test_zsh_completes() {
	touch payload
	kevents send 4711 x
	kevents send -42 x
	in_zsh
	completes 'kevents ge' 'kevents get '
	completes 'kevents get --js' 'kevents get --json '
	completes 'kevents get 4' 'kevents get 4711 '
	completes 'kevents get -4' 'kevents get -42 '
	completes 'kevents watch 1 4' 'kevents watch 1 4711 '
	completes 'kevents save pay' 'kevents save payload '
	completes 'kevents restore pay' 'kevents restore payload '
	completes 'kevents send 1 @pay' 'kevents send 1 @payload '
	completes 'kevents limits max_b' 'kevents limits max_bytes='
	completes 'kevents claim 1 0620' 'kevents claim 1 0620 '
	completes 'kevents claim 1 0622' 'kevents claim 1 0622 '
	completes 'kevents work 1 -- kevents-hel' 'kevents work 1 -- kevents-hello '
	completes 'kevents work 1 -- kevents get --js' 'kevents work 1 -- kevents get --json '
	completes 'kevents help do' 'kevents help doctor '
	compare
	typed C-e C-u C-l
	typed -l 'kevents '
	typed Tab
	await_screen '^get +-- receive the oldest event of an ID and print it$'
}

# in_fish TEXT WORD...: what is offered for a line; the descriptions left away
in_fish() {
	asked+=("$1")
	wanted+=("$1: $(sorted <<<"${*:2}")")
}

test_fish_completes() {
	local asked=()
	export HOME=$PWD
	touch payload
	kevents send 4711 x
	kevents send -42 x
	# shellcheck disable=SC2086 # words
	in_fish 'kevents ' help --help --version $verbs
	# shellcheck disable=SC2046 # words
	in_fish 'kevents get --' $(options_of get)
	in_fish 'kevents get ' -42 4711
	in_fish 'kevents watch 1 47' 4711
	in_fish 'kevents save pay' payload
	in_fish 'kevents restore pay' payload
	in_fish 'kevents send 1 @pay' @payload
	in_fish 'kevents limits max_b' max_bytes=
	in_fish 'kevents work 1 -- kevents-hel' kevents-hello
	in_fish 'kevents help do' doctor
	fish -c 'for line in $argv; echo $line: (complete -C $line | cut -f1 | LC_ALL=C sort); end' \
		-- "${asked[@]}" >lines
	differences
	has "$(fish -c 'complete -C "kevents ge"')" '^get	receive the oldest event of an ID and print it$'
}

run_tests "$@"
