#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""From SQLite to MariaDB while people write: `nuncioctl store copy`, the switch, and that nothing was lost.

Usage: store_copy.py --build DIR [--shards N]

Two MariaDB servers of its own. The last line is the count of tests.
"""
import argparse
import os
import random
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import control, wire  # noqa: E402
from lib.server import Build, Server  # noqa: E402
from lib.traffic import Look, StubbornSender  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mariadb  # noqa: E402

MODULES = ("store_sqlite store_mysql auth_jwt accounts direct group history messages receipts contacts conversations "
	"devices").split()
PEOPLE = [f"p{i}" for i in range(12)]
EMPTY = "DROP DATABASE IF EXISTS nuncio; CREATE DATABASE nuncio"


class Site:
	def __init__(self, build, shards):
		self.build, self.shards = build, shards
		self.servers = []
		for _ in range(2):
			self.servers.append(mariadb.MariaDB())
			self.servers[-1].start()
		self.addresses = ", ".join(server.address("nuncio", tcp=True) for server in self.servers)

	def empty(self):
		for server in self.servers:
			server.query(EMPTY)

	def nunciod(self):
		return Server(self.build, MODULES, {
			"core": {"store": "store_sqlite", "copy_to": "store_mysql"},
			"accounts": {"hash_memory": "8K", "hash_ops": "1"},
			"store_mysql": {"servers": self.addresses, "shards": str(self.shards), "timeout": "2s"}})

	def close(self):
		for server in self.servers:
			server.stop()


def ok(client, op, **data):
	packet = client.call(op, data, timeout=10)
	assert packet["code"] == 0, f"{op} {data}: {packet['code']} {packet['message']}"
	return packet["data"]


def furnish(server):
	"""Something of everything that is kept: accounts, groups with people who came and went, changes, settings."""
	for person in PEOPLE:
		answer = server.http("POST", "/api/v1/users", {"id": person, "password": "correct horse", "name": f"Name of {person}"})
		assert answer.status == 201, answer.body
	answer = server.http("DELETE", "/api/v1/users/p11", {"password": "correct horse"}, user="p11")
	assert answer.status == 204, answer.body
	clients = {person: server.client(person, device="x") for person in PEOPLE[:8]}
	ann = clients["p0"]
	group = ok(ann, "group.create", group="all", name="Everybody", members=PEOPLE[1:6])["conversation"]
	talk(clients, group)
	for client in clients.values():
		client.say_close()
	return group


def talk(clients, group):
	ann, bob = clients["p0"], clients["p1"]
	for i in range(30):
		ok(ann, "message.send", to={"conversation": group}, client_id=f"g{i}", body=f"to all {i}",
			**({"mentions": ["p2"]} if i % 7 == 0 else {}))
		ok(bob, "message.send", to={"user": f"p{2 + i % 6}"}, client_id=f"d{i}", body=f"to one {i} \u4f60\u597d")
	ok(ann, "message.send", to={"conversation": group}, client_id="all", body="look", mention_all=True)
	ok(ann, "message.edit", conversation=group, seq=5, body="edited")
	ok(ann, "message.recall", conversation=group, seq=9)
	ok(bob, "message.react", conversation=group, seq=6, emoji="+1")
	ok(ann, "message.pin", conversation=group, seq=7)
	ok(clients["p5"], "group.leave", group="all")
	ok(bob, "message.read", conversation=group, seq=20)
	ok(bob, "conversation.update", conversation=group, muted=True)
	ok(ann, "message.hide", conversation=group, seqs=[8])
	ok(ann, "contact.request", user="p3")
	ok(clients["p3"], "contact.accept", user="p0")
	ok(ann, "block.add", user="p4")


def pages(client, op, member, **data):
	rows, after = [], None
	while True:
		answer = ok(client, op, **data, **({"after": after} if after else {}))
		rows += answer[member]
		after = answer.get("next")
		if not after:
			return rows


def history_of(client, conversation):
	events, after = [], 0
	while True:
		packet = client.call("history.query", {"conversation": conversation, "after": after, "limit": 100})
		if packet["code"] != 0:
			return packet["code"]
		events += packet["data"]["events"]
		if not packet["data"]["more"]:
			return events
		after = events[-1]["seq"]


def picture(server, people, group):
	"""All that people can see, but cursors of sync."""
	seen = {}
	for person in people:
		client = server.client(person, device="x")
		rows = pages(client, "conversation.list", "conversations", limit=50)
		seen[person, "list"] = sorted(rows, key=lambda row: row["conversation"])
		for row in rows:
			seen[person, row["conversation"]] = history_of(client, row["conversation"])
		for op, data in (("contact.list", {}), ("block.list", {}), ("group.info", {"group": "all"}),
				("group.members", {"group": "all"})):
			packet = client.call(op, data)
			seen[person, op] = packet["code"], packet.get("data")
		client.say_close()
	for person in PEOPLE:
		answer = server.http("GET", f"/api/v1/users/{person}", user="p0")
		seen["account", person] = answer.status, answer.json().get("data")
		answer = server.http("POST", "/api/v1/auth/login", {"user": person, "password": "wrong horse!"})
		seen["login", person] = answer.status
	return seen


class Records(threading.Thread):
	"""Keeps changing what is kept beside messages."""

	def __init__(self, server, group):
		super().__init__(daemon=True)
		self.server, self.group = server, group
		self.stopping, self.turns = False, 0

	def run(self):
		client = self.server.client("p1", device="records")
		try:
			while not self.stopping:
				self.turn(client)
		except wire.Silence:
			pass  # marks are kept back while nothing can be written

	def turn(self, client):
		self.turns += 1
		client.call("conversation.update", {"conversation": self.group, "muted": bool(self.turns % 2)})
		client.call("message.read", {"conversation": self.group, "seq": 1 + self.turns % 30})
		client.call("message.react", {"conversation": self.group, "seq": 1 + self.turns % 30, "emoji": "+1"})
		client.call("block.add", {"user": f"p{6 + self.turns % 3}"})
		client.call("block.remove", {"user": f"p{6 + (self.turns + 1) % 3}"})


def crowd(server, seed):
	dice = random.Random(seed)
	return [StubbornSender(server, f"s{i}", [PEOPLE[i % 8], f"s{(i + 1) % 4}"], dice.random(), pace=0.002) for i in range(4)]


def moved_in_traffic(site):
	"""A rehearsal, then in earnest; the servers are exchanged; senders go on; nothing is lost, all is as it was."""
	site.empty()
	server = site.nunciod()
	try:
		server.start()
		group = furnish(server)
		senders = crowd(server, 1)
		records = Records(server, group)
		for thread in (*senders, records):
			thread.start()
		time.sleep(0.5)
		first = control.asked(server, "store", "copy", "rehearsal=true")
		assert first["writes_refused"] is False and first["events"] > 100, first
		before = sum(len(s.acked) for s in senders)
		control.eventually(lambda: sum(len(s.acked) for s in senders) > before + 50)
		moved = control.asked(server, "store", "copy")
		assert moved["writes_refused"] is True, moved
		print(f"    {moved}")
		answer = server.http("GET", "/readyz")
		assert answer.status == 503 and b"a copy takes over" in answer.body, answer.body
		busy = server.client("p0").call("message.send", {"to": {"user": "p1"}, "client_id": "late", "body": "x"})
		assert busy["code"] == 5001, busy
		records.stopping = True
		records.join(20)
		people = PEOPLE[:8] + [s.name for s in senders]
		seen = picture(server, people, group)
		server.stop()
		server.modules.remove("store_sqlite")
		server.settings["core"].update(store="store_mysql", copy_to=None)
		server.settings["store_mysql"]["start_without"] = "fail"
		server.start()
		for sender in senders:
			sender.ending = True
		for sender in senders:
			sender.join(30)
		look = Look(server, senders, [])
		assert not look.faults, look.faults
		assert look.found == sum(len(s.said) for s in senders), (look.found, sum(len(s.said) for s in senders))
		print(f"    sent {sum(len(s.said) for s in senders)}, acknowledged {sum(len(s.acked) for s in senders)}, found "
			f"{look.found}, duplicates {look.duplicates}, lost {look.lost}; records changed {records.turns} times")
		for wrong in check_same(server, people, group, seen):
			raise AssertionError(wrong)
		found = server.client("p2").call("history.search", {"text": "edited"})
		until = time.monotonic() + 10
		while not found["data"]["found"] and time.monotonic() < until:
			time.sleep(0.2)
			found = server.client("p2").call("history.search", {"text": "edited"})
		assert [one["message"]["seq"] for one in found["data"]["found"]] == [5], found
		server.stop()
		return server.verdict()
	finally:
		server.kill()
		server.remove()


def check_same(server, people, group, seen):
	"""Senders have gone on meanwhile: what they have said since is cut off. The rest is what it was."""
	after = picture(server, people, group)
	wrong = []
	for key, value in seen.items():
		now = after[key]
		if isinstance(value, list) and value and "seq" in value[0]:
			now = now[:len(value)]
		elif key[1] == "list":
			value, now = [[row for row in rows if ":s" not in row["conversation"]] for rows in (value, now)]
		if value != now:
			wrong.append(f"{key}: {str(value)[:600]} became {str(now)[:600]}")
	return wrong


def refused_halfway(site):
	"""MariaDB dies in the middle: the copy fails and says so, nothing else changes; what is half there opens for nobody,
	and the next copy begins from nothing."""
	site.empty()
	server = site.nunciod()
	try:
		server.start()
		group = furnish(server)
		much(server)
		results = []
		thread = begun(site, server, results)
		site.servers[1].kill()
		thread.join(60)
		assert results and results[0].status != 0, results and str(results[0])
		ok(server.client("p0"), "message.send", to={"user": "p1"}, client_id="after", body="still here")
		assert server.http("GET", "/readyz").status == 200
		site.servers[1].start()
		half = Server(site.build, "store_mysql auth_jwt direct".split(), {"core": {"store": "store_mysql"},
			"store_mysql": {**server.settings["store_mysql"], "start_without": "fail"}})
		half.start(wait=False)
		assert half.process.wait(20) != 0 and "did not come to its end" in half.log_text(), half.log_text()
		half.remove()
		control.eventually(lambda: control.ctl(server, "store", "copy").status == 0, 15)
		again = control.ctl(server, "store", "copy")
		assert again.status != 0 and "store release" in again.err, str(again)
		assert control.done(server, "store", "release")
		ok(server.client("p0"), "message.send", to={"user": "p1"}, client_id="released", body="x")
		assert server.http("GET", "/readyz").status == 200
		full = control.ctl(server, "store", "copy")
		assert full.status != 0 and "something already" in full.err, str(full)
		assert group
		server.stop()
		return [line for line in server.verdict() if "copying into" not in line]
	finally:
		if site.servers[1].process.poll() is not None:
			site.servers[1].start()
		server.kill()
		server.remove()


def much(server):
	"""Enough for a copy to take its time."""
	for i in range(40):
		client = server.client(f"q{i}")
		for k in range(20):
			ok(client, "message.send", to={"user": f"q{i + 1}"}, client_id=str(k), body="x" * 2000)
		client.say_close()


def begun(site, server, results):
	"""A copy that is under way; its result comes into the list."""
	thread = threading.Thread(target=lambda: results.append(control.ctl(server, "store", "copy")))
	thread.start()
	control.eventually(lambda: site.servers[1].query("SELECT value FROM nuncio.meta WHERE name='copying'",
		check=False).stdout.strip() == "1")
	return thread


def stopped_halfway(site):
	"""SIGTERM in the middle: the server stops as ever, the operator hears it, and the next copy begins from nothing."""
	site.empty()
	server = site.nunciod()
	try:
		server.start()
		much(server)
		results = []
		thread = begun(site, server, results)
		server.stop()
		thread.join(30)
		assert results and results[0].status != 0, results and str(results[0])
		server.start()
		assert control.asked(server, "store", "copy")["events"] == 40 * 20
		server.stop()
		return server.verdict()
	finally:
		server.kill()
		server.remove()


def no_target(site):
	"""Without [core] copy_to, or when that is away, the server starts all the same and says what to do."""
	server = site.nunciod()
	server.settings["core"].pop("copy_to")
	server.modules.remove("store_mysql")
	try:
		server.start()
		answer = control.ctl(server, "store", "copy")
		assert answer.status != 0 and "copy_to" in answer.err, str(answer)
		assert control.asked(server, "store", "progress")["phase"] == "none"
		assert control.ctl(server, "store", "release").status != 0
		server.stop()
		server.modules.append("store_mysql")
		server.settings["core"]["copy_to"] = "store_mysql"
		server.settings["store_mysql"]["servers"] = f"nuncio:secret@127.0.0.1:{mariadb.free_port()}/nuncio"
		server.start()
		assert server.log_has("nothing can be copied to it")
		answer = control.ctl(server, "store", "copy")
		assert answer.status != 0 and "the log says why" in answer.err, str(answer)
		server.stop()
		return server.verdict()
	finally:
		server.kill()
		server.remove()


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--shards", type=int, default=4)
	parser.add_argument("--only", action="append", default=[])
	args = parser.parse_args()
	build = Build(args.build)
	site = Site(build, args.shards)
	passed = failed = 0
	try:
		for function in (no_target, moved_in_traffic, refused_halfway, stopped_halfway):
			if args.only and function.__name__ not in args.only:
				continue
			try:
				troubles = function(site)
				assert not troubles, troubles
				passed += 1
				print(f"ok   {function.__name__}", flush=True)
			except Exception:
				failed += 1
				print(f"FAIL {function.__name__}\n{traceback.format_exc()}", flush=True)
	finally:
		site.close()
		build.close()
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
