#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests/deps/install prints, on a machine that lacks everything.
# shellcheck source-path=SCRIPTDIR source=../packages/inside/tap.sh
. tests/packages/inside/tap.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export scratch

# A tree with a log of its own, and an apt that says much and installs nothing.
# Files named update, install and lists in $scratch make these fail, or be there.
mkdir -p "$scratch"/{bin,tests}
cp -r tests/deps "$scratch/tests"
cat >"$scratch/bin/apt-get" <<'END'
#!/bin/bash
case " $* " in
*' indextargets '*) [ ! -e "$scratch/lists" ] || echo a list ;;
*' update '*)
	printf 'Get:%d http://mirror.example Packages\n' {1..100}
	[[ ! -e $scratch/update || $* != *Error-Mode=any* ]] || exit 100
	;;
*' --print-uris '*)
	echo '0 upgraded, 103 newly installed, 0 to remove and 2 not upgraded.'
	echo 'Need to get 80.1 MB/81.7 MB of archives.'
	;;
*' install '*)
	echo "$*" >>"$scratch/installed"
	printf 'Setting up package %d ...\n' {1..300}
	[ ! -e "$scratch/install" ] || exit 100
	;;
esac
END
cat >"$scratch/bin/apt-cache" <<'END'
#!/bin/bash
for word; do
	case $word in show | gcc-12) ;; [a-z]*) echo "Package: $word" ;; esac
done
END
printf '#!/bin/bash\nexec "$@"\n' >"$scratch/bin/sudo"
printf '#!/bin/bash\n' >"$scratch/bin/dpkg-query"
# shellcheck disable=SC2016 # for the program
printf '#!/bin/bash\necho "dpkg $*" >>"$scratch/installed"\n' >"$scratch/bin/dpkg"
chmod +x "$scratch"/bin/*

# install_with FILE...: these in $scratch, and no log yet.
install_with() {
	(
		cd "$scratch" || exit
		rm -rf build installed update install lists
		[ $# = 0 ] || touch "$@"
		PATH=$scratch/bin:$PATH tests/deps/install build kernel 2>&1
	)
}

three_lines_name_the_log() {
	local said
	said=$(install_with) || return
	printf '%s\n' "$said"
	same "$(wc -l <<<"$said")" 3 && [[ $said == *'103 packages, 80.1 MB to download'*build/log/apt* ]] &&
		refuse grep -qE 'Get:|Setting up' <<<"$said" &&
		grep -q 'Get:100' "$scratch/build/log/apt" && grep -q 'package 300' "$scratch/build/log/apt"
}

unread_lists_take_a_line() {
	local said
	said=$(install_with update) || return
	printf '%s\n' "$said"
	same "$(grep -c . <<<"$said")" 4 && [[ $said == *'could not be read: build/log/apt'* ]]
}

failure_shows_the_end() {
	local said
	said=$(install_with install) && return 1
	printf '%s\n' "$said"
	[[ $said == *build/log/apt*'  | Setting up package 300 ...'*'missing for build kernel: gcc'* ]] &&
		[ "$(wc -l <<<"$said")" -le 30 ]
}

lists_are_read_once() {
	install_with install lists update
	same "$(grep -c 'Get:100' "$scratch/build/log/apt")" 1
}

interrupted_dpkg_is_finished() {
	install_with install
	grep -qx 'dpkg --configure -a' "$scratch/installed"
}

missing_optional_is_left_out() {
	install_with && refuse grep -q gcc-12 "$scratch/installed"
}

check 'an installation takes three lines, which name the log of the rest' three_lines_name_the_log
check 'lists that could not be read take a line, and the installation goes on' unread_lists_take_a_line
check 'a failure shows the end of what apt printed and the names of the packages' failure_shows_the_end
check 'package lists are read once at most' lists_are_read_once
check 'dpkg finishes what was interrupted before the second attempt' interrupted_dpkg_is_finished
check 'an optional package that the archive lacks is left out' missing_optional_is_left_out
