#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file looks as .clang-format says. To mend: clang-format-14 -i <file>.
. "$(dirname "$0")/lib.sh"
format=$(command -v clang-format-14 || command -v clang-format) || {
	echo "check_format.sh: clang-format is missing (Debian: clang-format-14)"
	exit 1
}
[ $# -gt 0 ] || set -- $(files '*.c' '*.h')
"$format" --dry-run -Werror --ferror-limit=1 "$@" || bad=1
finish
