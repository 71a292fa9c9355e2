# SPDX-License-Identifier: GPL-2.0-only
# Completion of kevents(1) for fish. Verbs and options are what the command's own
# help names.

function __kevents_verbs
    kevents help 2>/dev/null | string replace -rf '^  ([a-z]{2,}) +(.*)' '$1\t$2'
end

function __kevents_ids
    kevents list --quiet 2>/dev/null
end

function __kevents_verb
    set -l words (commandline -opc)
    set -q words[2]; and echo $words[2]
end

function __kevents_options
    kevents help (__kevents_verb) 2>/dev/null |
        string replace -rf '^ *(?:-[[:alnum:]], )?(--[a-z-]+)\S* +(.*)' '$1\t$2'
end

# Whether the verb is one of those named.
function __kevents_is
    contains -- (__kevents_verb) $argv
end

function __kevents_files_behind_at
    string match -q -- '@*' (commandline -ct); or return
    __fish_complete_path (string sub -s 2 -- (commandline -ct)) | string replace -r '^' @
end

function __kevents_has_command
    contains -- -- (commandline -opc)
end

complete -c kevents -f
complete -c kevents -n 'not __kevents_verb' -a '(__kevents_verbs) help --help --version'
complete -c kevents -n '__kevents_is help' -a '(__kevents_verbs)'
complete -c kevents -n '__kevents_verb; and not __kevents_has_command; and string match -q -- "-*" (commandline -ct)' -a '(__kevents_options)'
complete -c kevents -n '__kevents_is send get poll watch work stat purge claim unclaim save; and not __kevents_has_command' -a '(__kevents_ids)'
complete -c kevents -n '__kevents_is limits' -a "(kevents limits 2>/dev/null | string replace -rf '^([a-z_]+) .*' '\$1=')"
complete -c kevents -n '__kevents_is save restore' -F
complete -c kevents -n '__kevents_is send' -a '(__kevents_files_behind_at)'
complete -c kevents -n '__kevents_is work; and __kevents_has_command' -a '(__fish_complete_subcommand --fcs-skip=3)' -F
