# SPDX-License-Identifier: MIT
"""Starts the built nunciod in a throw-away directory, and finds out how it fared.

A run is bad when the process ended by itself, when it did not stop after SIGTERM, when a sanitizer
wrote a report, or when its log has an ERROR or FATAL line that the test did not announce.
Processes are ended by their own id, never by name.
"""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import promises, storage, wire
from .tokens import Keys

REPORT = re.compile(r"ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
	r"|UndefinedBehaviorSanitizer|CHECK failed|Assertion .* failed")
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
USER = os.environ.get("NUNCIO_TEST_USER", "nobody")
CHAT = "store_sqlite auth_jwt accounts direct presence history echo".split()
port_lock = threading.Lock()
ports_given = set()


class Trouble(Exception):
	"""The server did something that no test asked for."""


def free_port():
	"""A port that nobody listens on, from NUNCIO_TEST_PORTS ('first-last') if that is set."""
	span = os.environ.get("NUNCIO_TEST_PORTS")
	with port_lock:
		first, last = map(int, span.split("-")) if span else (20000, 29999)
		count = last - first + 1
		start = first + os.getpid() * 37 % count
		for i in range(count):
			port = first + (start - first + i) % count
			if port in ports_given:
				continue
			with socket.socket() as probe:
				probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
				try:
					probe.bind(("127.0.0.1", port))
				except OSError:
					continue
			ports_given.add(port)
			return port
	raise Trouble("no free port")


class Build:
	"""A build directory: where the program and the modules are."""

	def __init__(self, folder):
		self.folder = os.path.abspath(folder)
		places = ("nunciod", "src/nunciod", "sbin/nunciod", "usr/sbin/nunciod", "bin/nunciod")
		found = [p for p in (os.path.join(self.folder, n) for n in places) if os.path.isfile(p)]
		if not found:
			raise SystemExit(f"{folder}: no nunciod here; build it first")
		self.program = found[0]
		self.modules = {}
		# The one that is least deep: packages that are being made below the build have modules, too, for a while.
		found = glob.glob(os.path.join(self.folder, "**", "*.so"), recursive=True)
		for path in sorted(found, key=lambda p: p.count(os.sep)):
			name = os.path.basename(path)[:-3]
			if os.path.isdir(os.path.join(SOURCE, "modules", name)):
				self.modules.setdefault(name, path)
		self.plugs = tempfile.mkdtemp(prefix="nuncio-modules-")
		os.chmod(self.plugs, 0o755)
		for name, path in self.modules.items():
			os.symlink(path, os.path.join(self.plugs, name + ".so"))
		# A checkout below /root is closed to the user that the server becomes.
		self.web = shutil.copytree(os.path.join(SOURCE, "contrib", "web"), os.path.join(self.plugs, "web"))
		for folder, _, files in os.walk(self.web):
			os.chmod(folder, 0o755)
			for file in files:
				os.chmod(os.path.join(folder, file), 0o644)

	def close(self):
		shutil.rmtree(self.plugs, ignore_errors=True)


def give_to_user(path):
	if os.geteuid() == 0:
		entry = pwd.getpwnam(USER)
		os.chown(path, entry.pw_uid, entry.pw_gid)
		if os.path.isdir(path):
			for name in os.listdir(path):
				give_to_user(os.path.join(path, name))


