# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # root, origin, sysroot, triplet
# The loaders and shared libraries that the guest's files need, by what readelf says,
# whatever processor they are for; initramfs sources it. `root` is where the guest's
# files are, `origin` has the machine's file for each that was asked for by name;
# `sysroot` holds the libraries of another architecture, which has the name `triplet`.

# By file: word size, byte order and machine in one (empty: not ELF), the loader and
# the libraries needed, and where they are looked for.
declare -A kind needs paths

# learn FILE...
learn() {
	local file='' what value
	for file; do
		kind[$file]='' needs[$file]='' paths[$file]=''
	done
	# A single file's name would not be printed.
	while read -r what value; do
		case $what in
		file) file=$value ;;
		kind) kind[$file]+=$value ;;
		needs) needs[$file]+=$value$'\n' ;;
		paths) paths[$file]+=$value: ;;
		esac
	done < <(LC_ALL=C readelf -Whdl "$@" /dev/null 2>/dev/null | sed -n '
		s/^File: /file /p
		s/^  \(Class\|Data\|Machine\): */kind /p
		s/.*(NEEDED) .*\[\(.*\)\]$/needs \1/p
		s/.*\[Requesting program interpreter: \(.*\)\]$/needs \1/p
		s/.*(\(RUNPATH\|RPATH\)) .*\[\(.*\)\]$/paths \2/p')
}

# The guest's files by kind and name: those where its loader looks, and all.
declare -A in_sight anywhere

# note FILE...
note() {
	local file key
	for file; do
		key="${kind[$file]} ${file##*/}"
		anywhere[$key]=$file
		[[ ! ${file#"$root"} =~ ^/(usr/)?lib(|32|64|x32)/([^/]*-linux-gnu[^/]*/)?[^/]*$ ]] ||
			in_sight[$key]=$file
	done
}

# By name: the paths of this machine's libraries, unless the guest's are others.
declare -A known

know_libraries() {
	local name file
	while read -r name file; do
		known[$name]+=$file$'\n'
	done < <(PATH=$PATH:/usr/sbin:/sbin ldconfig -p | sed -n 's/^\t\([^ ]*\) .* => /\1 /p')
}

# candidates FILE NAME: prints where this machine may have the library that FILE needs.
candidates() {
	local directories
	case $2 in
	/*) echo "$sysroot$2" ;;
	*)
		IFS=: read -ra directories <<<"${paths[$1]}"
		[ -z "${paths[$1]}" ] || printf "$sysroot%s/$2\n" "${directories[@]}"
		if [ -n "$sysroot" ]; then
			printf "%s/$2\n" "$sysroot"/{,usr/}lib{/"$triplet",}
		else
			printf %s "${known[$2]-}"
		fi
		;;
	esac
}

# find_library FILE NAME: sets `found`. What was added goes before what the machine
# has of the same name. NAME is a path if it is the loader.
find_library() {
	local file key="${kind[$1]} ${2##*/}"
	found=${in_sight[$key]-}
	[ -z "$found" ] || return 0
	while IFS= read -r file; do
		[ -e "$file" ] || continue
		[ -n "${kind[$file]+learnt}" ] || learn "$file"
		[ "${kind[$file]}" = "${kind[$1]}" ] || continue
		found=$file
		return
	done < <(candidates "$1" "$2")
	found=${anywhere[$key]-}
}

# A library keeps its place if the guest's loader looks there by itself.
copy_library() {
	local file=${1#"$sysroot"} place=$root/usr/lib/${1##*/}
	case $file in
	/lib/* | /lib32/* | /lib64/* | /libx32/* | /usr/lib/* | /usr/lib32/* | /usr/lib64/*) place=$root$file ;;
	esac
	mkdir -p "${place%/*}"
	cp -L "$1" "$place"
}

# By file: the library that is nowhere and that it needs, directly or not.
declare -A lacks

# complete FILE: brings what it needs and sets lacks[FILE].
complete() {
	local name found
	[ -z "${lacks[$1]+known}" ] || return 0
	lacks[$1]=''
	while IFS= read -r name; do
		case $name in
		'' | ld*.so.*) continue ;; # the loader itself, as libc calls it
		esac
		find_library "$1" "$name"
		[ -z "$found" ] || complete "$found"
		if [ -z "$found" ] || [ -n "${lacks[$found]}" ]; then
			lacks[$1]=${found:+${lacks[$found]}}
			lacks[$1]=${lacks[$1]:-$name}
			return
		fi
	done <<<"${needs[$1]}"
	case $1 in
	"$root"/*) ;;
	*) copy_library "$1" ;;
	esac
	case $1 in */libc.so.6) complete_libc "$1" ;; esac
}

# What libc itself opens: to look users up (before glibc 2.34), to end a thread.
complete_libc() {
	local name found
	for name in libnss_files.so.2 libgcc_s.so.1; do
		find_library "$1" "$name"
		[ -z "$found" ] || complete "$found"
	done
}

# A program needs its loader; so does what was asked for by name need to be whole. What
# a directory has brought along, as are plugins, can be left out.
add_libraries() {
	local file files
	[ -n "$sysroot" ] || know_libraries
	mapfile -d '' files < <(find "$root" -type f \( -perm /111 -o -name '*.so*' \) -print0)
	learn "${files[@]}"
	note "${files[@]}"
	for file in "${files[@]}"; do
		complete "$file"
		[ -n "${lacks[$file]}" ] || continue
		case ${origin[$file]+asked}$'\n'${needs[$file]} in
		asked* | *$'\n/'*)
			die "${origin[$file]-${file#"$root"}} needs ${lacks[$file]}, which this machine lacks:" \
				"install its package, or --add it"
			;;
		esac
		say "left out ${file#"$root"}: it needs ${lacks[$file]}, which this machine lacks"
		rm "$file"
	done
}
