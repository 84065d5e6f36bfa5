#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091,SC2016 # lib.sh is beside it; the dollar is configure's
# The Debian packages that configure asks for are those that the package, quickstart and tests/run
# install. What only one module needs may be missing in quickstart.
. "$(dirname "$0")/lib.sh"
optional=' default-libmysqlclient-dev libhiredis-dev '

# missing="$missing libev-dev"
wanted=$(grep -o 'missing="$missing [a-z0-9.+-]*"' configure.ac | sed 's/.* //; s/"//' | sort -u)
[ -n "$wanted" ] || complain "configure.ac:1: no package names found"
for package in $wanted; do
	grep -qE "(^|[ @])$package( |,|\$)" contrib/debian/control.in ||
		complain "contrib/debian/control.in:1: Build-Depends has no $package"
	grep -qE "(^|[ '	])$package([ ']|\$)" tests/run ||
		complain "tests/run:1: packages has no $package"
	case $optional in
	*" $package "*) ;;
	*) grep -qE "(^|[ '	])$package([ ']|\$)" contrib/quickstart ||
		complain "contrib/quickstart:1: packages has no $package" ;;
	esac
done
finish
