#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016,SC2034,SC2046,SC2086 # lib.sh is beside it; file names are words; awk quotes itself
# clang-tidy with the short list in .clang-tidy, on src/ and modules/ or on the files named.
. "$(dirname "$0")/lib.sh"
tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || {
	echo "check_tidy.sh: clang-tidy is missing (Debian: clang-tidy-14)"
	exit 1
}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
printf '#define PACKAGE_VERSION "0"\n#define PACKAGE_NAME "nuncio"\n' >"$work/config.h"
mysql=$(pkg-config --cflags libmariadb 2>/dev/null || pkg-config --cflags mysqlclient) || bad=1
[ $# -gt 0 ] || set -- $(files 'src/*.c' 'modules/*.c')
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} "$tidy" --quiet {} -- -std=c11 -D_GNU_SOURCE \
	-DWEB_ROOT='"/"' -DNUNCIO_MODULE_DIR='"/"' -DNUNCIO_TEST_DIR='"/"' -DNUNCIO_DEFAULT_MODULES='""' -Iinclude -iquote src -iquote modules -iquote . -iquote "$work" $mysql 2>"$work/noise" || bad=1
grep -v 'warnings\? generated' "$work/noise"
finish
