#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2046,SC2086 # lib.sh is beside it; file names are words; awk quotes itself
# src/exports.list and the functions declared in include/nuncio must be the same, but those of
# <nuncio/test.h>, which are in src/harness/exports.list. With --write the lists are made from the
# headers first.
. "$(dirname "$0")/lib.sh"
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

files 'include/nuncio/*.h' | sed 's|^include/\(.*\)|#include <\1>|' >"$work/all.c"
${CC:-gcc} -std=c11 -Iinclude -aux-info "$work/info" -fsyntax-only "$work/all.c" || exit 1

# Lines look like: /* include/nuncio/base.h:63:NC */ extern void nuncio_error_set (...);
awk '/^\/\* include\/nuncio\// && /\*\/ extern / && match($0, /nuncio_[a-z0-9_]+ \(/) {
	place = $2
	sub(/:[A-Z]*$/, "", place)
	print substr($0, RSTART, RLENGTH - 2), place
}' "$work/info" | sort -u -k1,1 >"$work/all"

# check LIST TITLE: against $work/declared.
check()
{
	if [ "$write" = yes ]; then
		{
			echo "# $2: made by tests/lint/check_exports.sh --write."
			echo "{"
			sed 's/ .*//; s/^/\t/; s/$/;/' "$work/declared"
			echo "};"
		} >"$1"
	fi
	awk '{ sub(/#.*/, ""); gsub(/[{};]/, " "); for (i = 1; i <= NF; i++) print $i, FILENAME ":" FNR }' \
		"$1" | sort -k1,1 >"$work/exported"

	out=$(join -v1 "$work/declared" "$work/exported" |
		sed "s|\(.*\) \(.*\)|\2: \1 is missing in $1|")
	[ -z "$out" ] || complain "$out"
	out=$(join -v2 "$work/declared" "$work/exported" |
		sed 's|\(.*\) \(.*\)|\2: \1 is declared nowhere in include/nuncio|')
	[ -z "$out" ] || complain "$out"
	out=$(cut -d' ' -f1 "$work/exported" | uniq -d | sed "s|^|$1: twice: |")
	[ -z "$out" ] || complain "$out"
}

write=no
[ "${1-}" != --write ] || write=yes
grep -v ' include/nuncio/test\.h:' "$work/all" >"$work/declared"
check src/exports.list "What modules may use"
grep ' include/nuncio/test\.h:' "$work/all" >"$work/declared"
check src/harness/exports.list "What tests of modules may use"
finish
