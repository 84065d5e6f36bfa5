# SPDX-License-Identifier: MIT
"""Disks that are full, read-only or not ours; ports that are taken; databases that are none."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

from lib import wire
from lib.cases import Skip, case
from lib.server import CODES, Server, Trouble, give_to_user

ROOT = os.geteuid() == 0


class Mount:
	"""A small file system of our own, if we may have one."""

	def __init__(self, size):
		if not ROOT:
			raise Skip("needs root, to mount a tmpfs")
		self.folder = tempfile.mkdtemp(prefix="nuncio-disk-")
		if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.folder],
				stderr=subprocess.DEVNULL).returncode != 0:
			raise Skip("mounting a tmpfs is not allowed here")
		give_to_user(self.folder)

	def change(self, option):
		subprocess.run(["mount", "-o", f"remount,{option}", self.folder], check=True)

	def end(self):
		subprocess.run(["umount", "-l", self.folder], check=False)
		shutil.rmtree(self.folder, ignore_errors=True)


def must_not_start(server, *words, status=1):
	"""Starts, and expects one clear refusal that has the words. Returns what was said."""
	server.write_config()
	done = subprocess.run(server.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT, timeout=20 * wire.SLOW, env=server.environment(), check=False)
	said = done.stdout.decode("utf-8", "replace")
	assert done.returncode == status, f"status {done.returncode}, not {status}: {said[-800:]}"
	for word in words:
		assert word in said, f"{word!r} is not in: {said[-800:]}"
	return said


def send_until_refused(client, body, most):
	"""Sends; returns the acknowledged client_ids and the first refusal."""
	acknowledged = []
	for i in range(most):
		packet = client.call("message.send", {"to": {"user": "bob"}, "client_id": f"d{i}", "body": body}, timeout=20)
		if packet["code"] != 0:
			return acknowledged, packet
		acknowledged.append(f"d{i}")
		client.responses.clear()
	raise AssertionError(f"{most} messages fit on a disk that is too small for them")


def wait_ready(t, status):
	"""Without any traffic: a load balancer sends none to a server that is not ready."""
	deadline = time.monotonic() + 10 * wire.SLOW
	while (answer := wire.http(t.port, "GET", "/readyz")).status != status:
		assert time.monotonic() < deadline, f"/readyz is {answer.status}, not {status}: {answer.body!r}"
		time.sleep(0.1)
	return json.loads(answer.body)


@case("a full disk: store_failed that says so, others are served, all acknowledged is there, and it heals",
	start=False)
def full_disk(t):
	disk = Mount("2m")
	try:
		t.server.data_dir = t.server.settings["core"]["data_dir"] = disk.folder
		t.server.start()
		client, other = t.client("alice"), t.client("other")
		acknowledged, refusal = send_until_refused(client, "x" * 20000, 500)
		name = CODES[refusal["code"]]
		assert name == "store_failed", refusal
		assert "full" in refusal["message"].lower(), f"the cause is not named: {refusal}"
		t.server.announce("full")
		assert acknowledged, "nothing fitted at all"
		for _ in range(5):
			assert other.call("ping", timeout=1)["code"] == 0
			assert other.call("echo", {"x": 1}, timeout=1)["data"] == {"x": 1}
			assert client.call("ping", timeout=1)["code"] == 0
		assert wire.http(t.port, "GET", "/healthz").status == 200
		answer = wait_ready(t, 503)
		assert answer["message"] == "store is not ready", answer
		assert "no space" in answer["data"]["providers"]["store"]["why"], answer
		t.server.announce("not ready")
		disk.change("size=64m")
		wait_ready(t, 200)
		packet = client.call("message.send", {"to": {"user": "bob"}, "client_id": "after", "body": "room again"}, timeout=10)
		assert packet["code"] == 0, f"does not heal: {packet}"
		bob, found, after = t.client("bob"), [], 0
		while True:
			data = bob.call("history.query", {"conversation": packet["data"]["conversation"], "after": after, "limit": 2})["data"]
			found += [event["client_id"] for event in data["events"]]
			if not data["more"]:
				break
			after = data["events"][-1]["seq"]
		assert found == acknowledged + ["after"] or set(acknowledged) <= set(found) and len(found) == len(set(found)), found
		t.server.stop()
	finally:
		disk.end()


@case("a data directory on a read-only disk: refused at start, with its path", start=False)
def read_only_disk(t):
	disk = Mount("4m")
	try:
		disk.change("ro")
		t.server.data_dir = t.server.settings["core"]["data_dir"] = disk.folder
		must_not_start(t.server, disk.folder)
	finally:
		disk.end()


@case("a data directory that is not ours: refused at start, with its path", start=False)
def foreign_directory(t):
	if not ROOT:
		raise Skip("needs root, to own a directory that the server may not write")
	os.chown(t.server.data_dir, 0, 0)
	os.chmod(t.server.data_dir, 0o755)
	must_not_start(t.server, t.server.data_dir)


@case("a data directory that is not there, or is a file: refused or made, never guessed", start=False)
def no_directory(t):
	t.server.settings["core"]["data_dir"] = os.path.join(t.server.folder, "config-is-a-file")
	with open(t.server.settings["core"]["data_dir"], "w") as file:
		file.write("no directory")
	must_not_start(t.server, "config-is-a-file")
	t.server.settings["core"]["data_dir"] = "/nonexistent/nuncio"
	must_not_start(t.server, "/nonexistent/nuncio")


@case("a database file that is no database, or a directory: refused at start, with its path", start=False)
def no_database(t):
	path = os.path.join(t.server.data_dir, "nuncio.db")
	with open(path, "wb") as file:
		file.write(b"This is no database. " * 500)
	give_to_user(t.server.data_dir)
	must_not_start(t.server, path)
	with open(path, "rb") as file:
		assert file.read(20) == b"This is no database.", "the file was overwritten"
	os.unlink(path)
	os.mkdir(path)
	must_not_start(t.server, path)


@case("a disk that is full already: what was acknowledged before stays, repeated sends are known after it heals", start=False)
def full_again(t):
	disk = Mount("16m")
	try:
		t.server.data_dir = t.server.settings["core"]["data_dir"] = disk.folder
		t.server.start()
		client, other = t.client("alice"), t.client("other")
		message = {"to": {"user": "bob"}, "client_id": "1", "body": "x"}
		assert client.call("message.send", message)["code"] == 0
		acknowledged, refusal = send_until_refused(client, "y" * 20000, 900)
		assert CODES[refusal["code"]] == "store_failed", refusal
		t.server.announce("full")
		assert other.call("ping", timeout=1)["code"] == 0
		disk.change("size=64m")
		again = client.call("message.send", message, timeout=10)
		assert again["code"] == 0 and again["data"]["duplicate"], again
		t.server.stop()
	finally:
		disk.end()


@case("a port that another program has: refused at start, with address and cause", start=False)
def taken_port(t):
	with socket.socket() as holder:
		holder.bind(("127.0.0.1", t.port))
		holder.listen()
		said = must_not_start(t.server, str(t.port))
		assert "in use" in said, said[-500:]


@case("a port that another nunciod has: refused as well, and the first one does not notice")
def taken_by_nunciod(t):
	second = Server(t.build, t.server.modules)
	second.settings["core"]["listen"] = f"127.0.0.1:{t.port}"
	try:
		said = must_not_start(second, str(t.port))
		assert "in use" in said, said[-500:]
	finally:
		second.remove()


@case("two servers on one data directory: the second is refused, and the first does not notice")
def taken_directory(t):
	second = Server(t.build, t.server.modules, data_dir=t.server.data_dir)
	try:
		must_not_start(second, t.server.data_dir)
	except (Trouble, subprocess.TimeoutExpired) as error:
		raise AssertionError(f"the second one started: {error}") from error
	finally:
		second.remove()


@case("started as root without [core] user, or with a wrong one: refused with file, line and name; no log is made", start=False)
def as_root(t):
	if not ROOT:
		raise Skip("needs root")
	t.server.settings["core"]["log"] = log = os.path.join(t.server.folder, "server.log")
	del t.server.settings["core"]["user"]
	must_not_start(t.server, "user", "root", status=78)
	for user, why in (("no-such-user-here", "no user"), ("root", "must not be root")):
		t.server.settings["core"]["user"] = user
		said = must_not_start(t.server, user, why, status=78)
		line, = (line for line in said.splitlines() if "[core] user" in line)
		path, number, rest = line.split(":", 2)
		with open(path, encoding="utf-8") as file:
			assert file.read().splitlines()[int(number) - 1] == f"user = {user}", line
	assert not os.path.exists(log), "root left a log that the server may not write"
