# SPDX-License-Identifier: MIT
"""Slow, silent, half-open and greedy clients."""
import time

from lib import wire
from lib.cases import case
from lib.wire import TEXT, frame

HEAD_WAIT = 8  # the server's own patience is shorter than this: see the settings


def drip(pipe, data, pause=0.002):
	for i in range(len(data)):
		pipe.send(data[i:i + 1])
		time.sleep(pause)


@case("byte by byte: a request, an upgrade and frames are understood")
def byte_by_byte(t):
	pipe = t.pipe()
	drip(pipe, f"GET /healthz HTTP/1.1\r\nHost: x:{t.port}\r\n\r\n".encode())
	assert wire.read_response(pipe).status == 200
	head, _ = wire.upgrade_lines(t.port, {"Authorization": f"Bearer {t.server.token('eve')}"})
	pipe = t.pipe()
	drip(pipe, head, 0.001)
	assert wire.read_response(pipe).status == 101
	drip(pipe, frame(TEXT, b'{"type":"request","seq":5,"op":"ping"}'))
	deadline = time.monotonic() + 3
	while b'"seq":5' not in bytes(pipe.buffer).replace(b" ", b""):
		assert pipe.fill(deadline), "closed"
	body = b'{"user":"a","password":"bbbbbbbb"}'
	pipe = t.pipe()
	drip(pipe, b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		+ f"Content-Length: {len(body)}\r\n\r\n".encode() + body, 0.001)
	assert wire.read_response(pipe).status == 401


@case("heads and bodies that never end: 408 or the end, in time; silent ones as well",
	settings={"core": {"auth_timeout": "1s", "head_timeout": "2s", "body_timeout": "3s"}})
def never_ending(t):
	starts = {
		"silence": b"", "half a line": b"GET /heal", "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
		"no body": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
			b"Content-Length: 50\r\n\r\n",
		"half a body": b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
			b"Content-Length: 50\r\n\r\n{\"user\":",
	}
	pipes = {what: t.pipe() for what in starts}
	drippers = [t.pipe() for _ in range(3)]
	for what, pipe in pipes.items():
		pipe.send(starts[what])
	for pipe in drippers:
		pipe.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
	deadline = time.monotonic() + HEAD_WAIT * wire.SLOW
	waiting = list(drippers)
	while waiting and time.monotonic() < deadline:
		time.sleep(0.2)
		for pipe in list(waiting):
			try:
				pipe.send(b"X: y\r\n")
			except wire.Closed:
				waiting.remove(pipe)
				continue
			if not pipe.is_open():
				waiting.remove(pipe)
	assert not waiting, "a client that drips headers is kept for ever"
	for what, pipe in pipes.items():
		try:
			came = pipe.wait_end(max(0.1, (deadline - time.monotonic()) / wire.SLOW))
		except wire.Silence:
			raise AssertionError(f"{what}: still open") from None
		assert came == b"" or b" 408 " in came.split(b"\r\n")[0], f"{what}: {came[:100]!r}"


@case("two hundred slow heads at once do not keep others out")
def slow_crowd(t):
	crowd = []
	for _ in range(200):
		pipe = t.pipe()
		pipe.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		crowd.append(pipe)
	begin = time.monotonic()
	for _ in range(20):
		assert wire.http(t.port, "GET", "/healthz").status == 200
		t.client("other").say_close()
	took = time.monotonic() - begin
	assert took < 5 * wire.SLOW, f"{took:.1f} s for 40 connections"
	for pipe in crowd:
		pipe.reset()


@case("connections that end at every point of their life leave nothing behind")
def vanish(t):
	token = t.server.token("eve")
	head, _ = wire.upgrade_lines(t.port, {"Authorization": f"Bearer {token}"})
	stream = head + frame(TEXT, b'{"type":"request","seq":5,"op":"echo","data":{"a":"' + b"x" * 500 + b'"}}')
	for i in range(0, len(stream), 7):
		pipe = t.pipe()
		pipe.send(stream[:i])
		pipe.reset() if i % 2 else pipe.close()
	for _ in range(50):
		client = t.client()
		client.send("message.send", {"to": {"user": "bob"}, "client_id": "x", "body": "y"})
		client.drop()


@case("half-closed: who stops talking still gets the answer, and a half-closed WebSocket ends")
def half_closed(t):
	pipe = t.pipe()
	pipe.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	pipe.half_close()
	assert wire.read_response(pipe).status == 200
	assert pipe.wait_end(3) == b""
	client = t.client()
	client.pipe.half_close()
	assert client.wait_closed(3).code in (1001, 1002, 1006)


@case("a half-open WebSocket is found by the heartbeat", settings={"core": {"heartbeat": "500ms"}}, bystanders=True)
def half_open(t):
	client = t.client()
	client.auto_pong = False
	assert client.wait_closed(4).code == 4004


@case("who does not read is closed with 4003; nothing that was acknowledged is lost for him")
def not_reading(t):
	slow = wire.Pipe(t.port, receive_buffer=4096)
	slow = wire.Client(t.port, token=t.server.token("slow"), pipe=slow)
	cursor = slow.call("sync")["data"]["cursor"]
	sender = t.client("sender")
	body = "x" * 30000
	sent = 0
	# More than all socket buffers of a loopback connection and the output queue together.
	while sent < 1500 and slow.pipe.sock.fileno() >= 0:
		seqs = [sender.send("message.send", {"to": {"user": "slow"}, "client_id": f"m{sent + i}", "body": body})
			for i in range(20)]
		for seq in seqs:
			packet = sender.answer(seq, 20)
			assert packet["code"] == 0, packet
		sender.responses.clear()
		sent += 20
		if sent >= 400 and "slow" in t.server.log_text()[-20000:] and "4003" in t.server.log_text():
			break
	end = slow.wait_closed(20)
	assert end.code in (4003, 1006), f"closed with {end}"
	have = set()
	for packet in slow.notifies:
		if packet["op"] == "message.new":
			have.add(packet["data"]["seq"])
	assert len(have) < sent, "the slow client had it all: the test shows nothing"
	again = t.client("slow")
	seqs = []
	while True:
		data = again.call("sync", {"cursor": cursor}, timeout=20)["data"]
		seqs += [event["seq"] for event in data["events"]]
		cursor = data["cursor"]
		again.responses.clear()
		if not data["more"]:
			break
	assert seqs == list(range(1, sent + 1)), f"{len(seqs)} of {sent}"


@case("who asks and never reads the answers is not served without end")
def asks_without_reading(t):
	client = wire.Client(t.port, token=t.server.token("greedy"), pipe=wire.Pipe(t.port, receive_buffer=4096))
	_, text = client.pack("echo", {"a": "x" * 20000})
	data = frame(TEXT, text) * 10
	# It stops reading, or closes and throws away what still comes for a short while; both end here.
	deadline = time.monotonic() + 10 * wire.SLOW
	try:
		while time.monotonic() < deadline:
			client.pipe.send(data, timeout=2)
		raise AssertionError("questions were taken for 10 s, and none of the answers read")
	except (wire.Silence, wire.Closed):
		pass
	client.drop()


@case("two thousand connections that come and go, some without a word")
def flood(t):
	for i in range(2000):
		pipe = t.pipe()
		if i % 3 == 0:
			pipe.send(b"GET / HT")
		pipe.reset() if i % 2 else pipe.close()