class Server:
	def __init__(self, build, modules=None, settings=None, folder=None, data_dir=None, share=None):
		"""share: a Server whose keys and store are this one's, too."""
		self.build = build
		self.folder = folder or tempfile.mkdtemp(prefix="nuncio-test-")
		os.chmod(self.folder, 0o755)
		self.modules = list(CHAT if modules is None else modules)
		self.port = free_port()
		self.keys = share.keys if share else Keys(os.path.join(self.folder, "keys"))
		self.data_dir = data_dir or os.path.join(self.folder, "data")
		os.makedirs(self.data_dir, exist_ok=True)
		give_to_user(self.data_dir)
		self.log_path = os.path.join(self.folder, "server.log")
		self.config = os.path.join(self.folder, "nuncio.ini")
		self.settings = {
			"core": {"listen": f"127.0.0.1:{self.port}", "io_threads": os.environ.get(
				"NUNCIO_TEST_IO_THREADS", "1"), "data_dir": self.data_dir,
				"module_path": build.plugs, "log_level": "info"},
			"auth_jwt": {"keys": self.keys.option(), "sign_with": "hs"},
			"accounts": {"registration": "open", "ids": "any"},
			"web": {"root": build.web},
		}
		if os.geteuid() == 0:
			self.settings["core"]["user"] = USER
		for section, values in (settings or {}).items():
			self.settings.setdefault(section, {}).update(values)
		storage.apply(self, share)
		self.process = self.promised = None
		self.announced = []
		self.variables = {} # of its environment
		self.troubles = []
		self.ready_any = not any(name.startswith("store_") for name in self.modules)

	def write_config(self, extra=""):
		give_to_user(self.keys.folder)
		lines = []
		for section, values in self.settings.items():
			if section not in ("core", "modules") and section not in self.modules:
				continue
			lines.append(f"[{section}]")
			lines += [f"{key} = {value}" for key, value in values.items() if value is not None]
			lines.append("")
		lines.append("[modules]")
		for name in self.modules + sorted(set(self.build.modules) - set(self.modules)):
			lines.append(f"{name} = {'on' if name in self.modules else 'off'}")
		with open(self.config, "w") as file:
			file.write("\n".join(lines) + "\n" + extra)
		os.chmod(self.config, 0o644)

	def environment(self):
		env = {**os.environ, **self.variables}
		env.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:abort_on_error=0")
		env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
		env.setdefault("TSAN_OPTIONS", "exitcode=66:second_deadlock_stack=1")
		return env

	def command(self, *more):
		return [self.build.program, "--config", self.config, *more]

	def promises(self):
		"""The API document of what is running now."""
		if not self.promised:
			self.promised = promises.read(self.command(), self.environment())
		return self.promised

	def start(self, wait=True):
		self.write_config()
		self.promised = None
		self.log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
		with open(self.log_path, "ab") as log:
			self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
				stderr=log, cwd=self.folder, env=self.environment())
		if wait:
			self.wait_ready()
		return self

	def wait_ready(self, seconds=10):
		deadline = time.monotonic() + seconds * wire.SLOW
		last = "no connection"
		while time.monotonic() < deadline:
			if self.process.poll() is not None:
				raise Trouble(f"nunciod ended at start with {self.process.returncode}: "
					+ self.log_text()[-1500:])
			try:
				answer = wire.http(self.port, "GET", "/readyz", timeout=1)
				if answer.status == 200 or self.ready_any:
					return
				last = f"{answer.status} {answer.body[:200]!r}"
			except (OSError, wire.Closed, wire.Silence) as error:
				last = str(error)
			time.sleep(0.02)
		self.kill()
		raise Trouble(f"nunciod is not ready after {seconds} s ({last}): " + self.log_text()[-1500:])

	def is_running(self):
		return self.process is not None and self.process.poll() is None

	def signal(self, number):
		self.process.send_signal(number)

	def kill(self):
		"""kill -9"""
		if self.is_running():
			self.process.kill()
		if self.process:
			self.process.wait()
			self.process = None

	def stop(self, seconds=10):
		"""SIGTERM, then wait; it must end by itself and with status 0."""
		if self.process is None:
			return
		if self.process.poll() is not None:
			self.troubles.append(f"nunciod ended by itself with {self.process.returncode}")
		else:
			self.process.terminate()
			self.wait_stopped(seconds)
		self.process = None

	def wait_stopped(self, seconds=10):
		try:
			status = self.process.wait(seconds * wire.SLOW)
			if status != 0:
				self.troubles.append(f"nunciod stopped with status {status}")
		except subprocess.TimeoutExpired:
			self.process.kill()
			self.process.wait()
			self.troubles.append("nunciod did not stop after SIGTERM")

	def restart(self):
		self.stop()
		self.start()

	def reload(self):
		"""SIGHUP, and waits until the log speaks of it."""
		self.write_config()
		seen = len(self.log_lines())
		self.signal(signal.SIGHUP)
		deadline = time.monotonic() + 5 * wire.SLOW
		while time.monotonic() < deadline:
			if any("reload" in line.get("message", "").lower() for line in self.log_lines()[seen:]):
				return
			time.sleep(0.01)
		raise Trouble("nothing about a reload in the log after SIGHUP")

	def log_text(self):
		try:
			with open(self.log_path, "rb") as file:
				return file.read().decode("utf-8", "replace")
		except FileNotFoundError:
			return ""

	def log_lines(self):
		lines = []
		for line in self.log_text().splitlines():
			try:
				value = json.loads(line)
			except ValueError:
				value = None
			lines.append(value if isinstance(value, dict) else {"message": line, "level": "raw"})
		return lines

	def log_has(self, text, seconds=2.0):
		deadline = time.monotonic() + seconds * wire.SLOW
		while text not in self.log_text():
			if time.monotonic() > deadline:
				return False
			time.sleep(0.02)
		return True

	def announce(self, text):
		"""This text may, and must, come in an ERROR or FATAL line."""
		self.announced.append(text)

	def verdict(self):
		"""After the stop: the list of what was wrong."""
		troubles = list(self.troubles)
		text = self.log_text()
		found = REPORT.search(text)
		if found:
			troubles.append("report in the log: " + text[found.start():found.start() + 3000])
		for line in self.log_lines():
			if str(line.get("level", "")).upper() in ("ERROR", "FATAL"):
				said = json.dumps(line, ensure_ascii=False)
				if not any(words in said for words in self.announced):
					troubles.append("not announced: " + said[:600])
		for words in self.announced:
			if not self.log_has(words, 0.1):
				troubles.append(f"the log does not have: {words}")
		return troubles

	def remove(self):
		shutil.rmtree(self.folder, ignore_errors=True)
		storage.remove(self)

	# Shorthands that every test uses.

	def token(self, user, **how):
		return self.keys.token(user, **how)

	def client(self, user, device=None, **how):
		return wire.Client(self.port, token=self.token(user), device=device, **how)

	def http(self, method, target, body=None, user=None, token=None, **how):
		if user and not token:
			token = self.token(user)
		return wire.http(self.port, method, target, body=body, token=token, **how)


def code_names():
	"""number -> name, read from the one table."""
	path = os.path.join(SOURCE, "include", "nuncio", "codes.h")
	with open(path) as file:
		rows = re.findall(r"X\((\d+), (\w+), (\d+),", file.read())
	return {int(number): name for number, name, _ in rows}


CODES = code_names()
