#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2046,SC2086 # lib.sh is beside it; file names are words; awk quotes itself
# Every C file looks as .clang-format says. To mend: clang-format-14 -i <file>. It does not touch
# comments, so the width of lines (100 columns, a tab is 8) is looked at here as well; a line that
# is too long only because of a text between quotes, or of a URL, may stay.
. "$(dirname "$0")/lib.sh"
format=$(command -v clang-format-14 || command -v clang-format) || {
	echo "check_format.sh: clang-format is missing (Debian: clang-format-14)"
	exit 1
}
[ $# -gt 0 ] || set -- $(files '*.c' '*.h')
"$format" --dry-run -Werror --ferror-limit=1 "$@" || bad=1

out=$(for f in "$@"; do
	expand -t 8 "$f" | LC_ALL=C awk -v f="$f" '
	{
		gsub(/[\200-\277]/, "") # a character of UTF-8 is one column
		columns = length($0)
		if ($0 !~ /^ *(\*|\/\*)/)
			gsub(/"([^"\\]|\\.)*"/, "")
		if (length($0) > 100 && !/https?:\/\//)
			printf "%s:%d: %d columns\n", f, FNR, columns
	}'
done)
[ -z "$out" ] || complain "$out"
finish
