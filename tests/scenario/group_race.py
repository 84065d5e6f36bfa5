#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many admins at one group, all at once: they promote, remove, mute, leave, join, add, hand over and dissolve.

	tests/scenario/group_race.py --build DIR [--rounds N] [--seed N]

Each round is one group and eight people, each on a connection and a thread of their own, who draw what they do from
the seed. Afterwards there is one owner, or the group is dissolved; the members and roles that the server tells are
those that the events of the log make; the log is without holes; everybody who is in has been told all of it; and
nobody was answered anything but yes or a refusal. The last line is the count.
"""
import argparse
import os
import random
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import wire  # noqa: E402
from lib.server import CHAT, CODES, Build, Server  # noqa: E402

PEOPLE = [f"p{number}" for number in range(8)]
OPS_EACH = 40
FINE = {"ok", "denied", "not_member", "not_found", "conflict", "already_member", "owner_stays", "group_full", "invite_only"}


class Wrong(Exception):
	pass


def expect(what, good):
	if not good:
		raise Wrong(what)


def draw(chance, group, me):
	"""What this person does next. Dissolving is rare, so that most rounds end with a group."""
	other = chance.choice([name for name in PEOPLE if name != me])
	return chance.choice((
		("group.role", {"group": group, "user": other, "role": "admin"}),
		("group.role", {"group": group, "user": other, "role": "member"}),
		("group.remove", {"group": group, "user": other}),
		("group.mute", {"group": group, "user": other, "seconds": chance.choice((0, 60))}),
		("group.mute_all", {"group": group, "on": chance.random() < 0.5}),
		("group.update", {"group": group, "name": f"name {chance.random()}"}),
		("group.transfer", {"group": group, "user": other}),
		("group.leave", {"group": group}),
		("group.join", {"group": group}), ("group.join", {"group": group}),
		("group.add", {"group": group, "users": [other]}),
		("group.add", {"group": group, "users": PEOPLE}),
		("group.dissolve", {"group": group}) if chance.random() < 0.15 else ("group.info", {"group": group}),
	))


def play(client, me, group, seed, start, faults, answered):
	chance = random.Random(f"{seed} {me}")
	start.wait()
	try:
		for _ in range(OPS_EACH):
			op, data = draw(chance, group, me)
			name = CODES[client.call(op, data, timeout=10)["code"]]
			answered[op, name] = answered.get((op, name), 0) + 1
			expect(f"{me}: {op} was answered {name}", name in FINE)
	except Exception as error:
		faults.append(f"{type(error).__name__}: {error}")


class State:
	"""What the events make of a group."""

	def __init__(self):
		self.roles, self.is_dissolved = {}, False

	def take(self, event):
		kind, users = event["kind"], event["body"].get("users", [])
		if kind == "created":
			self.roles = {event["from"]: "owner", **{user: "member" for user in users}}
		elif kind == "joined":
			expect(f"who is in comes in: {event}", not set(users) & set(self.roles))
			self.roles.update({user: "member" for user in users})
		elif kind in ("left", "removed"):
			for user in users:
				expect(f"the owner cannot go, nor who is not in: {event}", self.roles.pop(user, "owner") != "owner")
		elif kind == "role":
			for user in users:
				expect(f"a role for who has one, not the owner: {event}", self.roles.get(user, "owner") != "owner")
				self.roles[user] = event["body"]["role"]
		elif kind == "transferred":
			expect(f"the owner hands over, to a member: {event}",
				self.roles.get(event["from"]) == "owner" and users[0] in self.roles)
			self.roles[event["from"]], self.roles[users[0]] = "admin", "owner"
		elif kind == "dissolved":
			expect(f"the owner dissolves: {event}", self.roles.get(event["from"]) == "owner")
			self.is_dissolved = True
		may = {"role": ("owner",), "removed": ("owner", "admin"), "muted": ("owner", "admin"),
			"unmuted": ("owner", "admin"), "updated": ("owner", "admin")}.get(kind)
		if may and kind != "removed":
			expect(f"who may not has done it: {event}", self.roles.get(event["from"]) in may)
		owners = [user for user, role in self.roles.items() if role == "owner"]
		expect(f"one owner after {event}: {self.roles}", len(owners) == 1)


def read_log(client, conversation):
	events, after = [], 0
	while True:
		page = client.call("history.query", {"conversation": conversation, "after": after, "limit": 100})
		expect(f"history: {page}", page["code"] == 0)
		events += page["data"]["events"]
		if not page["data"]["more"]:
			return events
		after = events[-1]["seq"]


def check(clients, group):
	conversation = f"g:{group}"
	state = State()
	logs = {name: read_log(client, conversation) for name, client in clients.items()}
	events = max(logs.values(), key=len) # who went sees it up to then only
	expect("a log without holes", [event["seq"] for event in events] == list(range(1, len(events) + 1)))
	for event in events:
		state.take(event)
	reader = next(iter(state.roles))
	if state.is_dissolved:
		expect(f"nothing after the end: {events[-1]}", events[-1]["kind"] == "dissolved")
		gone = clients[reader].call("group.info", {"group": group})
		expect(f"a dissolved group is there: {gone}", CODES[gone["code"]] == "not_found")
		return len(events), "dissolved"
	answer = clients[reader].call("group.members", {"group": group})
	expect(f"{reader} asks for the members: {answer}; {state.roles}; {events[-3:]}", answer["code"] == 0)
	members = answer["data"]["members"]
	expect(f"members {members} are not {state.roles}", {row["user"]: row["role"] for row in members} == state.roles)
	info = clients[reader].call("group.info", {"group": group})["data"]
	expect(f"the owner of {info} is not in {state.roles}", state.roles.get(info["owner"]) == "owner")
	expect(f"{info['members']} members, {len(state.roles)} by the log", info["members"] == len(state.roles))
	for name, client in clients.items():
		told = {packet["data"]["seq"] for packet in client.quiet(0.05, "group.changed")
			if packet["op"] == "group.changed" and packet["data"]["conversation"] == conversation}
		seen = {event["seq"] for event in logs[name]} if name in state.roles else set()
		came = max((event["seq"] for event in events if event["kind"] in ("joined", "created")
			and name in (*event["body"]["users"], event["from"])), default=0)
		missed = {seq for seq in seen if seq >= came} - told
		expect(f"{name} was not told of {sorted(missed)[:5]}", not missed)
	return len(events), f"{len(state.roles)} members"


def race(server, seed):
	group = f"g{seed}"
	clients = {name: server.client(name, device=f"r{seed}") for name in PEOPLE}
	owner, faults, answered = PEOPLE[0], [], {}
	made = clients[owner].call("group.create", {"name": "Race", "group": group, "join": "open", "history": True,
		"members": PEOPLE[1:]})
	expect(made, made["code"] == 0)
	for name in PEOPLE[1:5]:
		clients[owner].call("group.role", {"group": group, "user": name, "role": "admin"})
	start = threading.Barrier(len(PEOPLE))
	threads = [threading.Thread(target=play, args=(clients[name], name, group, seed, start, faults, answered))
		for name in PEOPLE]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	expect("; ".join(faults), not faults)
	count, end = check(clients, group)
	done = sum(n for (_, name), n in answered.items() if name == "ok")
	for client in clients.values():
		client.drop()
	return f"{sum(answered.values())} ops, {done} of them done, {count} events, {end}"


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--rounds", type=int, default=6)
	parser.add_argument("--seed", type=int, default=1)
	args = parser.parse_args()
	build = Build(args.build)
	server = Server(build, [*CHAT, "group"])
	passed = failed = 0
	try:
		server.start()
		for seed in range(args.seed, args.seed + args.rounds):
			try:
				print(f"ok   seed {seed}: {race(server, seed)}", flush=True)
				passed += 1
			except (Wrong, wire.Silence, wire.Closed) as error:
				print(f"FAIL seed {seed}: {error}", flush=True)
				failed += 1
		server.stop()
		troubles = server.verdict()
		for trouble in troubles:
			print(f"FAIL the server: {trouble}")
		failed += bool(troubles)
	finally:
		server.kill()
		server.remove()
		build.close()
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
