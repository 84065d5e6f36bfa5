# SPDX-License-Identifier: MIT
"""Starts Redis servers for tests: each with a folder of its own that is thrown away, on loopback only.

Never the system's service: the program comes with Debian's redis-tools (redis-check-rdb is the server under another
name), no configuration but ours. What it started it ends, by its own process, also when it was paused.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS = 20


class Broken(Exception):
	"""The server does not do what it must."""


def program():
	for name in ("redis-server", "redis-check-rdb"):
		path = shutil.which(name, path="/usr/bin:/bin")
		if path:
			return path
	raise Broken("no redis-server: apt-get install redis-tools")


def free_port():
	"""With one 10,000 above it that exists: the nodes of a cluster use both."""
	while True:
		with socket.socket() as s:
			s.bind(("127.0.0.1", 0))
			if s.getsockname()[1] < 55000:
				return s.getsockname()[1]


class Answers:
	"""A connection that asks: RESP as Python values; errors are raised."""

	def __init__(self, port, password=None, timeout=5):
		self.socket = socket.create_connection(("127.0.0.1", port), timeout)
		self.file = self.socket.makefile("rb")
		if password:
			self.ask("AUTH", password)

	def ask(self, *words):
		parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
		self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
		return self.read()

	def read(self):
		line = self.file.readline()
		if not line.endswith(b"\r\n"):
			raise OSError("Redis has closed the connection")
		kind, rest = line[:1], line[1:-2]
		if kind == b"-":
			raise Broken(rest.decode())
		if kind == b"+":
			return rest.decode()
		if kind == b":":
			return int(rest)
		if kind == b"$":
			return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
		return None if rest == b"-1" else [self.read() for _ in range(int(rest))]

	def close(self):
		self.file.close()
		self.socket.close()


class Redis:
	"""options: lines of redis.conf, as pairs of key and value."""

	def __init__(self, options=(), port=None, password=None, sentinel=False):
		self.folder = tempfile.mkdtemp(prefix="nuncio-redis-")
		self.port = port or free_port()
		self.password = password
		self.sentinel = sentinel
		self.options = list(options)
		self.process = None
		self.is_paused = False

	def config(self):
		lines = [("bind", "127.0.0.1"), ("port", self.port), ("dir", self.folder), ("daemonize", "no"),
			("logfile", os.path.join(self.folder, "log"))]
		if not self.sentinel:
			lines += [("save", '""'), ("appendonly", "no")]
		if self.password:
			lines.append(("requirepass", self.password))
		path = os.path.join(self.folder, "redis.conf")
		with open(path, "w") as file:
			file.write("".join(f"{key} {value}\n" for key, value in lines + self.options))
		return path

	def start(self):
		command = ["redis-sentinel" if self.sentinel else "redis-server", self.config()]
		self.process = subprocess.Popen(command, executable=program(), stdin=subprocess.DEVNULL,
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
		self.is_paused = False
		until = time.monotonic() + START_SECONDS
		while time.monotonic() < until and self.process.poll() is None:
			try:
				if self.ask("PING") == "PONG":
					return self
			except (OSError, Broken):
				time.sleep(0.02)
		raise Broken("Redis does not come up: " + self.log_text()[-2000:])

	def log_text(self):
		try:
			with open(os.path.join(self.folder, "log"), errors="replace") as log:
				return log.read()
		except FileNotFoundError:
			return ""

	def ask(self, *words):
		answers = Answers(self.port, self.password)
		try:
			return answers.ask(*words)
		finally:
			answers.close()

	def address(self):
		return f"127.0.0.1:{self.port}"

	def kill(self):
		self.process.send_signal(signal.SIGKILL)
		self.process.wait()

	def pause(self):
		self.process.send_signal(signal.SIGSTOP)
		self.is_paused = True

	def resume(self):
		self.process.send_signal(signal.SIGCONT)
		self.is_paused = False

	def stop(self):
		if self.process and self.process.poll() is None:
			if self.is_paused:
				self.resume()
			self.kill() # it keeps nothing
		shutil.rmtree(self.folder, ignore_errors=True)
