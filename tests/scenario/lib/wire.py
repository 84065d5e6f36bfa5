# SPDX-License-Identifier: MIT
"""A small blocking HTTP/1.1 and WebSocket client over raw sockets.

It exists because the tests must be able to say wrong things: every byte that leaves is under the
caller's control, and nothing is mended on the way. One thread per connection; no hidden threads.
Reading is strict: a masked or malformed frame from the server is an error of the test, not a shrug.
"""
import base64
import hashlib
import json
import os
import select
import socket
import struct
import time
import zlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SLOW = float(os.environ.get("NUNCIO_TEST_SLOW", "1"))
TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
REQUEST, RESPONSE, NOTIFY = 1, 2, 3
KIND_NAMES = {RESPONSE: "response", NOTIFY: "notify", REQUEST: "request"}


class Closed(Exception):
	"""The peer ended the connection; code 1006 stands for 'without a close frame'."""

	def __init__(self, code, reason=""):
		super().__init__(f"connection closed: {code} {reason}".rstrip())
		self.code = code
		self.reason = reason


class Silence(Exception):
	"""Nothing came in time."""


class Refused(Exception):
	"""The upgrade was answered with something else than 101."""

	def __init__(self, response):
		super().__init__(f"upgrade refused: {response.status} {response.body[:200]!r}")
		self.response = response


class Pipe:
	"""A TCP connection with a read buffer and deadlines in seconds."""

	def __init__(self, port, host="127.0.0.1", timeout=5.0, receive_buffer=None):
		self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
		if receive_buffer:
			self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
		self.sock.settimeout(timeout * SLOW)
		self.sock.connect((host, port))
		self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		self.sock.setblocking(False)
		self.buffer = bytearray()
		self.ended = False

	def send(self, data, timeout=10.0):
		view = memoryview(data)
		deadline = time.monotonic() + timeout * SLOW
		while view:
			try:
				view = view[self.sock.send(view):]
				continue
			except BlockingIOError:
				pass
			except (BrokenPipeError, ConnectionResetError) as error:
				raise Closed(1006, str(error)) from error
			left = deadline - time.monotonic()
			if left <= 0 or not select.select([], [self.sock], [], left)[1]:
				raise Silence("the peer does not read")

	def fill(self, deadline):
		"""Reads once; False at the end of the stream. Raises Silence at the deadline."""
		if self.ended:
			return False
		left = deadline - time.monotonic()
		if not select.select([self.sock], [], [], max(left, 0))[0]:
			raise Silence("nothing came in time")
		try:
			data = self.sock.recv(65536)
		except BlockingIOError:
			return True
		except (ConnectionResetError, BrokenPipeError):
			data = b""
		if not data:
			self.ended = True
			return False
		self.buffer += data
		return True

	def take(self, count, deadline):
		while len(self.buffer) < count:
			if not self.fill(deadline):
				raise Closed(1006, "end of stream")
		data = bytes(self.buffer[:count])
		del self.buffer[:count]
		return data

	def take_until(self, mark, deadline):
		while True:
			at = self.buffer.find(mark)
			if at >= 0:
				data = bytes(self.buffer[:at + len(mark)])
				del self.buffer[:at + len(mark)]
				return data
			if not self.fill(deadline):
				raise Closed(1006, f"end of stream after {bytes(self.buffer[:200])!r}")

	def is_open(self):
		"""Looks without waiting; bytes that came stay in the buffer."""
		try:
			while self.fill(time.monotonic()):
				pass
		except Silence:
			pass
		return not self.ended

	def wait_end(self, timeout):
		"""Reads until the peer ends the stream. Returns what came, or raises Silence."""
		deadline = time.monotonic() + timeout * SLOW
		while self.fill(deadline):
			pass
		return bytes(self.buffer)

	def half_close(self):
		self.sock.shutdown(socket.SHUT_WR)

	def close(self):
		self.sock.close()
		self.ended = True

	def reset(self):
		"""Ends with RST: what a pulled cable or a killed phone looks like later."""
		self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
		self.close()


class Response:
	def __init__(self, status, reason, headers, body):
		self.status = status
		self.reason = reason
		self.headers = headers
		self.body = body

	def json(self):
		return json.loads(self.body)

	def code(self):
		return self.json()["code"]


