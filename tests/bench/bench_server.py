# SPDX-License-Identifier: MIT
"""A nunciod of its own for each measurement: fresh process, fresh data, a directory thrown away.

A server that has run one load has grown its heap and its database, so the next load would measure
the past. All that this bench knows about nuncio's configuration is in config_text() and MODULES.
"""
import contextlib
import http.client
import os
import pwd
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time

MODULES = "auth_jwt direct presence history".split()
KEY_ID = "bench"
USER = "nobody"  # whom the server becomes when the bench runs as root
START_PATIENCE_S = 30
STOP_PATIENCE_S = 30


class Trouble(Exception):
	"""Something is wrong that a slow machine does not explain."""


def config_text(server, io_threads, settings):
	sections = {
		"core": {
			"listen": server.address,
			"data_dir": server.data_dir,
			"module_path": os.path.join(server.build, "modules", "lib"),
			"log_level": "warn",
		},
		"modules": {name: "on" for name in server.modules},
		"auth_jwt": {"keys": f"{KEY_ID}:HS256:{server.key_file}"},
	}
	if "webhook" in server.modules:
		sections["webhook"] = {"keys": server.key_file}
	if os.geteuid() == 0:
		sections["core"]["user"] = USER
	if io_threads is not None:
		sections["core"]["io_threads"] = io_threads
	for name, value in settings:
		section, _, key = name.partition(".")
		sections.setdefault(section, {})[key] = value
	lines = []
	for section, values in sections.items():
		lines.append(f"[{section}]")
		lines += [f"{key} = {value}" for key, value in values.items()]
		lines.append("")
	return "\n".join(lines)


def find_program(build):
	for place in ("nunciod", "src/nunciod"):
		path = os.path.join(build, place)
		if os.access(path, os.X_OK):
			return path
	raise SystemExit(f"{build}: no nunciod here; build it first")


class Server:
	"""Use it in a `with` block: at its end the server was stopped and must have ended well."""

	def __init__(self, build, parent, address, io_threads, settings, modules=(), store="store_sqlite"):
		self.build = build
		self.modules = [store, *MODULES, *modules]
		self.address = address
		self.folder = tempfile.mkdtemp(prefix="nuncio-bench-", dir=parent)
		self.data_dir = os.path.join(self.folder, "data")
		self.key_file = os.path.join(self.folder, "hs256.key")
		self.log_path = os.path.join(self.folder, "log")
		self.config = os.path.join(self.folder, "nuncio.ini")
		os.mkdir(self.data_dir, 0o700)
		with open(self.key_file, "w", opener=lambda p, f: os.open(p, f, 0o600)) as file:
			file.write(secrets.token_hex(32))
		with open(self.config, "w") as file:
			file.write(config_text(self, io_threads, settings))
		self.give_away()
		self.process = None

	def give_away(self):
		if os.geteuid() != 0:
			return
		who = pwd.getpwnam(USER)
		os.chmod(self.folder, 0o755)
		for path in (self.data_dir, self.key_file):
			os.chown(path, who.pw_uid, who.pw_gid)

	def __enter__(self):
		with open(self.log_path, "wb") as log:
			self.process = subprocess.Popen([find_program(self.build), "--config", self.config],
				stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
		try:
			self.wait_ready()
		except BaseException:
			self.process.kill()
			self.process.wait()
			shutil.rmtree(self.folder, ignore_errors=True)
			raise
		return self

	def wait_ready(self):
		host, port = self.address.split(":")
		deadline = time.monotonic() + START_PATIENCE_S
		while self.process.poll() is None and time.monotonic() < deadline:
			try:
				connection = http.client.HTTPConnection(host, int(port), timeout=2)
				connection.request("GET", "/readyz")
				if connection.getresponse().status == 200:
					return
			except (OSError, http.client.HTTPException):
				pass
			finally:
				connection.close()
			time.sleep(0.02)
		raise Trouble("nunciod does not become ready: " + self.log_end())

	def __exit__(self, kind, value, trace):
		"""A trouble of the load comes first: it is the reason, the server's end the consequence."""
		try:
			status = self.stop()
			if status != 0 and kind is None:
				raise Trouble(f"nunciod ended with status {status}: " + self.log_end())
			if isinstance(value, Trouble):
				value.args = (f"{value}; end of the log: {self.log_end()}",)
		finally:
			shutil.rmtree(self.folder, ignore_errors=True)

	def rows(self):
		"""How many rows each table of the store has, while it runs."""
		with contextlib.closing(sqlite3.connect(os.path.join(self.data_dir, "nuncio.db"))) as db:
			names = [name for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
			return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}

	def stop(self):
		if self.process.poll() is None:
			self.process.terminate()
		try:
			return self.process.wait(STOP_PATIENCE_S)
		except subprocess.TimeoutExpired:
			self.process.kill()
			self.process.wait()
			raise Trouble("nunciod did not stop after SIGTERM: " + self.log_end()) from None

	def log_end(self):
		with open(self.log_path, "rb") as file:
			return file.read()[-1500:].decode("utf-8", "replace").strip() or "(its log is empty)"
