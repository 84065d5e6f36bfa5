#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays a stranger with contrib/quickstart: first start, again, stop, stale pid, kill -9, another port.

Usage: quickstart.py [--build DIR]    (DIR is not used: quickstart builds for itself)
"""
import argparse
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import wire  # noqa: E402
from lib.server import SOURCE, free_port  # noqa: E402

SCRIPT = os.path.join(SOURCE, "contrib", "quickstart")
CHECKS = []


def check(title):
	def add(function):
		CHECKS.append((title, function))
		return function
	return add


class Stage:
	"""What the checks share; they run in order."""

	def __init__(self):
		self.dir = tempfile.mkdtemp(prefix="nuncio-quickstart-")
		os.chmod(self.dir, 0o755)
		self.port = free_port()

	def run(self, *args, status=0):
		done = subprocess.run([SCRIPT, "--dir", self.dir, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT, timeout=900, check=False)
		said = done.stdout.decode("utf-8", "replace")
		assert done.returncode == status, f"{args}: status {done.returncode}: {said[-2000:]}"
		return said

	def path(self, *names):
		return os.path.join(self.dir, *names)

	def pid(self):
		with open(self.path("nunciod.pid")) as file:
			return int(file.read())

	def key(self):
		with open(self.path("keys", "hs256.key"), "rb") as file:
			return file.read()

	def http(self, *args, **how):
		return wire.http(self.port, *args, **how)


@check("the first start builds, makes secrets of its own, and says where and how to stop")
def first(stage):
	said = stage.run("--port", str(stage.port))
	assert f"http://127.0.0.1:{stage.port}/" in said and "--stop" in said, said
	assert stage.http("GET", "/readyz").status == 200
	page = stage.http("GET", "/")
	assert page.status == 200 and b"<html" in page.body.lower()
	key_file = os.stat(stage.path("keys", "hs256.key"))
	assert stat.S_IMODE(key_file.st_mode) == 0o600, oct(key_file.st_mode)
	stage.first_key = stage.key()
	assert len(stage.first_key) == 64
	if os.geteuid() == 0:
		assert os.stat(f"/proc/{stage.pid()}").st_uid != 0, "the server runs as root"


@check("two people sign up, and one writes to the other")
def chat(stage):
	for name in ("ann", "ben"):
		answer = stage.http("POST", "/api/v1/users", body={"id": name, "password": "correct horse"})
		assert answer.status == 201, answer.body
	login = stage.http("POST", "/api/v1/auth/login", body={"user": "ann", "password": "correct horse"})
	answer = stage.http("POST", "/api/v1/messages", token=login.json()["data"]["access_token"],
		body={"to": {"user": "ben"}, "client_id": "1", "body": "hello"})
	assert answer.status == 201, answer.body


@check("again while it runs: says so, and leaves it alone")
def again(stage):
	before = stage.pid()
	assert "already" in stage.run()
	assert stage.pid() == before and stage.http("GET", "/readyz").status == 200


@check("stop, and stop once more")
def stop(stage):
	pid = stage.pid()
	assert "stopped" in stage.run("--stop")
	assert not os.path.exists(f"/proc/{pid}")
	assert "not running" in stage.run("--stop")


@check("a pid file of before, with the number of somebody else's process")
def stale(stage):
	with open(stage.path("nunciod.pid"), "w") as file:
		file.write(f"{os.getpid()}\n")
	assert "not running" in stage.run("--stop")
	with open(stage.path("nunciod.pid"), "w") as file:
		file.write(f"{os.getpid()}\n")
	assert f"http://127.0.0.1:{stage.port}/" in stage.run()
	assert stage.pid() != os.getpid()


@check("after kill -9 it starts again; keys and accounts are as they were")
def killed(stage):
	os.kill(stage.pid(), signal.SIGKILL)
	stage.run()
	assert stage.key() == stage.first_key
	login = stage.http("POST", "/api/v1/auth/login", body={"user": "ann", "password": "correct horse"})
	assert login.status == 200, login.body


@check("another port by option; a taken one is refused with the reason")
def ports(stage):
	stage.run("--stop")
	with socket.socket() as holder:
		holder.bind(("127.0.0.1", 0))
		holder.listen()
		said = stage.run("--port", str(holder.getsockname()[1]), status=1)
		assert "in use" in said and "--port" in said, said
	stage.port = free_port()
	stage.run("--port", str(stage.port))
	assert stage.http("GET", "/readyz").status == 200
	assert stage.key() == stage.first_key


@check("in the foreground, TERM ends it; options that make no sense are refused")
def foreground(stage):
	stage.run("--stop")
	process = subprocess.Popen([SCRIPT, "--dir", stage.dir, "--foreground"], stdin=subprocess.DEVNULL,
		stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
	for _ in range(600):
		try:
			if stage.http("GET", "/readyz").status == 200:
				break
		except OSError:
			signal.sigtimedwait([], 0.1)
	process.terminate()
	assert process.wait(30) == 0
	stage.run("--port", "99999", status=1)
	stage.run("--port", "x", status=1)
	stage.run("--nonsense", status=1)


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", help="not used")
	parser.parse_args()
	stage, failed = Stage(), 0
	for number, (title, function) in enumerate(CHECKS):
		try:
			function(stage)
			print(f"ok   {title}", flush=True)
		except Exception as error:
			failed += 1
			print(f"FAIL {title}\n    {type(error).__name__}: {error}", flush=True)
			if number == 0:
				failed = len(CHECKS)
				break
	subprocess.run([SCRIPT, "--dir", stage.dir, "--stop"], stdout=subprocess.DEVNULL, check=False)
	shutil.rmtree(stage.dir, ignore_errors=True)
	print(f"{len(CHECKS) - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