def read_response(pipe, timeout=5.0, method="GET"):
	deadline = time.monotonic() + timeout * SLOW
	head = pipe.take_until(b"\r\n\r\n", deadline).decode("latin-1")
	lines = head.split("\r\n")
	version, _, rest = lines[0].partition(" ")
	if version != "HTTP/1.1":
		raise AssertionError(f"status line {lines[0]!r}")
	headers = {}
	for line in lines[1:]:
		if line:
			name, _, value = line.partition(":")
			headers[name.strip().lower()] = value.strip()
	status = int(rest[:3])
	if method == "HEAD" or status in (204, 304) or status < 200:
		body = b""
	elif "content-length" in headers:
		body = pipe.take(int(headers["content-length"]), deadline)
	elif headers.get("transfer-encoding") == "chunked":
		body = b""
		while True:
			size = int(pipe.take_until(b"\r\n", deadline).split(b";")[0], 16)
			body += pipe.take(size, deadline)
			pipe.take(2, deadline)
			if size == 0:
				break
	else:
		body = pipe.wait_end(timeout)
	return Response(status, rest[4:], headers, body)


def http(port, method, target, headers=None, body=None, token=None, timeout=10.0, pipe=None):
	"""One request; a dict as body becomes JSON. Keeps `pipe` open when it is given."""
	own = pipe is None
	pipe = pipe or Pipe(port)
	lines = {"Host": f"127.0.0.1:{port}"}
	if body is not None and not isinstance(body, (bytes, str)):
		body = json.dumps(body)
		lines["Content-Type"] = "application/json"
	if isinstance(body, str):
		body = body.encode()
	if body is not None:
		lines["Content-Length"] = str(len(body))
	if token:
		lines["Authorization"] = f"Bearer {token}"
	lines.update(headers or {})
	head = f"{method} {target} HTTP/1.1\r\n"
	head += "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None) + "\r\n"
	try:
		try:
			pipe.send(head.encode("latin-1") + (body or b""))
		except Closed:
			pass  # refused before all was sent: the answer may be there nevertheless
		return read_response(pipe, timeout, method)
	finally:
		if own:
			pipe.close()


