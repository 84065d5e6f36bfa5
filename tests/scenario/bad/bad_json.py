# SPDX-License-Identifier: MIT
"""Packets that are not JSON, not packets, or not what the op wants. The connection lives on."""
import json

from lib import wire
from lib.cases import case
from lib.server import CODES
from lib.wire import TEXT


def packet(seq=1, op="echo", data="{}", kind="request"):
	return f'{{"type":"{kind}","seq":{seq},"op":"{op}","data":{data}}}'.encode()


def ask(client, text):
	"""The response or the error notify to a text, as (seq or None, code name, message)."""
	client.send_frame(TEXT, text)
	for answer in client.pump(3):
		if answer["type"] == "response":
			client.responses.clear()
			return answer["seq"], CODES.get(answer["code"]), answer["message"]
		client.notifies.clear()
		assert answer["op"] == "error", answer
		return None, CODES.get(answer["data"]["code"]), answer["data"]["message"]


NO_JSON = [
	b"", b" ", b"{", b"}", b"hello", b"{'type':'request'}", b'{"type":"request",}', b"{}{}", b"[1,]", b"\xef\xbb\xbf{}",
	b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b'{"a":1.}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":0x10}', b'{"a":tru}',
	b'{"a":"\\x"}', b'{"a":"\\u12"}', b'{"a":"\\ud800"}', b'{"a":"\\udc00\\ud800"}', b'{"a":"\t"}', b'{"a":"\n"}',
	b'{"a" 1}', b'{"a":1 "b":2}', b'{a:1}', b'{"a":1}/*x*/', b'//x\n{}',
	packet(data='{"x":1,"x":2}'), packet(data='{"o":{"y":1,"y":1}}'), b'{"type":"request","type":"request","seq":1,"op":"ping"}',
	packet(data='{"x":1,"\\u0078":2}'),
	packet(data="[" * 40 + "]" * 40), packet(data='{"a":' * 40 + "1" + "}" * 40),
	packet(data="[" * 20000 + "]" * 20000), b"[" * 60000, b'{"a":' * 12000,
]


@case("texts that are not JSON by RFC 8259: bad_json with the place, and the next request works")
def no_json(t):
	client = t.client()
	for text in NO_JSON:
		seq, code, message = ask(client, text)
		deep = text.count(b"[") > 32 or text.count(b"{") > 33
		assert code == "bad_json" or deep and code == "too_large", f"{text[:80]!r}: {code} {message}"
		assert message, f"{text[:80]!r}: no words"
		assert seq in (None, 1), f"{text[:80]!r}: seq {seq}"
	assert client.call("ping", seq=9)["code"] == 0


NO_PACKET = [
	b"[]", b"null", b"true", b"7", b'"x"', b"{}", b'{"seq":1}', b'{"type":"request"}', b'{"type":"request","seq":1}',
	b'{"type":"request","op":"ping"}', b'{"seq":1,"op":"ping"}',
	packet(kind="response"), packet(kind="notify"), packet(kind="REQUEST"), packet(kind=""),
	b'{"type":1,"seq":1,"op":"ping"}', b'{"type":"request","seq":1,"op":7}', b'{"type":"request","seq":1,"op":null}',
	b'{"type":"request","seq":1,"op":["ping"]}', b'{"type":"request","seq":1,"op":"ping","data":[]}',
	b'{"type":"request","seq":1,"op":"ping","data":"x"}', b'{"type":"request","seq":1,"op":"ping","data":7}',
	b'{"type":"request","seq":1,"op":""}',
	packet(seq=0), packet(seq=-1), packet(seq=1.5), packet(seq='"1"'), packet(seq="null"), packet(seq="true"),
	packet(seq=4294967296), packet(seq=18446744073709551616), packet(seq=10**400), packet(seq="1e3000"), packet(seq="[1]"),
]


@case("JSON that is no packet: refused with words, and the next request works")
def no_packet(t):
	client = t.client()
	for text in NO_PACKET:
		_, code, message = ask(client, text)
		assert code in ("bad_request", "invalid_field", "bad_json"), f"{text[:80]!r}: {code} {message}"
		assert message, f"{text[:80]!r}: no words"
	assert client.call("ping", seq=4294967295)["code"] == 0, "the largest seq is allowed"


