# SPDX-License-Identifier: MIT
"""The operator's side: nuncioctl as a program, and the control socket byte by byte."""
import json
import os
import pwd
import socket
import subprocess
import time

from . import wire

OTHER = "daemon"  # a user who is neither root nor the server's


class Result:
	def __init__(self, process):
		self.status, self.out, self.err = process.returncode, process.stdout, process.stderr

	def __str__(self):
		return f"exit {self.status}, out {self.out!r}, err {self.err!r}"

	def json(self):
		return json.loads(self.out)

	def table(self):
		"""Rows as dicts by column title; cells are told apart by two blanks or more."""
		lines = self.out.splitlines()
		titles = lines[0].split()
		return [dict(zip(titles, line.split())) for line in lines[1:]]


def program(server):
	for name in ("nuncioctl", "sbin/nuncioctl", "usr/sbin/nuncioctl"):
		path = os.path.join(server.build.folder, name)
		if os.path.isfile(path):
			return path
	raise FileNotFoundError("nuncioctl")


def socket_path(server):
	return os.path.join(server.data_dir, "nunciod.ctl")


def as_user(name):
	entry = pwd.getpwnam(name)
	return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def ctl(server, *words, text=None, options=None, user=None, timeout=60):
	"""Runs nuncioctl; `text` is its standard input, `options` instead of --config."""
	options = ["--config", server.config] if options is None else options
	how = as_user(user) if user else {}
	return Result(subprocess.run([program(server), *options, *words], input=text or "", text=True,
		capture_output=True, timeout=timeout * wire.SLOW, env=server.environment(), check=False, **how))


def done(server, *words, **how):
	"""The same; it must go well."""
	result = ctl(server, *words, **how)
	assert result.status == 0, f"{words}: {result}"
	return result


def asked(server, *words, **how):
	"""The data of the answer."""
	return done(server, "--json", *words, options=["--config", server.config], **how).json()


class Line:
	"""A raw connection to the control socket."""

	def __init__(self, server, timeout=10):
		self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		self.sock.settimeout(timeout * wire.SLOW)
		self.sock.connect(socket_path(server))
		self.rest = b""

	def send(self, data):
		self.sock.sendall(data)

	def ask(self, command, **args):
		self.send(json.dumps({"command": command, "args": args}).encode() + b"\n")
		return self.answer()

	def answer(self):
		"""The next answer; None at the end."""
		while b"\n" not in self.rest:
			data = self.sock.recv(65536)
			if not data:
				return None
			self.rest += data
		line, self.rest = self.rest.split(b"\n", 1)
		return json.loads(line)

	def close(self):
		self.sock.close()


def eventually(what, seconds=10):
	deadline = time.monotonic() + seconds * wire.SLOW
	while not what():
		assert time.monotonic() < deadline, "it does not come to that"
		time.sleep(0.02)