def mask_bytes(payload, key):
	if not payload:
		return b""
	count = len(payload)
	pad = (key * (count // 4 + 1))[:count]
	mixed = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
	return mixed.to_bytes(count, "big")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, claim=None, wide=None):
	"""One frame; `claim` lies about the length, `wide` forces the 16 or 64 bit form."""
	count = len(payload) if claim is None else claim
	first = (0x80 if fin else 0) | rsv << 4 | opcode
	flag = 0x80 if mask else 0
	if wide == 64 or (wide is None and count > 65535):
		head = struct.pack("!BBQ", first, flag | 127, count)
	elif wide == 16 or (wide is None and count > 125):
		head = struct.pack("!BBH", first, flag | 126, count)
	else:
		head = struct.pack("!BB", first, flag | count)
	if not mask:
		return head + payload
	key = os.urandom(4)
	return head + key + mask_bytes(payload, key)


def upgrade_lines(port, headers=None, target="/ws"):
	"""The upgrade request as ordered pairs, so that a test can spoil one of them."""
	lines = {
		"Host": f"127.0.0.1:{port}",
		"Upgrade": "websocket",
		"Connection": "Upgrade",
		"Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
		"Sec-WebSocket-Version": "13",
	}
	lines.update(headers or {})
	head = f"GET {target} HTTP/1.1\r\n"
	head += "".join(f"{k}: {v}\r\n" for k, v in lines.items() if v is not None) + "\r\n"
	return head.encode("latin-1"), lines


class WebSocket:
	def __init__(self, port, target="/ws", headers=None, protocols=(), deflate=False, pipe=None):
		self.pipe = pipe or Pipe(port)
		self.auto_pong = True
		self.pings = 0
		self.pongs = []
		self.closed = None
		self.compressed_seen = 0
		headers = dict(headers or {})
		if protocols:
			headers["Sec-WebSocket-Protocol"] = ", ".join(protocols)
		if deflate:
			headers["Sec-WebSocket-Extensions"] = (
				deflate if isinstance(deflate, str) else "permessage-deflate")
		head, lines = upgrade_lines(port, headers, target)
		self.pipe.send(head)
		answer = read_response(self.pipe)
		self.response = answer
		if answer.status != 101:
			self.pipe.close()
			raise Refused(answer)
		key = lines["Sec-WebSocket-Key"].encode()
		accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
		assert answer.headers.get("sec-websocket-accept") == accept, "wrong accept key"
		assert answer.headers.get("upgrade", "").lower() == "websocket", "no Upgrade header"
		assert "upgrade" in answer.headers.get("connection", "").lower(), "no Connection header"
		self.protocol = answer.headers.get("sec-websocket-protocol")
		self.extensions = answer.headers.get("sec-websocket-extensions", "")
		self.deflate = "permessage-deflate" in self.extensions
		assert not self.deflate or deflate, "deflate was not offered"

	def send_raw(self, data):
		self.pipe.send(data)

	def send_frame(self, opcode, payload=b"", **how):
		self.pipe.send(frame(opcode, payload, **how))

	def send_message(self, opcode, payload, pieces=1):
		rsv = 0
		if self.deflate:
			squeeze = zlib.compressobj(6, zlib.DEFLATED, -15)
			payload = squeeze.compress(payload) + squeeze.flush(zlib.Z_SYNC_FLUSH)
			payload = payload[:-4]
			rsv = 4
		size = max(1, -(-len(payload) // pieces))
		parts = [payload[i:i + size] for i in range(0, len(payload), size)] or [b""]
		out = b""
		for i, part in enumerate(parts):
			out += frame(opcode if i == 0 else MORE, part, fin=i == len(parts) - 1,
				rsv=rsv if i == 0 else 0)
		self.pipe.send(out)

	def read_frame(self, deadline):
		first, second = self.pipe.take(2, deadline)
		assert not second & 0x80, "a server's frame must not be masked"
		count = second & 0x7F
		if count == 126:
			count = struct.unpack("!H", self.pipe.take(2, deadline))[0]
			assert count > 125, "length not in its shortest form"
		elif count == 127:
			count = struct.unpack("!Q", self.pipe.take(8, deadline))[0]
			assert count > 65535, "length not in its shortest form"
		return first & 0x80, (first >> 4) & 7, first & 15, self.pipe.take(count, deadline)

	def recv_message(self, timeout=5.0):
		"""The next text or binary message as (opcode, bytes). Answers pings on the way."""
		if self.closed:
			raise self.closed
		deadline = time.monotonic() + timeout * SLOW
		kind, parts, packed = None, [], False
		patience = deadline
		while True:
			if kind is None:
				deadline = patience
			if not self.pipe.buffer and not self.pipe.fill(deadline):
				self.finish(Closed(1006, "end of stream"))
			# What has begun is read to its end: a deadline in the middle would lose the place.
			deadline = max(deadline, time.monotonic() + 2 * SLOW)
			try:
				fin, rsv, opcode, payload = self.read_frame(deadline)
			except Closed as end:
				self.finish(end)
			if opcode == PING:
				self.pings += 1
				if self.auto_pong:
					self.send_frame(PONG, payload)
			elif opcode == PONG:
				self.pongs.append(payload)
			elif opcode == CLOSE:
				code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else 1005
				self.answer_close(payload)
				self.finish(Closed(code, payload[2:].decode()))
			else:
				assert rsv in (0, 4) and (rsv == 0 or self.deflate), f"reserved bits {rsv}"
				if opcode:
					assert kind is None, "a new message inside another"
					kind, packed = opcode, rsv == 4
				parts.append(payload)
				if fin:
					break
		data = b"".join(parts)
		if packed:
			self.compressed_seen += 1
			data = zlib.decompressobj(-15).decompress(data + b"\x00\x00\xff\xff")
		return kind, data

	def answer_close(self, payload):
		try:
			self.send_frame(CLOSE, payload[:2])
		except (Closed, Silence, OSError):
			pass

	def finish(self, end):
		self.closed = end
		self.pipe.close()
		raise end

	def say_close(self, code=1000, timeout=5.0):
		"""The closing handshake from our side; returns the code that came back."""
		self.send_frame(CLOSE, struct.pack("!H", code))
		try:
			while True:
				self.recv_message(timeout)
		except Closed as end:
			return end.code

	def drop(self):
		self.pipe.reset()


class Client(WebSocket):
	"""Speaks packets: requests, responses by seq, notifies in order."""

	def __init__(self, port, token=None, query=None, device=None, protocol="nuncio.json.v1",
			ready=True, headers=None, deflate=False, pipe=None):
		headers = dict(headers or {})
		target = "/ws"
		if token:
			headers["Authorization"] = f"Bearer {token}"
		if query:
			target += f"?access_token={query}"
		if device is not None:
			target += ("&" if query else "?") + f"device={device}"
		super().__init__(port, target, headers, (protocol,) if protocol else (), deflate, pipe)
		self.is_frame = self.protocol == "nuncio.frame.v1"
		self.last_seq = 0
		self.responses = {}
		self.notifies = []
		self.frames_in_message = 0
		self.ready = self.expect("session.ready")["data"] if ready and (token or query) else None

	def pack(self, op, data=None, seq=None):
		if seq is None:
			self.last_seq += 1
			seq = self.last_seq
		packet = {"op": op}
		if data is not None:
			packet["data"] = data
		if self.is_frame:
			text = json.dumps(packet, ensure_ascii=False).encode()
			return seq, struct.pack("!BIH", REQUEST, seq, len(text)) + text
		packet = {"type": "request", "seq": seq, **packet}
		return seq, json.dumps(packet, ensure_ascii=False).encode()

	def send(self, op, data=None, seq=None, pieces=1):
		seq, text = self.pack(op, data, seq)
		self.send_message(BINARY if self.is_frame else TEXT, text, pieces)
		return seq

	def send_several(self, calls):
		"""Several frames in one message (nuncio.frame.v1)."""
		packed = [self.pack(op, data) for op, data in calls]
		self.send_message(BINARY, b"".join(text for _, text in packed))
		return [seq for seq, _ in packed]

	def pump(self, timeout=5.0):
		"""Takes one message and files its packets."""
		opcode, data = self.recv_message(timeout)
		if not self.is_frame:
			assert opcode == TEXT, "binary data on a text protocol"
			return [self.file(json.loads(data))]
		assert opcode == BINARY, "text on the binary protocol"
		packets = []
		while data:
			kind, seq, count = struct.unpack("!BIH", data[:7])
			packet = json.loads(data[7:7 + count])
			assert len(data) >= 7 + count, "a frame must not span two messages"
			packet["type"] = KIND_NAMES[kind]
			if kind == RESPONSE:
				packet["seq"] = seq
			else:
				assert seq == 0, "a notify has SeqID 0"
			packets.append(self.file(packet))
			data = data[7 + count:]
		self.frames_in_message = max(self.frames_in_message, len(packets))
		return packets

	def file(self, packet):
		packet["arrived"] = time.monotonic()
		if packet["type"] == "response":
			seq = packet["seq"]
			assert seq not in self.responses, f"two answers to request {seq}"
			self.responses[seq] = packet
		else:
			assert packet["type"] == "notify", f"unknown packet {packet}"
			self.notifies.append(packet)
		return packet

	def answer(self, seq, timeout=5.0):
		deadline = time.monotonic() + timeout * SLOW
		while seq not in self.responses:
			left = deadline - time.monotonic()
			if left <= 0:
				raise Silence(f"no answer to request {seq}")
			self.pump(left / SLOW)
		return self.responses[seq]

	def call(self, op, data=None, timeout=5.0, seq=None):
		return self.answer(self.send(op, data, seq), timeout)

	def expect(self, op, timeout=5.0, where=None):
		"""The first waiting notify of this op; others stay in the queue."""
		deadline = time.monotonic() + timeout * SLOW
		while True:
			for i, packet in enumerate(self.notifies):
				if packet["op"] == op and (where is None or where(packet["data"])):
					return self.notifies.pop(i)
			left = deadline - time.monotonic()
			if left <= 0:
				have = [packet["op"] for packet in self.notifies]
				raise Silence(f"no notify {op}; have {have}")
			try:
				self.pump(left / SLOW)
			except Silence:
				pass

	def quiet(self, seconds, op=None):
		"""Listens for a while; returns the notifies (of op) that came."""
		deadline = time.monotonic() + seconds
		try:
			while True:
				left = deadline - time.monotonic()
				self.pump(max(left, 0) / SLOW)
		except Silence:
			pass
		return [packet for packet in self.notifies if op in (None, packet["op"])]

	def wait_closed(self, timeout=5.0):
		deadline = time.monotonic() + timeout * SLOW
		try:
			while True:
				left = deadline - time.monotonic()
				if left <= 0:
					raise Silence("the connection stays open")
				self.pump(left / SLOW)
		except Closed as end:
			return end
