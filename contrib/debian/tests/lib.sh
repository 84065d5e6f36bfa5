# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sourced by the tests: a server as the package has set it up, under systemd or, where there is none,
# started as the unit would.
set -eu

say() {
	echo "- $*"
}

die() {
	echo "FAIL: $*" >&2
	if [ -s "${log:-}" ]; then
		tail -n 20 "$log" >&2
	fi
	exit 1
}

# ini KEY VALUE: sets a line of /etc/nuncio/nuncio.ini, commented out or not.
ini() {
	grep -q "^#\{0,1\}$1 =" /etc/nuncio/nuncio.ini || die "nuncio.ini has no line for $1"
	sed -i "s|^#\{0,1\}$1 =.*|$1 = $2|" /etc/nuncio/nuncio.ini
}

address() {
	listen=$(sed -n 's/^listen = //p' /etc/nuncio/nuncio.ini)
	echo "http://${listen:-127.0.0.1:8480}"
}

has_systemd() {
	[ -d /run/systemd/system ]
}

# What the unit says, so that this cannot say something else: unit KEY
unit() {
	sed -n "s/^$1=//p" /lib/systemd/system/nuncio.service
}

start() {
	if has_systemd; then
		systemctl start nuncio
		systemctl is-active nuncio >/dev/null || die "nuncio.service is not active"
	else
		start_by_hand
	fi
	wait_ready
}

# It serves when it says so; what a module has to learn from its store may come a moment later.
wait_ready() {
	tries=0
	until curl -fs -o /dev/null "$(address)/readyz"; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || die "not ready: $(curl -sS "$(address)/readyz" 2>&1)"
		sleep 0.1
	done
}

# setpriv and run-notify play systemd: user, umask, no privileges, and READY=1.
start_by_hand() {
	log=${log:-$(mktemp)}
	as_user="setpriv --reuid $(unit User) --regid $(unit Group) --init-groups --no-new-privs --bounding-set=-all"
	(
		umask "$(unit UMask)"
		# shellcheck disable=SC2046,SC2086,SC2154 # words on purpose; $here is its user's
		python3 -B "$here/run-notify" "$log" $as_user $(unit ExecStart) || die "did not say READY=1"
	)
}

stop() {
	if has_systemd; then
		systemctl stop nuncio
		return
	fi
	pid=$(cat /run/nuncio-test.pid)
	kill -TERM "$pid"
	tries=0
	# A zombie has stopped; whoever is init here may not care for it.
	while [ -d "/proc/$pid" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null; do
		tries=$((tries + 1))
		[ "$tries" -lt 150 ] || die "does not stop"
		sleep 0.1
	done
	rm -f /run/nuncio-test.pid
}

# member NAME: a text or a number out of the JSON on standard input
member() {
	sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

# api METHOD PATH TOKEN [JSON]: what the server answers; code 0 or the end.
api() {
	answer=$(curl -sS -X "$1" ${3:+-H "Authorization: Bearer $3"} ${4:+--json "$4"} "$(address)$2")
	[ "$(echo "$answer" | member code)" = 0 ] || die "$1 $2: $answer"
	echo "$answer"
}

sign_up() {
	api POST /api/v1/users '' "{\"id\":\"$1\",\"password\":\"$1 and a secret\"}" >/dev/null
}

log_in() {
	api POST /api/v1/auth/login '' "{\"user\":\"$1\",\"password\":\"$1 and a secret\"}" | member access_token
}
