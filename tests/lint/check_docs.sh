#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2046,SC2086 # lib.sh is beside it; file names are words; awk quotes itself
# Public headers: each function has a comment that says "Thread: ..." above it (or above the group of
# lines without a blank one that it stands in); each header compiles alone as C11 and as C++17; each
# is listed in include/nuncio/local.mk and, but for services, in nuncio-module(3).
. "$(dirname "$0")/lib.sh"
headers=$(files 'include/nuncio/*.h')

out=$(awk '
FNR == 1 { comment = ""; in_comment = 0; in_braces = 0 }
in_comment { comment = comment $0; if (/\*\//) in_comment = 0; next }
/^\/\*/ { comment = $0; in_comment = !/\*\//; next }
/^[ \t]*$/ { comment = ""; next }
/^#/ || /\\$/ { next }
/^(static|typedef)/ { next }
/^[a-z].*[ *]nuncio_[a-z0-9_]*\(/ {
	name = $0
	gsub(/\/\*.*\*\//, "", name)
	if (name !~ /\(/)
		next
	sub(/\(.*/, "", name)
	sub(/^.*[ *]/, "", name)
	if (comment !~ /Thread:/)
		printf "%s:%d: no comment with \"Thread:\" above %s\n", FILENAME, FNR, name
}' $headers)
[ -z "$out" ] || complain "$out"

flags="-Wall -Wextra -Wpedantic -Wstrict-prototypes -Werror -Iinclude -fsyntax-only"
for h in $headers; do
	${CC:-gcc} -std=c11 $flags -x c "$h" || complain "$h:1: does not compile alone as C11"
	${CXX:-g++} -std=c++17 ${flags%%-Wstrict*} -Werror -Iinclude -fsyntax-only -x c++ "$h" ||
		complain "$h:1: does not compile alone as C++17"
	grep -q "%D%/${h#include/nuncio/}" include/nuncio/local.mk ||
		complain "$h:1: not listed in include/nuncio/local.mk, so not installed"
	case $h in
	*/services/*) ;;
	*) grep -q "^\.It In ${h#include/}\$" contrib/man/nuncio-module.3 ||
		complain "$h:1: not in contrib/man/nuncio-module.3" ;;
	esac
done
finish
