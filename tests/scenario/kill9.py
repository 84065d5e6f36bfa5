#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kills the server in the middle of traffic, again and again, and looks for what was lost or doubled.

Usage: kill9.py --build DIR [--rounds N] [--seed N] [--senders N]

Each round: senders write to receivers as fast as answers allow, kill -9 at a random moment, start again.
Then, with nobody sending, four things must hold:
  1. every acknowledged message is in history exactly once, with the seq and id of its answer, and the
     seq of each conversation runs 1, 2, 3 ... without a hole;
  2. what was sent but not answered, sent again with the same client_id, is stored once: either it had
     been (`duplicate`: true), or it is now;
  3. each receiver, which connects again and calls `sync` with the cursor of its last sync, has then seen
     every event of every conversation of its own exactly once and in order, live and synced together;
  4. `nuncioctl fsck` finds the database whole (of store_sqlite, which has that command).
The seed decides the moments and the sizes; it is printed, and `--seed` plays it again (the scheduler's
part in it cannot be played again). The last line is the count of checks.
"""
import argparse
import os
import random
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import control, wire  # noqa: E402
from lib.server import Build, Server  # noqa: E402

ENDS = (wire.Closed, wire.Silence, wire.Refused, OSError, ValueError)
WINDOW = 8


class Sender(threading.Thread):
	"""Keeps a few messages in flight. Remembers forever what it said and what was answered."""

	def __init__(self, server, name, peers, seed):
		super().__init__(daemon=True)
		self.server, self.name, self.peers = server, name, peers
		self.random = random.Random(seed)
		self.count = 0
		self.said = {}   # client_id -> (peer, body)
		self.acked = {}  # client_id -> (conversation, seq, id)
		self.refused = []
		self.stopping = False

	def next_message(self):
		self.count += 1
		client_id = f"{self.name}-{self.count}"
		size = self.random.choice((1, 20, 200, 200, 2000))
		body = f"{client_id} " + "x" * size
		self.said[client_id] = (self.random.choice(self.peers), body)
		return client_id

	def send(self, client, client_id):
		peer, body = self.said[client_id]
		return client.send("message.send",
			{"to": {"user": peer}, "client_id": client_id, "body": body})

	def take(self, client_id, packet):
		if packet["code"] == 0:
			data = packet["data"]
			self.acked[client_id] = (data["conversation"], data["seq"], data["id"])
		elif packet["code"] < 5000:
			self.refused.append((client_id, packet["code"], packet["message"]))

	def run(self):
		client, flight = None, []
		try:
			client = self.server.client(self.name, device="s")
			while not self.stopping:
				while len(flight) < WINDOW:
					client_id = self.next_message()
					flight.append((self.send(client, client_id), client_id))
				seq, client_id = flight.pop(0)
				self.take(client_id, client.answer(seq))
				client.responses.pop(seq)
				client.notifies.clear()
		except ENDS:
			pass
		# Answers that had come before the end count as answers.
		for seq, client_id in flight:
			if client and seq in client.responses:
				self.take(client_id, client.responses[seq])

	def again(self):
		"""Sends what has no answer once more; returns how many of those had been stored."""
		client = self.server.client(self.name, device="s")
		stored = 0
		for client_id in [c for c in self.said if c not in self.acked]:
			packet = client.answer(self.send(client, client_id))
			self.take(client_id, packet)
			stored += packet["code"] == 0 and packet["data"]["duplicate"]
		client.pipe.close()
		return stored

	def successor(self):
		"""Threads run once; the next round's one inherits everything."""
		heir = Sender(self.server, self.name, self.peers, 0)
		heir.random, heir.count = self.random, self.count
		heir.said, heir.acked, heir.refused = self.said, self.acked, self.refused
		return heir


