# SPDX-License-Identifier: MIT
"""A nunciod with modules of this folder, from its first line to its exit status, and how a case says what it expects."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
from lib import wire  # noqa: E402

CONFIG, CANNOT = 78, 1
ABORTED = -signal.SIGABRT
SECONDS = 20
CASES = []


class Wrong(Exception):
	pass


def case(function):
	CASES.append((function.__name__, function))
	return function


class Server:
	"""A nunciod with some modules, from its first line to its exit status."""

	def __init__(self, build, plugs, modules, core="", sections=""):
		self.build = build
		self.folder = tempfile.mkdtemp(prefix="nuncio-api-")
		os.chmod(self.folder, 0o777)
		self.config = os.path.join(self.folder, "nuncio.ini")
		self.core = (f"[core]\nlisten = 127.0.0.1:0\nio_threads = 1\ndata_dir = {self.folder}\n"
			f"module_path = {plugs}\n")
		if "node = " not in core:
			self.core += "node = here\n"
		if "metrics = " not in core:
			self.core += "metrics = on\n"
		if "slow_callback = " not in core: # a busy machine makes slow ones of any
			self.core += "slow_callback = 0\n"
		if os.geteuid() == 0:
			self.core += "user = nobody\n"
		self.core += core + "\n"
		self.switches = "[modules]\n" + "".join(f"{name} = on\n" for name in modules)
		self.write(sections)
		self.log = open(os.path.join(self.folder, "log"), "w+b")

	def write(self, sections=""):
		with open(self.config, "w") as file:
			file.write(self.core + self.switches + sections)
		os.chmod(self.config, 0o644)

	def start(self, *options, **environment):
		self.process = subprocess.Popen([os.path.join(self.build, "nunciod"), "--config",
			self.config, *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
			env=dict(os.environ, **environment))
		return self

	def lines(self):
		with open(self.log.name, "rb") as file:
			return file.read().decode("utf-8", "replace").splitlines()

	def troubles(self):
		"""What is worse than information: plain lines, and log lines from warn on."""
		found = []
		for line in self.lines():
			entry = json.loads(line) if line.startswith("{") else {"level": "plain"}
			if entry["level"].lower() not in ("debug", "info"):
				found.append(line)
		return found

	def wait_for(self, pattern):
		deadline = time.monotonic() + SECONDS
		while time.monotonic() < deadline:
			for line in self.lines():
				match = re.search(pattern, line)
				if match:
					return match
			if self.process.poll() is not None:
				break
			time.sleep(0.01)
		raise Wrong(f"no line like {pattern!r}")

	def exit_status(self):
		try:
			return self.process.wait(SECONDS)
		except subprocess.TimeoutExpired:
			raise Wrong("does not end")

	def stop(self):
		self.process.send_signal(signal.SIGTERM)
		return self.exit_status()

	def port(self):
		return int(self.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))

	def client(self, user, device=None):
		"""A session, with auth_api: the token is the user."""
		return wire.Client(self.port(), token=user, device=device)

	def get(self, path, token=None):
		port = self.port()
		request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
		if token:
			request.add_header("Authorization", f"Bearer {token}")
		try:
			answer = urllib.request.urlopen(request, timeout=SECONDS)
		except urllib.error.HTTPError as error:
			answer = error
		return answer.status, answer.headers, answer.read().decode()

	def end(self):
		if hasattr(self, "process") and self.process.poll() is None:
			self.process.kill()
			self.process.wait()
		self.log.close()
		shutil.rmtree(self.folder, ignore_errors=True)


class Bench:
	def __init__(self, build):
		self.build = build
		self.folder = tempfile.mkdtemp(prefix="nuncio-plugs-")
		os.chmod(self.folder, 0o755)
		found = glob.glob(os.path.join(build, "tests/api/.libs/*.so"))
		for name in ("contacts", "conversations", "direct", "group", "history", "messages", "presence", "receipts", "store_memory",
				"typing"):
			found += glob.glob(os.path.join(build, f"modules/{name}/.libs/*.so"))
		for path in found:
			shutil.copy(path, self.folder)
		with open(os.path.join(self.folder, "bad_file.so"), "w") as file:
			file.write("this is no shared object\n")
		for name in os.listdir(self.folder):
			os.chmod(os.path.join(self.folder, name), 0o755)
		self.server, self.servers = None, []

	def load(self, *modules, core="", sections=""):
		self.server = Server(self.build, self.folder, modules, core, sections)
		self.servers.append(self.server)
		return self.server

	def end(self):
		for server in self.servers:
			server.end()
		self.servers = []

	def has(self, name):
		return os.path.exists(os.path.join(self.folder, name + ".so"))


def expect(what, is_so):
	if not is_so:
		raise Wrong(what)


def one_line(server, pattern):
	found = server.troubles()
	expect(f"expected one line, got {len(found)}", len(found) == 1)
	expect(f"expected {pattern!r}", re.search(pattern, found[0]))


def refused(bench, modules, status, pattern, core="", sections="", options=("--check",)):
	server = bench.load(*modules, core=core, sections=sections).start(*options)
	expect(f"exit status {server.process.returncode}", server.exit_status() == status)
	one_line(server, pattern)


def data_of(answer):
	expect(f"answer {answer}", answer["code"] == 0)
	return answer["data"]


def told(server, word, count=None):
	"""The lines of api_notice that begin with this word, once there are so many."""
	deadline = time.monotonic() + SECONDS
	while True:
		lines = json.loads(server.get("/m/api_notice")[2])["data"]
		found = [line for line in lines if line.split()[0] == word]
		if count is None or len(found) >= count or time.monotonic() > deadline:
			return found
		time.sleep(0.01)


def control(server, command, **args):
	"""One question over the control socket; its answer."""
	with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
		line.settimeout(SECONDS)
		line.connect(os.path.join(server.folder, "nunciod.ctl"))
		line.sendall(json.dumps({"command": command, "args": args}).encode() + b"\n")
		return json.loads(line.makefile().readline())
