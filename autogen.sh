#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes ./configure. Needed after a clone, and after a change to configure.ac or a *.mk file.
set -e
cd "$(dirname "$0")"

missing=
for pair in autoconf:autoconf automake:automake libtoolize:libtool pkg-config:pkg-config; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
if [ -n "$missing" ]; then
	echo "autogen.sh: these Debian packages are missing:$missing" >&2
	echo "autogen.sh: apt-get install$missing" >&2
	exit 1
fi
mkdir -p m4 build-aux
exec autoreconf --install --warnings=all,no-obsolete