@case("unknown ops are named as such, whatever they look like")
def unknown_ops(t):
	client = t.client()
	for op in ("x", "message.sends", "MESSAGE.SEND", "message", "message.", ".", "..", "a" * 1000, "ü", "echo ", "../ping",
			"session.ready", "message.new", "%s%n%s", "'; DROP TABLE events; --", "\u0000", "ping\u0000"):
		text = json.dumps({"type": "request", "seq": 3, "op": op}).encode()
		seq, code, message = ask(client, text)
		assert (seq, code) in ((3, "unknown_op"), (3, "invalid_field"), (3, "bad_request")), f"{op[:40]!r}: {seq} {code} {message}"
		assert message
	assert client.call("ping", seq=9)["code"] == 0


WRONG = (None, True, 7, -1, 1.5, "", "x", [], ["x"], {}, {"x": 1}, 1e300, "a" * 3000, "\u0000", "../..")
FIELDS = {
	"session.open": ("token", "device"),
	"message.send": ("to", "client_id", "kind", "body", "reply_to", "mentions"),
	"message.confirm": ("conversation", "seq"),
	"message.read": ("conversation", "seq"),
	"history.query": ("conversation", "before", "after", "limit"),
	"conversation.list": ("after", "limit"),
	"sync": ("cursor", "limit"),
	"presence.query": ("users",),
	"presence.subscribe": ("users",),
	"presence.set": ("status", "dnd"),
}
FAULTLESS = {
	"message.send": {"to": {"user": "bob"}, "client_id": "c", "body": "x"},
	"message.confirm": {"conversation": "c", "seq": 1}, "message.read": {"conversation": "c", "seq": 1},
	"history.query": {"conversation": "c"}, "presence.query": {"users": ["bob"]},
	"presence.subscribe": {"users": ["bob"]}, "presence.set": {"status": "away"},
}


@case("every member of every op with every wrong type: an answer, the connection lives, nothing internal")
def wrong_types(t):
	client = t.client()
	for op, fields in FIELDS.items():
		for field in fields:
			for value in WRONG:
				data = {**FAULTLESS.get(op, {}), field: value}
				if op == "message.send":
					data["client_id"] = data["client_id"] if field == "client_id" else f"{field}{WRONG.index(value)}"
				answer = client.call(op, data)
				name = CODES.get(answer["code"])
				allowed = ("ok", "invalid_field", "not_found", "not_member", "session_open", "client_id_conflict",
					"unavailable", "token_invalid")
				assert name in allowed, f"{op} {field}={value!r:.60}: {name} {answer['message']}"
				if name == "invalid_field" and value is not None: # null is "not given"
					assert field in answer["message"] or "is missing" in answer["message"], f"{op} {field}={value!r:.60}: {answer['message']!r}"
				elif name != "ok":
					assert answer["message"], f"{op} {field}={value!r:.60}: no words"
	assert client.call("ping")["code"] == 0


@case("wrong things before session.open harm nobody either")
def before_open(t):
	for text in (b"{", b"[]", packet(op="message.send", data='{"to":7}'), packet(op="nonsense")):
		client = wire.Client(t.port)
		_, code, message = ask(client, text)
		assert code in ("bad_json", "bad_request", "auth_required"), f"{text!r}: {code} {message}"
		client.pipe.close()
	for token in ("", "a.b.c", "." * 5000, "a" * 16000, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "\u0000", "é.é.é"):
		client = wire.Client(t.port)
		code = CODES[client.call("session.open", {"token": token})["code"]]
		assert code in ("token_invalid", "invalid_field"), f"{token[:20]!r}: {code}"
		if code == "token_invalid":
			assert client.wait_closed(3).code == 4001
		client.pipe.close()
	client = wire.Client(t.port)  # longer than any session.open has to be
	client.send("session.open", {"token": "a" * 60000})
	assert client.wait_closed(3).code == 1009
	client.pipe.close()
