#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC1091 # lib.sh is beside it
# etc/nuncio.service: systemd takes every line of it, and its sandbox leaves at most this exposure by
# the measure of `systemd-analyze security` (0.0 is shut, 10.0 is open). What is left: the network,
# Unix sockets and the clock's device, no RootDirectory, no IPAddressDeny.
. "$(dirname "$0")/lib.sh"
exposure=1.1
command -v systemd-analyze >/dev/null || {
	echo "check_unit.sh: systemd-analyze is missing (Debian: systemd)"
	exit 1
}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
sed 's|/usr/local/sbin/nuncio[a-z]*|/bin/true|' etc/nuncio.service >"$work/nuncio.service"

out=$(systemd-analyze verify --man=no "$work/nuncio.service" 2>&1)
[ -z "$out" ] || complain "etc/nuncio.service:1: $out"
out=$(systemd-analyze security --no-pager --offline=true "$work/nuncio.service" 2>&1)
found=$(echo "$out" | sed -n 's/.*exposure level for nuncio.service: \([0-9.]*\).*/\1/p')
echo "$found" | awk -v most="$exposure" '{ exit !($1 != "" && $1 <= most) }' || {
	echo "$out" | grep -v '✓'
	complain "etc/nuncio.service:1: exposure \"$found\", at most $exposure is wanted"
}
finish
