# SPDX-License-Identifier: MIT
"""Traffic that remembers what it said and heard, and the look at what became of it.

Senders keep what was answered, receivers what reached them, each for ever; a Look reads the history and compares. Who
breaks what meanwhile is the matter of the scripts that use this.
"""
import collections
import random
import threading
import time

from . import wire

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
			if packet["code"] >= 5000 and self.patience():
				continue
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

	def patience(self):
		"""Waits a little; False: a server that is busy is a fault."""
		return False

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


class StubbornSender(Sender):
	"""Gives nothing up: what is not stored is said again with its client_id, on the next connection too.

	`pace`: the pause after each answer, so that the logs stay as long as can be looked through.
	"""

	def __init__(self, server, name, peers, seed, pace=0.01):
		super().__init__(server, name, peers, seed)
		self.pace = pace
		self.open = []          # client_ids without an answer that counts
		self.answered = []      # when messages were acknowledged
		self.conversations = set()
		self.codes = collections.Counter()  # answers that did not count
		self.losses = 0         # of connections
		self.ending = False     # says nothing new

	def is_over(self):
		return self.stopping or (self.ending and not self.open)

	def run(self):
		while not self.is_over():
			try:
				self.talk(self.server.client(self.name, device="s"))
			except ENDS:
				self.losses += 1
				time.sleep(0.1)

	def talk(self, client):
		flight, again = [], list(self.open)
		while not self.is_over():
			while len(flight) < WINDOW and (again or not self.ending):
				if not again:
					again.append(self.next_message())
					self.open.append(again[0])
				client_id = again.pop(0)
				flight.append((self.send(client, client_id), client_id))
			seq, client_id = flight.pop(0)
			packet = client.answer(seq, timeout=30)
			client.responses.pop(seq)
			client.notifies.clear()
			if not self.settle(client_id, packet):
				again.append(client_id)
			time.sleep(self.pace)
		client.pipe.close()

	def settle(self, client_id, packet):
		"""False: to be said again."""
		self.take(client_id, packet)
		if packet["code"] >= 5000:
			self.codes[packet["code"]] += 1
			return False
		self.open.remove(client_id)
		if packet["code"] == 0:
			self.answered.append(time.monotonic())
			self.conversations.add(packet["data"]["conversation"])
		return True


class StubbornReceiver(Receiver):
	"""Comes back whenever its connection ends, and asks for what it missed as soon as it sees a hole."""

	def __init__(self, server, name):
		super().__init__(server, name)
		self.stopping = False
		self.holes = 0

	def patience(self):
		time.sleep(0.1)
		return not self.stopping

	def run(self):
		while not self.stopping:
			try:
				self.stay(self.connect())
			except ENDS:
				time.sleep(0.1)
		self.ahead.clear()

	def stay(self, client):
		while not self.stopping:
			try:
				self.listen(client, 0.3)
			except wire.Silence:
				pass
			if any(self.ahead.values()):
				self.holes += 1
				self.sync(client)
				self.fill()
		client.pipe.close()

	def fill(self):
		"""What had come too early, and what is still too early."""
		for events in list(self.ahead.values()):
			for seq in sorted(events):
				event = events.pop(seq, None)
				if event:
					self.take(event, "live")


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
