# SPDX-License-Identifier: MIT
"""HTTP that is wrong, too large, smuggled or endless."""
from lib import wire
from lib.cases import case

HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
POST = b"POST /api/v1/auth/login HTTP/1.1\r\n" + HOST + JSON

# what, bytes, statuses
MALFORMED = [
	("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", 400),
	("two Hosts", b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
	("no version", b"GET /healthz\r\n" + HOST + b"\r\n", 400),
	("HTTP/2.0", b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n", 505),
	("HTTP/1.x", b"GET /healthz HTTP/1.x\r\n" + HOST + b"\r\n", 400),
	("another protocol", b"GET /healthz ICY/1.1\r\n" + HOST + b"\r\n", 400),
	("two blanks", b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
	("a tab for a blank", b"GET\t/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
	("empty method", b" /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
	("unknown method", b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n", (405, 501)),
	("method in small letters", b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405, 501)),
	("blank before the colon", b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n", 400),
	("blank before the name", b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", 400),
	("folded header", b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
	("no colon", b"GET /healthz HTTP/1.1\r\n" + HOST + b"nonsense\r\n\r\n", 400),
	("empty name", b"GET /healthz HTTP/1.1\r\n" + HOST + b": x\r\n\r\n", 400),
	("NUL in a value", b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
	("bare CR in a value", b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n", 400),
	("control byte in a name", b"GET /healthz HTTP/1.1\r\n" + HOST + b"X\x01: a\r\n\r\n", 400),
	("bytes over 127 in the target", b"GET /h\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
	("control byte in the target", b"GET /he\x7fa HTTP/1.1\r\n" + HOST + b"\r\n", 400),
	("target without a slash", b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
	("broken percent", b"GET /api/v1/users/%zz HTTP/1.1\r\n" + HOST + b"\r\n", (400, 401)),
	("percent at the end", b"GET /healthz% HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
	("encoded NUL", b"GET /healthz%00 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
	("out of the root", b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
	("out of the root, encoded", b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
	("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)) + b"\r\n\r\n", 400),
	("only noise", bytes(range(128, 256)) * 4 + b"\r\n\r\n", 400),
	("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
	("length of letters", POST + b"Content-Length: abc\r\n\r\n", 400),
	("negative length", POST + b"Content-Length: -1\r\n\r\n", 400),
	("signed length", POST + b"Content-Length: +5\r\n\r\nhello", 400),
	("hexadecimal length", POST + b"Content-Length: 0x5\r\n\r\nhello", 400),
	("two lengths", POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400),
	("a list of lengths", POST + b"Content-Length: 5, 6\r\n\r\nhello!", 400),
	("length over 64 bits", POST + b"Content-Length: 99999999999999999999999\r\n\r\n", (400, 413)),
	("length and chunked", POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
	("unknown coding", POST + b"Transfer-Encoding: gzip\r\n\r\n", (400, 501)),
	("chunked twice", POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", (400, 501)),
	("chunked not last", POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", (400, 501)),
	("broken chunk size", POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", (400, 501)),
	("negative chunk size", POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", (400, 501)),
	("chunk without its end", POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", (400, 501)),
]


@case("malformed requests get 400 and words, then the connection ends")
def malformed(t):
	for what, data, statuses in MALFORMED:
		pipe = t.pipe()
		pipe.send(data)
		try:
			answer = wire.read_response(pipe)
		except (wire.Closed, wire.Silence) as error:
			raise AssertionError(f"{what}: {error}") from error
		t.refused(answer, statuses, what)
		if answer.status in (400, 505):
			try:
				rest = pipe.wait_end(3)
			except wire.Silence:
				raise AssertionError(f"{what}: the connection stays open") from None
			assert not rest, f"{what}: then came {rest[:100]!r}"
		pipe.close()


@case("heads and bodies over the limits: 414, 431, 413, before they were all sent")
def too_large(t):
	answer = t.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n" + HOST + b"\r\n")
	t.refused(answer, 414, "long target")
	answer = t.raw(b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100000 + b"\r\n\r\n")
	t.refused(answer, 431, "long header")
	answer = t.raw(b"GET /healthz HTTP/1.1\r\n" + HOST + b"X-A: b\r\n" * 2000 + b"\r\n")
	t.refused(answer, 431, "many headers")
	answer = t.raw(POST + b"Content-Length: 1000000000\r\n\r\n{")
	t.refused(answer, 413, "large body announced")
	answer = t.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 64)
	t.refused(answer, (413, 501), "large body in chunks")


@case("an endless head is cut off, not collected")
def endless_head(t):
	pipe = t.pipe()
	pipe.send(b"GET /healthz HTTP/1.1\r\n" + HOST)
	sent = 0
	try:
		while sent < 64 << 20:
			pipe.send(b"X-Filler: " + b"y" * 1000 + b"\r\n")
			sent += 1012
			if not pipe.is_open():
				break
	except wire.Closed:
		pass
	assert sent < 4 << 20, f"{sent} bytes of a head were taken"


@case("smuggling: nothing after an ambiguous request is carried out")
def smuggling(t):
	pipe = t.pipe()
	pipe.send(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
		+ b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
	assert wire.read_response(pipe).status == 400
	assert pipe.wait_end(3) == b"", "a second request was answered"


@case("pipelined requests are answered in order; the first bad one ends it")
def pipelined(t):
	pipe = t.pipe()
	good = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
	pipe.send(good * 5 + b"BAD\r\n\r\n" + good)
	assert [wire.read_response(pipe).status for _ in range(5)] == [200] * 5
	assert wire.read_response(pipe).status == 400
	assert pipe.wait_end(3) == b""


@case("keep-alive, HEAD, Connection: close and HTTP/1.0 do what they say")
def lifetimes(t):
	pipe = t.pipe()
	for _ in range(3):
		assert wire.http(t.port, "GET", "/healthz", pipe=pipe).status == 200
	answer = wire.http(t.port, "GET", "/healthz", {"Connection": "close"}, pipe=pipe)
	assert answer.status == 200 and answer.headers.get("connection", "").lower() == "close"
	assert pipe.wait_end(3) == b""
	pipe = t.pipe()
	pipe.send(b"GET /healthz HTTP/1.0\r\n\r\n")
	assert wire.read_response(pipe).status == 200
	assert pipe.wait_end(3) == b""


@case("bodies that are no JSON, of the wrong kind or not there")
def bodies(t):
	def post(body, status, name, **headers):
		answer = wire.http(t.port, "POST", "/api/v1/auth/login", {"Content-Type": "application/json",
			**headers}, body)
		have = t.refused(answer, status, body[:60])
		assert have == name, f"{body[:60]!r}: {have}, not {name}"
	for text in (b"{", b"{}{}", b"{'a':1}", b'{"a":1,}', b'{"user":"a","user":"b"}', b"NaN",
			b'{"a":01}', b'{"a":"\\ud800"}', b'{"a":"\xff"}', b'{"a":"\x01"}', b"\xef\xbb\xbf{}",
			b"[" * 40 + b"]" * 40, b'{"a":' * 5000 + b"1" + b"}" * 5000, b"nul", b'{"a":1e}'):
		post(text, 400, "bad_json")
	for text in (b"[]", b"null", b'"x"', b"7"):
		post(text, 422, "invalid_field")
	answer = wire.http(t.port, "POST", "/api/v1/auth/login", {"Content-Type": "text/json"}, b"{}")
	assert t.refused(answer, 415, "text/json") == "unsupported_media"
	answer = wire.http(t.port, "POST", "/api/v1/auth/login",
		{"Content-Type": "application/json; charset=utf-8"}, b'{"user":"a","password":"bbbbbbbb"}')
	assert answer.status == 401, answer.status
