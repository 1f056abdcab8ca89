# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What the project's scripts share: the place of the tree, messages, usage texts,
# package lists and the installer. Sourced, never run.

# The root of the source tree; the name of the script that sourced this.
KZ_TOP=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
while [ ! -f "$KZ_TOP/scripts/lib.sh" ]; do
	KZ_TOP=$(dirname -- "$KZ_TOP")
done
KZ_PROG=$(basename -- "$0")

say()
{
	printf '%s: %s\n' "$KZ_PROG" "$*"
}

warn()
{
	printf '%s: %s\n' "$KZ_PROG" "$*" >&2
}

die()
{
	warn "$@"
	exit 1
}

# usage: print the comment block at the head of the calling script.
usage()
{
	sed -n '/^# SPDX/,/^[^#]/{/^# SPDX/d;/^#$/s/.*//p;s/^# //p;}' "$0" | sed '1{/^$/d;}'
}

# refuse_args WORD...: the end of an option loop that knows no WORD.
refuse_args()
{
	warn "unknown argument '$1'; try '$KZ_PROG -h'"
	exit 2
}

# packages GROUP: the Debian 12 packages that GROUP of scripts needs.
packages()
{
	case $1 in
	build)
		echo gcc libc6-dev meson ninja-build pkg-config libuv1-dev libjansson-dev \
			libseccomp-dev libsystemd-dev libedit-dev libzstd-dev liburing-dev \
			libssl-dev libnl-route-3-dev
		;;
	test)
		packages build
		echo libcmocka-dev python3 python3-jsonschema mandoc
		;;
	host)
		echo qemu-system-x86 seabios mmdebstrap e2fsprogs cpio ca-certificates \
			grub-common grub-pc-bin fdisk
		;;
	check)
		packages test
		echo clang-format clang-tidy shellcheck
		;;
	nightly)
		packages test
		echo clang
		;;
	bench)
		packages build
		echo qemu-system-x86 seabios python3 fio
		;;
	*)
		die "no package group '$1' (build, test, host, check, nightly, bench)"
		;;
	esac
}

# missing_packages GROUP...: the packages of the groups that are not installed.
missing_packages()
{
	_have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
		sed -n 's/^installed //p') || _have=
	for _group in "$@"; do
		for _pkg in $(packages "$_group"); do
			printf '%s\n' "$_have" | grep -qxF "$_pkg" || echo "$_pkg"
		done
	done | sort -u
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		warn "neither root nor sudo: cannot run: $*"
		return 1
	fi
}

# install_packages GROUP...: install what is missing and say what; 0 when all is there.
install_packages()
{
	_missing=$(missing_packages "$@")
	[ -n "$_missing" ] || return 0
	# shellcheck disable=SC2086 # a list of package names
	set -- $_missing
	if ! command -v apt-get >/dev/null 2>&1; then
		warn "no apt-get here; install what stands for these Debian packages: $*"
		return 1
	fi
	say "installing: $*"
	as_root apt-get -q update >/dev/null || warn "apt-get update failed; trying all the same"
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "$@" >/dev/null
}

# setup_build DIR OPTION...: configure DIR with the given meson options; again when a
# meson.build has come or gone, which ninja cannot see where a folder is optional.
setup_build()
{
	_dir=$1
	shift
	mkdir -p "$_dir"
	_parts=$(cd "$KZ_TOP" && find . -name 'build*' -prune -o -name meson.build -print | sort)
	if [ -f "$_dir/build.ninja" ]; then
		[ "$_parts" != "$(cat "$_dir/parts.list" 2>/dev/null)" ] || return 0
		set -- --reconfigure "$@"
	fi
	meson setup "$@" "$_dir" "$KZ_TOP" >"$_dir/setup.log" 2>&1 || {
		cat "$_dir/setup.log" >&2
		die "meson setup failed in $_dir"
	}
	printf '%s\n' "$_parts" >"$_dir/parts.list"
}

# compile DIR TARGET...: run ninja; its output is shown only when it fails.
compile()
{
	_dir=$1
	shift
	ninja -C "$_dir" "$@" >"$_dir/ninja.log" 2>&1 || {
		grep -v '^\[' "$_dir/ninja.log" | tail -n 60 >&2
		die "the build failed; all of it: $_dir/ninja.log"
	}
}

# A private directory that is gone when the script ends (kept in $KZ_TMP).
make_tmp()
{
	KZ_TMP=$(mktemp -d "${TMPDIR:-/tmp}/kz-$KZ_PROG.XXXXXX")
	trap 'rm -rf "$KZ_TMP"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# find_program DIR NAME: the path of program NAME in the build folder DIR.
find_program()
{
	for _part in cli restarter kzhost; do
		if [ -f "$1/$_part/$2" ] && [ -x "$1/$_part/$2" ]; then
			echo "$1/$_part/$2"
			return 0
		fi
	done
	return 1
}

# use_build DIR: let programs of the build folder DIR find each other and their root.
# What an installation has in one folder (/usr/lib/kzones), links gather in DIR/libexec.
use_build()
{
	mkdir -p "$1/libexec"
	ln -sfn "$1/kzhost/kzhost" "$1/libexec/kzhost"
	ln -sfn "$1/tests/guest/guest.elf" "$1/libexec/guest.elf"
	KZONES_LIBEXEC=${KZONES_LIBEXEC:-$1/libexec}
	KZONES_ROOT=${KZONES_ROOT:-$1/root}
	mkdir -p "$KZONES_ROOT"
	export KZONES_LIBEXEC KZONES_ROOT
}
