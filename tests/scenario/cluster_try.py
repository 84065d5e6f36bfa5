#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays a stranger with contrib/cluster/run: three nodes, a chat between two of them, again, a node killed, stop.

Usage: cluster_try.py --build DIR
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import wire  # noqa: E402
from lib.server import SOURCE, free_port  # noqa: E402

SCRIPT = os.path.join(SOURCE, "contrib", "cluster", "run")
CHECKS = []


def check(title):
	def add(function):
		CHECKS.append((title, function))
		return function
	return add


class Stage:
	def __init__(self, build):
		self.build = os.path.abspath(build)
		self.dir = tempfile.mkdtemp(prefix="nuncio-cluster-")
		os.chmod(self.dir, 0o755)
		self.port = self.free_ports()

	def free_ports(self):
		"""Three in a row, and the one of Redis 50 above the first."""
		while True:
			port = free_port()
			try:
				for other in (port + 1, port + 2, port + 50):
					with wire.socket.socket() as probe:
						probe.bind(("127.0.0.1", other))
				return port
			except OSError:
				pass

	def run(self, *args, status=0):
		done = subprocess.run([SCRIPT, "--dir", self.dir, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
			stderr=subprocess.STDOUT, timeout=300, check=False)
		said = done.stdout.decode("utf-8", "replace")
		assert done.returncode == status, f"{args}: status {done.returncode}: {said[-2000:]}"
		return said

	def start(self):
		return self.run("--build", self.build, "--port", str(self.port))

	def pid(self, *names):
		with open(os.path.join(self.dir, *names)) as file:
			return int(file.read())

	def http(self, node, *args, **how):
		return wire.http(self.port + node - 1, *args, **how)

	def token(self, node, user):
		answer = self.http(node, "POST", "/api/v1/auth/login", body={"user": user, "password": "correct horse"})
		assert answer.status == 200, answer.body
		return answer.json()["data"]["access_token"]


@check("the first start says where everybody is; each node has a web client")
def first(stage):
	said = stage.start()
	assert "--stop" in said, said
	for node in (1, 2, 3):
		assert f"http://127.0.0.1:{stage.port + node - 1}/" in said, said
		assert stage.http(node, "GET", "/readyz").status == 200
		page = stage.http(node, "GET", "/")
		assert page.status == 200 and b"<html" in page.body.lower()
	assert os.stat(os.path.join(stage.dir, "keys", "token.key")).st_mode & 0o077 == 0
	assert os.stat(os.path.join(stage.dir, "node1", "nuncio.ini")).st_mode & 0o077 == 0
	if os.geteuid() == 0:
		for pid in (("mariadb", "pid"), ("redis", "pid"), ("node1", "pid")):
			assert os.stat(f"/proc/{stage.pid(*pid)}").st_uid != 0, f"{pid[0]} runs as root"


@check("two people on two nodes write to each other, and each hears it at once")
def chat(stage):
	for name, node in (("ann", 1), ("ben", 2)):
		answer = stage.http(node, "POST", "/api/v1/users", body={"id": name, "password": "correct horse"})
		assert answer.status == 201, answer.body
	ann = wire.Client(stage.port, token=stage.token(3, "ann"))
	ben = wire.Client(stage.port + 1, token=stage.token(1, "ben"))
	time.sleep(0.3)
	assert ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "hello from node 1"})["code"] == 0
	assert ben.expect("message.new")["data"]["body"] == "hello from node 1"
	assert ben.call("message.send", {"to": {"user": "ann"}, "client_id": "1", "body": "hello from node 2"})["code"] == 0
	assert ann.expect("message.new", where=lambda data: data["seq"] == 2)["data"]["from"] == "ben"
	ann.say_close()
	ben.say_close()


@check("a new password on one node ends what was signed in on another, at once and for new connections")
def void(stage):
	old = stage.token(1, "ann")
	phone = wire.Client(stage.port + 1, token=old)
	time.sleep(1.1)
	answer = stage.http(3, "PUT", "/api/v1/users/ann", token=old,
		body={"password": "correct horse", "current_password": "correct horse"})
	assert answer.status == 200, answer.body
	assert phone.wait_closed().code == 4001
	for node in (1, 2, 3):
		assert stage.http(node, "GET", "/api/v1/users/ann", token=old).status == 401, node
		assert stage.http(node, "GET", "/api/v1/users/ann", token=stage.token(node, "ann")).status == 200, node


@check("again while it runs: everything is left alone")
def again(stage):
	pids = [stage.pid(*name) for name in (("mariadb", "pid"), ("redis", "pid"), ("node1", "pid"), ("node3", "pid"))]
	stage.start()
	assert pids == [stage.pid(*name) for name in (("mariadb", "pid"), ("redis", "pid"), ("node1", "pid"), ("node3", "pid"))]


@check("a node that was killed is started again, the others stay; what was said is there")
def killed(stage):
	before = stage.pid("node1", "pid")
	os.kill(stage.pid("node2", "pid"), signal.SIGKILL)
	stage.start()
	assert stage.pid("node1", "pid") == before
	answer = stage.http(2, "GET", "/api/v1/conversations/d:3:ann:ben/messages", token=stage.token(2, "ben"))
	assert [event["seq"] for event in answer.json()["data"]["events"]] == [1, 2], answer.body


@check("stop ends everything that was started, and only that; twice is fine")
def stop(stage):
	pids = [stage.pid(*name) for name in (("mariadb", "pid"), ("redis", "pid"), ("node1", "pid"), ("node2", "pid"),
		("node3", "pid"))]
	said = stage.run("--stop")
	for name in ("node1", "node2", "node3", "Redis", "MariaDB"):
		assert f"{name} stopped" in said, said
	assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
	assert stage.run("--stop") == ""


@check("what cannot be meant is refused")
def refused(stage):
	assert "wanted" in stage.run("--nodes", "0", status=1)
	assert "unknown option" in stage.run("--frobnicate", status=1)


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	args = parser.parse_args()
	if not os.path.exists(os.path.join(args.build, "modules", "bus_redis")):
		print("built without bus_redis (libhiredis-dev)")
		print(f"0 passed, {len(CHECKS)} failed, 0 skipped")
		return 1
	stage = Stage(args.build)
	passed = failed = 0
	try:
		for title, function in CHECKS:
			try:
				function(stage)
				passed += 1
				print(f"ok   {title}", flush=True)
			except Exception as error:
				failed += 1
				print(f"FAIL {title}: {type(error).__name__}: {error}", flush=True)
	finally:
		subprocess.run([SCRIPT, "--dir", stage.dir, "--stop"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
		if failed:
			for node in (1, 2, 3):
				try:
					with open(os.path.join(stage.dir, f"node{node}", "log")) as file:
						print("".join(file.readlines()[-8:]))
				except OSError:
					pass
		shutil.rmtree(stage.dir, ignore_errors=True)
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
