# SPDX-License-Identifier: MIT
"""Upgrade requests that are not quite WebSocket."""
import base64

from lib import wire
from lib.cases import case

SPOILED = [
	("no key", {"Sec-WebSocket-Key": None}, 400),
	("empty key", {"Sec-WebSocket-Key": ""}, 400),
	("short key", {"Sec-WebSocket-Key": base64.b64encode(b"short").decode()}, 400),
	("long key", {"Sec-WebSocket-Key": base64.b64encode(b"x" * 64).decode()}, 400),
	("key that is not base64", {"Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!=="}, 400),
	("no version", {"Sec-WebSocket-Version": None}, (400, 426)),
	("version 8", {"Sec-WebSocket-Version": "8"}, 426),
	("version 13.0", {"Sec-WebSocket-Version": "13.0"}, (400, 426)),
	("no Upgrade", {"Upgrade": None}, (400, 426)),
	("Upgrade to h2c", {"Upgrade": "h2c"}, (400, 426)),
	("no Connection", {"Connection": None}, (400, 426)),
	("Connection: keep-alive", {"Connection": "keep-alive"}, (400, 426)),
	("no Host", {"Host": None}, 400),
	("only other subprotocols", {"Sec-WebSocket-Protocol": "mqtt, xmpp"}, 400),
	("a body", {"Content-Length": "5"}, 400),
]


@case("spoiled upgrade requests: refused with the reason, never upgraded")
def spoiled(t):
	token = t.server.token("eve")
	for what, change, statuses in SPOILED:
		head, _ = wire.upgrade_lines(t.port, {"Authorization": f"Bearer {token}", **change})
		answer = t.raw(head + (b"hello" if what == "a body" else b""))
		t.refused(answer, statuses, what)
		if answer.status == 426:
			assert answer.headers.get("sec-websocket-version") == "13", what


@case("upgrade elsewhere, by other methods or with HTTP/1.0")
def elsewhere(t):
	head, _ = wire.upgrade_lines(t.port, target="/wss")
	t.refused(t.raw(head), 404, "/wss")
	head, _ = wire.upgrade_lines(t.port, target="/healthz")
	assert t.raw(head).status == 200, "/healthz does not upgrade"
	head, _ = wire.upgrade_lines(t.port)
	t.refused(t.raw(head.replace(b"GET", b"POST", 1)), (400, 405), "POST")
	t.refused(t.raw(head.replace(b"HTTP/1.1", b"HTTP/1.0", 1)), (400, 426, 505), "HTTP/1.0")
	twice = head.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	t.refused(t.raw(twice), 400, "two keys")


@case("odd but correct upgrades are taken")
def odd(t):
	token = t.server.token("eve")
	def connect(**headers):
		lines = {name.replace("_", "-"): value for name, value in headers.items()}
		return wire.WebSocket(t.port, headers={"Authorization": f"Bearer {token}", **lines})
	connect(Upgrade="WebSocket", Connection="keep-alive, upgrade").say_close()
	assert connect(Sec_WebSocket_Protocol="mqtt, nuncio.frame.v1").protocol == "nuncio.frame.v1"
	assert connect(Sec_WebSocket_Protocol="nuncio.json.v1, nuncio.frame.v1").protocol == "nuncio.json.v1"
	for offer in ("x-unknown", "permessage-deflate; server_max_window_bits=99",
			"permessage-deflate; nonsense", ",,;;", "permessage-deflate; client_max_window_bits=\"\""):
		assert connect(Sec_WebSocket_Extensions=offer).extensions == "", offer


@case("frames that come in the same packet as the upgrade are not lost")
def eager(t):
	token = t.server.token("eve")
	head, _ = wire.upgrade_lines(t.port, {"Authorization": f"Bearer {token}"})
	pipe = t.pipe()
	pipe.send(head + wire.frame(wire.TEXT, b'{"type":"request","seq":5,"op":"ping"}'))
	assert wire.read_response(pipe).status == 101
	seen = b""
	while b'"seq":5' not in seen.replace(b" ", b""):
		assert pipe.take(1, __import__("time").monotonic() + 5) or True
		seen = seen + bytes(pipe.buffer)
		pipe.buffer.clear()
