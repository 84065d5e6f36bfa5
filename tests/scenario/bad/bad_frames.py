# SPDX-License-Identifier: MIT
"""Frames, messages and texts that break RFC 6455, RFC 7692 or the limits. Each has its close code."""
import struct
import zlib

from lib import wire
from lib.cases import case
from lib.wire import BINARY, CLOSE, MORE, PING, PONG, TEXT, frame

PING_TEXT = b'{"type":"request","seq":1,"op":"ping"}'
LIMIT = 65535


def closing(code, reason=b""):
	return frame(CLOSE, struct.pack("!H", code) + reason)


# what, bytes, close codes
BROKEN = [
	("no mask", frame(TEXT, PING_TEXT, mask=False), (1002,)),
	("RSV1 without deflate", frame(TEXT, PING_TEXT, rsv=4), (1002,)),
	("RSV2", frame(TEXT, PING_TEXT, rsv=2), (1002,)),
	("RSV3", frame(TEXT, PING_TEXT, rsv=1), (1002,)),
	("opcode 3", frame(3, b"x"), (1002,)),
	("opcode 7", frame(7, b""), (1002,)),
	("opcode 11", frame(11, b""), (1002,)),
	("opcode 15", frame(15, b"x"), (1002,)),
	("continuation of nothing", frame(MORE, PING_TEXT), (1002,)),
	("text inside a text", frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), (1002,)),
	("ping in pieces", frame(PING, b"x", fin=False), (1002,)),
	("close in pieces", frame(CLOSE, struct.pack("!H", 1000), fin=False), (1002,)),
	("ping of 126 bytes", frame(PING, b"x" * 126), (1002,)),
	("close of one byte", frame(CLOSE, b"\x03"), (1002,)),
	("length of 64 bits with its top bit", b"\x81\xff" + b"\xff" * 8 + b"mask", (1002, 1009)),
	("short length in 16 bits", frame(TEXT, PING_TEXT, wide=16), (1002,)),
	("short length in 64 bits", frame(TEXT, PING_TEXT, wide=64), (1002,)),
	("a frame that claims 1 GiB", frame(TEXT, b"x", claim=1 << 30), (1009,)),
	("a frame that claims 2^62", frame(TEXT, b"x", claim=1 << 62, wide=64), (1009, 1002)),
	("a message over the limit", frame(TEXT, b" " * (LIMIT + 100)), (1009,)),
	("pieces over the limit", frame(TEXT, b" " * 40000, fin=False) + frame(MORE, b" " * 40000), (1009,)),
	("binary on the text protocol", frame(BINARY, PING_TEXT), (1003,)),
] + [(f"close code {code}", closing(code), (1002,)) for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)
] + [("close reason that is not UTF-8", closing(1000, b"\xff\xfe"), (1007, 1002))
] + [(f"text that is not UTF-8: {bad!r}", frame(TEXT, b'{"a":"' + bad + b'"}'), (1007,)) for bad in (
	b"\x80", b"\xbf", b"\xc0\xaf", b"\xc1\x81", b"\xc3", b"\xc3(", b"\xe0\x80\xaf", b"\xe2\x82", b"\xed\xa0\x80",
	b"\xed\xbf\xbf", b"\xf0\x80\x80\xaf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xfe",
	b"\xff")]


@case("broken frames, texts and close codes: the close code that RFC 6455 gives them")
def broken(t):
	for what, data, codes in BROKEN:
		client = t.client()
		client.send_raw(data)
		try:
			end = client.wait_closed(3)
		except wire.Silence:
			raise AssertionError(f"{what}: the connection stays open") from None
		assert end.code in codes, f"{what}: closed with {end.code} {end.reason!r}, not {codes}"


@case("the same on the binary protocol, and frames of ours that lie")
def broken_binary(t):
	def closes(what, data, codes):
		client = t.client(protocol="nuncio.frame.v1")
		client.send_raw(data)
		try:
			end = client.wait_closed(3)
			assert end.code in codes, f"{what}: {end.code} {end.reason}"
		except wire.Silence:
			raise AssertionError(f"{what}: the connection stays open") from None
	closes("text", frame(TEXT, PING_TEXT), (1003,))
	closes("no mask", frame(BINARY, b"x", mask=False), (1002,))
	body = b'{"op":"ping"}'
	# A frame that ends too early leaves no way to find the next one: said, and then perhaps closed.
	for what, data in (("half a head", b"\x01\x00\x00"), ("spanning", struct.pack("!BIH", 1, 1, 100) + body),
			("type 0", struct.pack("!BIH", 0, 1, len(body)) + body),
			("type 2", struct.pack("!BIH", 2, 1, len(body)) + body),
			("type 255", struct.pack("!BIH", 255, 1, len(body)) + body),
			("request 0", struct.pack("!BIH", 1, 0, len(body)) + body),
			("no JSON", struct.pack("!BIH", 1, 1, 3) + b"{]}"),
			("empty payload", struct.pack("!BIH", 1, 1, 0)),
			("not UTF-8", struct.pack("!BIH", 1, 1, 4) + b'"\xff"}')):
		client = t.client(protocol="nuncio.frame.v1")
		client.send_frame(BINARY, data)
		complaint = None
		try:
			for packet in client.pump(3):
				complaint = packet
		except wire.Closed as end:
			assert end.code in (1002, 1003, 1007), f"{what}: {end}"
			continue
		good = complaint["type"] == "response" and complaint["code"] or complaint.get("op") in (
			"error", "session.closing")
		assert good, f"{what}: {complaint}"
		assert complaint.get("message") or complaint.get("data", {}).get("message") or \
			complaint.get("data", {}).get("reason"), f"{what}: no words: {complaint}"
		client.pipe.close()