class Receiver(threading.Thread):
	"""Keeps, like a good client, the highest seq of each conversation, and drops what it has."""

	def __init__(self, server, name):
		super().__init__(daemon=True)
		self.server, self.name = server, name
		self.high = {}     # conversation -> highest contiguous seq
		self.events = {}   # conversation -> list of (seq, id, client_id)
		self.ahead = {}    # conversation -> {seq: event} that came live before sync had filled the hole
		self.cursor = None
		self.faults = []
		self.live = 0
		self.client = None

	def take(self, event, where):
		conversation, seq = event["conversation"], event["seq"]
		high = self.high.get(conversation, 0)
		if seq <= high:
			known = self.events[conversation][seq - 1]
			if known[1] != event["id"]:
				self.faults.append(f"{conversation} seq {seq} has two ids")
			return
		if seq > high + 1:
			if where == "sync":
				self.faults.append(f"{self.name}: {conversation} jumps from {high} to {seq} in sync")
			else:
				self.ahead.setdefault(conversation, {})[seq] = event
			return
		self.high[conversation] = seq
		self.events.setdefault(conversation, []).append((seq, event["id"], event["client_id"]))
		follower = self.ahead.get(conversation, {}).pop(seq + 1, None)
		if follower:
			self.take(follower, where)

	def sync(self, client):
		"""All pages. Live notifies that came before an answer are taken after it."""
		while True:
			data = {"cursor": self.cursor} if self.cursor else {}
			packet = client.call("sync", data)
			if packet["code"] != 0:
				self.faults.append(f"{self.name}: sync answers {packet['code']} {packet['message']}")
				return
			answer = packet["data"]
			if answer["gap"] and self.cursor:
				self.faults.append(f"{self.name}: sync with a good cursor says gap")
			seen = {}
			for event in answer["events"]:
				last = seen.get(event["conversation"], 0)
				if event["seq"] <= last:
					self.faults.append(f"{self.name}: {event['seq']} after {last} in one page of sync")
				seen[event["conversation"]] = event["seq"]
				self.take(event, "sync")
			self.cursor = answer["cursor"]
			if not answer["more"]:
				return

	def listen(self, client, seconds=5.0):
		client.pump(seconds)
		self.drain(client)

	def drain(self, client):
		last = {}
		for packet in client.notifies:
			if packet["op"] == "message.new":
				self.live += 1
				event = packet["data"]
				if event["seq"] <= last.get(event["conversation"], 0):
					self.faults.append(f"{self.name}: {event['seq']} came live after "
						f"{last[event['conversation']]}")
				last[event["conversation"]] = event["seq"]
				self.take(event, "live")
				if self.live % 20 == 0:
					client.send("message.confirm", {"conversation": event["conversation"],
						"seq": event["seq"]})
		client.notifies.clear()

	def connect(self):
		client = self.server.client(self.name, device="r")
		self.sync(client)
		self.drain(client)
		return client

	def run(self):
		try:
			client = self.connect()
			while True:
				try:
					self.listen(client)
				except wire.Silence:
					pass
		except ENDS:
			pass
		self.ahead.clear()

	def successor(self):
		heir = Receiver(self.server, self.name)
		for name in ("high", "events", "cursor", "faults", "live"):
			setattr(heir, name, getattr(self, name))
		return heir


def history(client, conversation):
	events, after = [], 0
	while True:
		packet = client.call("history.query", {"conversation": conversation, "after": after, "limit": 100})
		if packet["code"] != 0:
			raise AssertionError(f"history answers {packet['code']} {packet['message']}")
		events += packet["data"]["events"]
		if not packet["data"]["more"]:
			return events
		after = events[-1]["seq"]


class Look:
	"""The state of the store after a restart, and what is wrong with it."""

	def __init__(self, server, senders, receivers):
		self.found = self.duplicates = self.lost = 0
		self.faults = []
		self.logs = {}
		owners = {}
		for sender in senders:
			for conversation, _, _ in sender.acked.values():
				owners.setdefault(conversation, sender.name)
		for name in set(owners.values()):
			client = server.client(name, device="look")
			for conversation in [c for c, owner in owners.items() if owner == name]:
				self.logs[conversation] = history(client, conversation)
			client.pipe.close()
		self.check_logs(senders)

	def check_logs(self, senders):
		where = {}
		for conversation, events in self.logs.items():
			seqs = [event["seq"] for event in events]
			if seqs != list(range(1, len(seqs) + 1)):
				self.faults.append(f"{conversation}: seq is not 1..{len(seqs)}")
			for event in events:
				key = (event["from"], event["client_id"])
				self.duplicates += key in where
				where[key] = (conversation, event["seq"], event["id"], event["body"])
		self.found = len(where)
		for sender in senders:
			for client_id, answer in sender.acked.items():
				have = where.get((sender.name, client_id))
				if have is None:
					self.lost += 1
					self.faults.append(f"lost: {client_id}, acknowledged as {answer}")
				elif have[:3] != answer or have[3] != sender.said[client_id][1]:
					self.faults.append(f"changed: {client_id} was {answer}, is {have[:3]}")
			self.faults += [f"refused: {what}" for what in sender.refused]
		if self.duplicates:
			self.faults.append(f"{self.duplicates} duplicates")


