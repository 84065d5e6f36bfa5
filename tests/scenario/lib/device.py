# SPDX-License-Identifier: MIT
"""A client that keeps what it hears: built from live notifies, answers and sync only, like a real one's store.

It heals nothing that PROTOCOL.md does not tell clients to heal: after coming into a group (again) that shows what was
before, it reads the history there. Anything else that is missing or wrong is a fault of the server.
"""
import json

from . import wire
from .reference import plain

CHANGES = ("message.edit", "message.recall", "message.react", "message.pin", "message.unpin")
EVENT_OPS = ("message.new", "message.changed", "group.changed")


def order(event):
	return event.get("changed", 0)


class Device:
	def __init__(self, server, user, name, faults):
		self.server, self.user, self.name, self.faults = server, user, name, faults
		self.client = None
		self.sent = {}  # seq of a request -> (op, data)
		self.forget()

	def __str__(self):
		return f"{self.user}/{self.name}"

	def forget(self):
		"""As if the app had been installed anew."""
		self.cursor = None
		self.events = {}    # conversation -> {seq: event without `message`}
		self.hidden = {}    # conversation -> (upto, set)
		self.settings = {}  # conversation -> {}
		self.marks = {}     # (conversation, user) -> [delivered, read]
		self.must = {}      # the same: what it has to have heard at least
		self.to_read = set()  # conversations whose past is to be read
		self.to_list = False  # came into one: what one had set there before is in its row

	# ---- coming and going

	def connect(self, limit):
		self.client = self.server.client(self.user, device=self.name)
		self.last_live = {}
		if self.cursor is None:
			self.load(limit)
		else:
			self.sync(limit)

	def drop(self, politely):
		try:
			if self.client and politely:
				self.client.say_close()
			elif self.client:
				self.client.drop()
		except (wire.Closed, wire.Silence, OSError):
			pass  # it had gone already
		self.client = None
		self.sent = {}

	def data(self, op, data=None):
		packet = self.client.call(op, data or {}, timeout=10)
		assert packet["code"] == 0, f"{self}: {op} {data} answers {packet['code']} {packet['message']}"
		return packet["data"]

	def load(self, limit):
		"""What to do after `gap`: the list, and the history of each."""
		answer = self.data("sync")
		assert answer["gap"] and not answer["events"], f"{self}: sync without a cursor: {answer}"
		self.cursor = answer["cursor"]
		for row in self.rows(limit):
			self.raise_mark(row["conversation"], self.user, row["delivered"], row["read"])
			self.to_read.add(row["conversation"])
		self.read_past(limit)

	def rows(self, limit):
		after, rows = None, []
		while True:
			page = self.data("conversation.list", {"limit": limit, **({"after": after} if after else {})})
			rows += page["conversations"]
			after = page["next"]
			if not after:
				break
		for row in rows:
			self.settings[row["conversation"]] = row["settings"]
		return rows

	def sync(self, limit):
		while True:
			answer = self.data("sync", {"cursor": self.cursor, "limit": limit})
			if answer["gap"]:
				self.faults.append(f"{self}: sync with a good cursor says gap")
			last = {}
			for event in answer["events"]:
				if event["seq"] <= last.get(event["conversation"], 0):
					self.faults.append(f"{self}: {event['conversation']} {event['seq']} is not behind in its page")
				last[event["conversation"]] = event["seq"]
				self.take(event)
			for mark in answer["receipts"]:
				self.raise_mark(mark["conversation"], mark["user"], mark["delivered"], mark["read"])
			for record in answer["records"]:
				self.take_record(record)
			self.cursor = answer["cursor"]
			if not answer["more"]:
				return

	def read_past(self, limit):
		for conversation in sorted(self.to_read):
			for event in self.history(conversation, limit):
				self.take(event)
		self.to_read.clear()
		if self.to_list:
			self.to_list = False
			self.rows(limit)

	def history(self, conversation, limit, after=0):
		events = []
		while True:
			page = self.data("history.query", {"conversation": conversation, "after": after, "limit": limit})
			events += page["events"]
			if not page["more"]:
				return events
			after = events[-1]["seq"]

	# ---- what comes

	def put(self, conversation, event):
		events = self.events.setdefault(conversation, {})
		have = events.get(event["seq"])
		if have is None or have["event"] == "hidden" or \
				(event["event"] != "hidden" and order(event) >= order(have)):
			events[event["seq"]] = event

	def take(self, event):
		conversation, flat = event["conversation"], plain(event)
		message = flat.pop("message", None)
		if flat["event"] == "hidden":
			self.hide(conversation, {"upto": 0, "seqs": [flat["seq"]]})
		self.put(conversation, flat)
		if message:
			self.put(conversation, message)
		comes = flat["event"] == "group" and flat["kind"] in ("created", "joined") and \
			(self.user in flat["body"]["users"] or flat["kind"] == "created")
		seqs = self.events[conversation]
		self.to_list = self.to_list or comes
		if comes and flat["body"]["history"] and any(seq not in seqs for seq in range(1, flat["seq"])):
			self.to_read.add(conversation)

	def hide(self, conversation, hidden):
		upto, seqs = self.hidden.get(conversation, (0, set()))
		upto = max(upto, hidden["upto"])
		self.hidden[conversation] = upto, seqs | set(hidden["seqs"])

	def raise_mark(self, conversation, user, delivered, read):
		mark = self.marks.setdefault((conversation, user), [0, 0])
		mark[0], mark[1] = max(mark[0], delivered), max(mark[1], read)

	def take_record(self, record):
		if record["space"] == "conversations":
			self.settings[record["key"]] = record["value"] or {}
		elif record["space"] == "history.hidden":
			self.hide(record["key"], record["value"])

	def take_live(self, packet):
		op, data = packet["op"], packet["data"]
		if op in EVENT_OPS:
			conversation = data["conversation"]
			if data["seq"] <= self.last_live.get(conversation, 0):
				self.faults.append(f"{self}: {conversation} {data['seq']} came live after "
					f"{self.last_live[conversation]}")
			self.last_live[conversation] = data["seq"]
			self.take(data)
		elif op == "receipt":
			for mark in data.get("members", [data]):
				self.raise_mark(data["conversation"], mark["user"], mark["delivered"], mark["read"])
		elif op == "message.hidden":
			self.hide(data["conversation"], data["hidden"])
		elif op == "conversation.changed":
			self.settings[data["conversation"]] = data["settings"]
		elif op in ("error", "session.closing", "session.resync"):
			self.faults.append(f"{self}: {json.dumps(packet)}")

	# ---- asking

	def send(self, op, data):
		seq = self.client.send(op, data)
		self.sent[seq] = op, data
		return seq

	def answer(self, seq):
		"""Waits for it; what it tells goes into the store."""
		packet = self.client.answer(seq, timeout=10)
		self.drain()
		return packet

	def ask(self, op, data):
		return self.answer(self.send(op, data))

	def drain(self):
		"""Files all that has come, in its order: notifies, and answers to what was sent."""
		for packet in self.client.notifies:
			self.take_live(packet)
		self.client.notifies.clear()
		for seq, packet in self.client.responses.items():
			op, data = self.sent.pop(seq, (None, None))
			if op and packet["code"] == 0:
				self.take_answer(op, data, packet["data"])

	def take_answer(self, op, data, answer):
		if op == "message.send":
			event = {"event": "message", "kind": "text", "seq": answer["seq"], "from": self.user,
				**{key: value for key, value in data.items() if key != "to"}}
			if event["seq"] not in self.events.setdefault(answer["conversation"], {}):
				self.events[answer["conversation"]][event["seq"]] = event
		elif op in CHANGES:
			self.put(data["conversation"], plain(answer["message"]))
		elif op in ("message.read", "message.confirm"):
			self.raise_mark(data["conversation"], self.user, data["seq"],
				data["seq"] if op == "message.read" else 0)
		elif op in ("message.hide", "conversation.clear"):
			self.hide(data["conversation"], answer["hidden"])
		elif op == "conversation.update":
			self.settings[data["conversation"]] = answer["settings"]

	def pump(self, seconds):
		try:
			self.client.pump(seconds)
		except wire.Silence:
			pass
		self.drain()

	# ---- is it what it should be

	def differences(self, reference):
		"""What is not as the reference says; it may still be on its way."""
		wrong = []
		for conversation, log in reference.logs.items():
			window = reference.window(self.user, conversation)
			have = self.events.get(conversation, {})
			is_there = log.member(self.user) is not None
			if window is None or not log.last or not (is_there or have):
				continue
			wrong += self.compare_log(reference, conversation, have)
			if is_there:
				wrong += self.compare_own(reference, conversation)
		return wrong

	def compare_log(self, reference, conversation, have):
		wrong = []
		until = reference.window(self.user, conversation)[1]
		for seq in reference.seqs(self.user, conversation):
			want = reference.shown(self.user, conversation, seq)
			message = want.get("message", want)
			if until and max(order(want), order(message)) > until:
				continue  # changed after they had left: they hear nothing of it
			if seq in have:
				mine = reference.shown(self.user, conversation, seq, have)
			if seq not in have or mine != want:
				wrong.append(f"{self}: {conversation} {seq} is here "
					f"{json.dumps(mine) if seq in have else 'missing'}, should be {json.dumps(want)}")
		return wrong

	def compare_own(self, reference, conversation):
		wrong = []
		upto, seqs = self.hidden.get(conversation, (0, set()))
		visible = reference.seqs(self.user, conversation)
		mine = [seq for seq in visible if seq <= upto or seq in seqs]
		want = [seq for seq in visible if reference.is_hidden(self.user, conversation, seq)]
		if mine != want:
			wrong.append(f"{self}: {conversation} hidden is here {mine}, should be {want}")
		mine = self.settings.get(conversation, {})
		want = reference.settings.get((self.user, conversation), {})
		if mine != want:
			wrong.append(f"{self}: {conversation} settings are here {mine}, should be {want}")
		log = reference.logs[conversation]
		for user in log.present():
			delivered, read = self.marks.get((conversation, user), (0, 0))
			low = self.must.get((conversation, user), (0, 0))
			member = log.members[user]
			if not (low[0] <= delivered <= member.delivered and low[1] <= read <= member.read):
				wrong.append(f"{self}: {conversation} {user} has here delivered {delivered}, read {read}; should be "
					f"{low[0]}..{member.delivered}, {low[1]}..{member.read}")
		return wrong