@case("what is odd but allowed: pieces, split characters, pings between, empty pieces, the largest packet")
def allowed(t):
	client = t.client()
	text = '{"type":"request","seq":1,"op":"echo","data":{"a":"你好😀"}}'.encode()
	pieces = [frame(TEXT if i == 0 else MORE, text[i:i + 1], fin=i == len(text) - 1) for i in range(len(text))]
	client.send_raw(frame(PING, b"between").join(pieces))
	assert client.answer(1)["data"]["a"] == "你好😀"
	assert b"between" in client.pongs
	client.send_raw(frame(TEXT, b"", fin=False) + frame(MORE, b"", fin=False)
		+ frame(MORE, b'{"type":"request","seq":2,"op":"ping"}'))
	assert client.answer(2)["code"] == 0
	client.send_frame(PING, b"p" * 125)
	client.send_frame(PONG, b"nobody asked")
	assert client.call("ping", seq=3)["code"] == 0
	assert b"p" * 125 in client.pongs
	room = LIMIT - len('{"type":"request","seq":4,"op":"echo","data":{"a":""}}')
	client.send_frame(TEXT, b'{"type":"request","seq":4,"op":"echo","data":{"a":"' + b"x" * room + b'"}}')
	packet = client.answer(4)
	assert packet["code"] in (0, 1004), packet
	assert client.say_close() == 1000


@case("endless: pings, empty pieces, data after the close frame")
def endless(t):
	client = t.client()
	try:
		for _ in range(200):
			client.send_raw(frame(PING, b"x" * 100) * 100)
		assert client.call("ping", timeout=10)["code"] == 0
	except (wire.Closed, wire.Silence) as error:
		assert isinstance(error, wire.Closed) and error.code in (1002, 1006, 4003, 4005), error
	client = t.client()
	client.send_frame(TEXT, b"", fin=False)
	try:
		for _ in range(200):
			client.send_raw(frame(MORE, b"", fin=False) * 500)
		client.send_frame(MORE, PING_TEXT)
		assert client.answer(1, 10)["code"] == 0
	except wire.Closed:
		pass
	client = t.client()
	client.send_raw(closing(1000) + frame(TEXT, PING_TEXT) * 20)
	assert client.wait_closed(3).code in (1000, 1006)
	assert not client.responses, "a request after the close frame was answered"


@case("deflate: garbage, a bomb, reserved bits in the wrong place", settings={"core": {"deflate": "on"}})
def deflate(t):
	def packed(data):
		squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
		return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
	bomb = packed(b" " * (50 << 20))
	half = len(bomb) // 2
	for what, data, codes in (
			("garbage", frame(TEXT, b"\xff" * 40, rsv=4), (1007, 1002)),
			("a bomb", frame(TEXT, bomb, rsv=4), (1009,)),
			("a bomb in pieces", frame(TEXT, bomb[:half], rsv=4, fin=False) + frame(MORE, bomb[half:]), (1009,)),
			("RSV1 on a continuation", frame(TEXT, packed(b"{}"), rsv=4, fin=False)
				+ frame(MORE, b"", rsv=4), (1002,)),
			("RSV1 on a ping", frame(PING, b"x", rsv=4), (1002,)),
			("packed text that is not UTF-8", frame(TEXT, packed(b'{"a":"\xff"}'), rsv=4), (1007,))):
		client = t.client(deflate=True)
		assert client.deflate
		client.send_raw(data)
		try:
			end = client.wait_closed(3)
		except wire.Silence:
			raise AssertionError(f"{what}: the connection stays open") from None
		assert end.code in codes, f"{what}: {end.code} {end.reason}"
	client = t.client(deflate=True)
	client.send_frame(TEXT, PING_TEXT)
	assert client.answer(1)["code"] == 0, "uncompressed messages are allowed beside compressed ones"