def check_receivers(server, receivers, look, faults):
	"""All come back at once; afterwards each has what the logs of its conversations have."""
	for receiver in receivers:
		client = receiver.connect()
		receiver.drain(client)
		for conversation, events in look.logs.items():
			want = [(event["seq"], event["id"], event["client_id"]) for event in events]
			mine = receiver.events.get(conversation, [])
			concerned = any(event["from"] == receiver.name for event in events) or mine
			if concerned and mine != want:
				faults.append(f"{receiver.name}: {conversation} has {len(mine)} of {len(want)} events")
		client.pipe.close()
		faults += receiver.faults
		receiver.faults = []


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--rounds", type=int, default=20)
	parser.add_argument("--seed", type=int, default=None)
	parser.add_argument("--senders", type=int, default=6)
	args = parser.parse_args()
	seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "big")
	dice = random.Random(seed)
	print(f"kill9: seed {seed}, {args.rounds} rounds, {args.senders} senders", flush=True)
	build = Build(args.build)
	server = Server(build, "store_sqlite auth_jwt direct history".split()).start()
	names = [f"r{i}" for i in range(3)]
	receivers = [Receiver(server, name) for name in names]
	# Also senders to each other: their conversations have two writers.
	senders = [Sender(server, f"s{i}", names + [f"s{(i + 1) % args.senders}"], dice.random())
		for i in range(args.senders)]
	failed = 0
	for receiver in receivers:
		receiver.sync(server.client(receiver.name, device="r"))
	for number in range(1, args.rounds + 1):
		moment = dice.uniform(0.05, 0.8) * max(1.0, wire.SLOW / 2)
		for thread in receivers + senders:
			thread.start()
		time.sleep(moment)
		alive = server.is_running()
		server.kill()
		for thread in senders + receivers:
			thread.stopping = True
			thread.join(30)
		senders = [sender.successor() for sender in senders]
		receivers = [receiver.successor() for receiver in receivers]
		server.start()
		faults = [] if alive else ["the server had died before it was killed"]
		look = Look(server, senders, receivers)
		acked = sum(len(sender.acked) for sender in senders)
		stored = sum(sender.again() for sender in senders)
		after = Look(server, senders, receivers)
		open_ends = sum(len(sender.said) - len(sender.acked) for sender in senders)
		if open_ends:
			faults.append(f"{open_ends} messages could not be sent again")
		check_receivers(server, receivers, after, faults)
		whole = control.ctl(server, "fsck" if "store_sqlite" in server.modules else "status")
		if whole.status != 0:
			faults.append(f"nuncioctl fsck: {whole}")
		faults = look.faults + after.faults + faults
		sent = sum(len(sender.said) for sender in senders)
		if after.found != sent:
			faults.append(f"{sent} messages sent, {after.found} found")
		failed += bool(faults)
		print(f"round {number:2}: killed after {moment * 1000:.0f} ms; sent {sent}, acknowledged before {acked}, "
			f"found {after.found}, stored without an answer {stored}, live "
			f"{sum(r.live for r in receivers)}, duplicates {after.duplicates}, lost {look.lost + after.lost}"
			f"{'' if not faults else ' FAIL'}", flush=True)
		for fault in faults[:10]:
			print(f"    {fault}")
	server.stop()
	troubles = server.verdict()
	for trouble in troubles:
		print(f"    {trouble}")
	failed += bool(troubles)
	if failed:
		print(f"kill9: play it again with --seed {seed}; log of the last server: {server.log_path}")
	else:
		server.remove()
	build.close()
	print(f"{args.rounds + 1 - failed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
