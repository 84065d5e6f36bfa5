#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A long random run against a simple model: two devices of one user, and three other users.

Usage: model.py --build DIR [--seed N] [--seeds N] [--steps N] [--every N] [--store NAME] [--trace]

Each step does something at random: sends (also again with the same client_id), edits, recalls, reacts, pins, hides,
marks as read, changes settings and groups, one by one or many at once from several devices; goes offline and comes
back with the cursor it had; kills the server in the middle of it. The answer to each single op must be the one that
lib/reference.py predicts, and after every few steps all must agree: for each user history, list with unread and
mention counts, receipts, members; and what each device has built from live notifies and sync alone.

Seed S, S+1, ... are played; `--seed S` plays one again (what the scheduler makes of ops that are under way at the same
moment cannot be played again). --store: another one than store_sqlite; without kills, if it forgets.
NUNCIO_TEST_STORE=store_mysql:16:2 plays on MariaDB. The last line is
the count of seeds.
"""
import argparse
import json
import os
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import control, wire  # noqa: E402
from lib.device import CHANGES, Device  # noqa: E402
from lib.reference import ADMIN, OWNER, Reference, direct_id, plain  # noqa: E402
from lib.server import CODES, Build, Server  # noqa: E402

MODULES = "auth_jwt direct group messages history conversations receipts".split()
USERS = "ann ben cyd dan".split()
DEVICES = (("ann", "phone"), ("ann", "desk"), ("ben", "b"), ("cyd", "c"), ("dan", "d"))
GROUPS_MAX = 3
EMOJIS = ("👍", "❤️", "ok")
ENDS = (wire.Closed, wire.Silence, OSError)
SINGLE = {"send": 30, "again": 6, "clash": 2, "reply": 4, "edit": 8, "recall": 4, "react": 10, "pin": 5, "read": 12,
	"confirm": 6, "hide": 4, "clear": 1, "settings": 4, "create": 3, "add": 6, "join": 3, "leave": 3, "remove": 4,
	"role": 5, "mute": 4, "mute_all": 3, "update": 4, "transfer": 2, "dissolve": 0.5}
TOGETHER = {"send": 30, "again": 5, "edit": 6, "recall": 3, "react": 10, "pin": 4}
WITH_MARKS = {**TOGETHER, "read": 8, "confirm": 5}
WITH_MEMBERS = {**TOGETHER, "add": 5, "leave": 4, "remove": 5, "join": 3}
STEPS = {"single": 60, "burst": 12, "drop": 6, "connect": 9, "forget": 0.7, "kill": 1.3}


class Wrong(Exception):
	pass


class Asked:
	"""An op under way: who, with which device, and what came of it."""

	def __init__(self, device, op, data):
		self.device, self.user, self.op, self.data = device, device.user, op, data
		self.seq = None
		self.packet = None
		self.is_stored = False

	def __str__(self):
		data = {key: value[:20] if isinstance(value, str) else value for key, value in self.data.items()}
		return f"{self.device} {self.op} {json.dumps(data, ensure_ascii=False)}"

	def could_be(self, seq):
		"""Whether, after its answer, the event of this seq can be its own; without an answer any can."""
		if not self.packet:
			return True
		data = self.packet.get("data") or {}
		has_seq = self.op in CHANGES or self.op == "message.send"
		return self.packet["code"] == 0 and (not has_seq or data.get("seq") == seq) and not data.get("duplicate")


def added(asked, mine, want):
	"""Who was a member already when this was decided is no part of it, though they may have left a moment later."""
	if asked.packet:
		users = [row["user"] for row in asked.packet["data"]["users"] if row["result"] == "added"] \
			if asked.packet["code"] == 0 else []
	else:
		users = want["body"].get("users", [])
	if not users or not set(users) <= set(mine["body"]["users"]):
		return {**mine, "body": None}  # this one it was not
	return {**mine, "body": {**mine["body"], "users": users}}


class Run:
	def __init__(self, build, seed, store, trace, kills):
		self.dice = random.Random(seed)
		self.server = Server(build, [store, *MODULES])
		self.reference = Reference()
		self.faults = []
		self.devices = [Device(self.server, user, name, self.faults) for user, name in DEVICES]
		self.weights = {**STEPS, "kill": STEPS["kill"] if kills else 0}
		self.is_loud, self.trace = trace, []
		self.count = self.groups = self.kills = self.ops = 0
		self.server.start()
		for device in self.devices:
			self.connect(device)

	def say(self, text):
		self.trace.append(text)
		if self.is_loud:
			print(f"    {text}", flush=True)

	def pick(self, weights):
		return self.dice.choices(list(weights), list(weights.values()))[0]

	# ---- devices

	def online(self, user=None):
		return [device for device in self.devices if device.client and user in (None, device.user)]

	def connect(self, device):
		limit = self.dice.choice((1, 3, 20, 100, 100))
		self.say(f"{device} connects, pages of {limit}")
		device.connect(limit)

	def step_connect(self):
		away = [device for device in self.devices if not device.client]
		if away:
			self.connect(self.dice.choice(away))

	def step_drop(self):
		if len(self.online()) > 1:
			device = self.dice.choice(self.online())
			self.say(f"{device} goes")
			device.drop(self.dice.random() < 0.5)

	def step_forget(self):
		device = self.dice.choice(self.devices)
		self.say(f"{device} forgets all")
		device.drop(False)
		device.forget()
		self.connect(device)

	# ---- what to do next

	def some_log(self, user, kind=None):
		"""A conversation that the user had to do with, mostly; sometimes any."""
		logs = [log for log in self.reference.logs.values() if log.last and kind in (None, log.kind)]
		mine = [log for log in logs if log.member(user)]
		return self.dice.choice(mine if mine and self.dice.random() < 0.9 else logs) if logs else None

	def some_message(self, user, own):
		"""(conversation, seq) of a message, a new one mostly; nearly always one that can be changed."""
		log = self.some_log(user)
		if not log:
			return None
		good = [event["seq"] for event in log.events if event["event"] == "message" and "recalled_at" not in event
			and (not own or event["from"] == user)]
		if not good or self.dice.random() < 0.05:
			return log.name, self.dice.randint(1, log.last + 1)
		return log.name, self.dice.choice(good[-8:] if self.dice.random() < 0.7 else good)

	def make(self, what, user):
		"""(op, data) of this sort for the user, or None where there is nothing to do it to."""
		if what in ("edit", "recall", "react", "pin", "hide"):
			place = self.some_message(user, what in ("edit", "recall") and self.dice.random() < 0.9)
			return place and self.make_change(what, {"conversation": place[0], "seq": place[1]})
		if what in ("read", "confirm", "clear", "settings"):
			log = self.some_log(user)
			return log and self.make_own(what, log)
		if what in ("send", "reply", "again", "clash"):
			return self.make_message(what, user)
		if what == "create":
			return self.make_group(user)
		log = self.some_log(user, "group")
		return log and self.make_news(what, log, user)

	def make_change(self, what, data):
		if what == "edit":
			data["body"] = self.body()
		elif what == "react":
			data["emoji"] = self.dice.choice(EMOJIS)
			if self.dice.random() < 0.4:
				data["remove"] = True
		elif what == "pin" and self.dice.random() < 0.4:
			what = "unpin"
		return "message." + what, data

	def make_own(self, what, log):
		seq = self.dice.randint(max(1, log.last - 10), log.last)
		if what == "settings":
			words = self.dice.sample(("muted", "pinned", "archived", "marked_unread"), self.dice.randint(1, 2))
			return "conversation.update", {"conversation": log.name, **{w: self.dice.random() < 0.6 for w in words}}
		if what == "clear":
			return "conversation.clear", {"conversation": log.name, "seq": self.dice.randint(1, log.last)}
		return "message." + what, {"conversation": log.name, "seq": seq}

	def body(self):
		self.count += 1
		return f"{self.count} " + self.dice.choice(("", "hello", "你好 🌍", "x" * self.dice.randint(1, 3000)))

	def make_message(self, what, user):
		said = [(log, key[1], seq) for log in self.reference.logs.values() for key, seq in log.once.items()
			if key[0] == user]
		if what in ("again", "clash"):
			said = [(log, client_id, log.events[seq - 1]) for log, client_id, seq in said]
			said = [row for row in said if "changed" not in row[2]]
			if not said:
				return None
			log, client_id, event = self.dice.choice(said[-6:])
			data = {key: event[key] for key in ("body", "reply_to", "mentions", "mention_all") if key in event}
			data.update(to={"conversation": log.name}, client_id=client_id)
			if what == "clash":
				data["body"] = self.body()
			return "message.send", data
		body = self.body()
		data = {"client_id": f"m{self.count}", "body": body}
		log = self.some_log(user, "group") if self.dice.random() < 0.65 else None
		if log:
			data["to"] = {"group": log.name[2:]} if self.dice.random() < 0.5 else {"conversation": log.name}
		else:
			data["to"] = {"user": self.dice.choice(USERS)}
		if what == "reply" and log:
			data["reply_to"] = self.dice.randint(1, log.last)
		if self.dice.random() < 0.2:
			data["mentions"] = self.dice.sample(USERS, self.dice.randint(1, 2))
		if self.dice.random() < 0.05:
			data["mention_all"] = True
		return "message.send", data

	def make_group(self, user):
		alive = [log for log in self.reference.logs.values() if log.kind == "group" and not log.record["dissolved"]]
		if len(alive) >= GROUPS_MAX:
			return None
		self.groups += 1
		others = [name for name in USERS if name != user]
		return "group.create", {"group": f"g{self.groups}", "name": f"Group {self.groups}",
			"join": self.dice.choice(("open", "invite")), "history": self.dice.random() < 0.5,
			"members": self.dice.sample(others, self.dice.randint(0, 3))}

	def make_news(self, what, log, user):
		data = {"group": log.name[2:]}
		ranks = sorted(log.present(), key=lambda name: -log.members[name].role)
		if what in ("role", "remove", "mute", "transfer", "add") and ranks and self.dice.random() < 0.6 \
				and not log.member(user):
			return None
		if what == "add":
			data["users"] = self.dice.sample(USERS, self.dice.randint(1, 2))
		elif what in ("remove", "role", "mute", "transfer"):
			data["user"] = self.dice.choice(USERS)
		if what == "role":
			data["role"] = self.dice.choice(("admin", "admin", "member"))
		elif what == "mute":
			data["seconds"] = self.dice.choice((3600, 3600, 0, 0, 0))
		elif what == "mute_all":
			data["on"] = self.dice.random() < 0.3
		elif what == "update":
			data[self.dice.choice(("name", "name", "history", "join"))] = None
			if "name" in data:
				data["name"] = self.dice.choice(("One", "Two"))
			elif "join" in data:
				data["join"] = self.dice.choice(("open", "invite"))
			else:
				data["history"] = self.dice.random() < 0.5
		return "group." + what, data

	def some_op(self, weights):
		for _ in range(20):
			device = self.dice.choice(self.online())
			made = self.make(self.pick(weights), device.user)
			if made:
				return Asked(device, *made)
		device = self.dice.choice(self.online())
		return Asked(device, *self.make("send", device.user))

	# ---- one at a time: the answer is known

	def step_single(self):
		self.play(self.some_op(SINGLE))

	def play(self, asked):
		code, event = self.reference.predict(asked.user, asked.op, asked.data)
		self.say(f"{asked}: {code}{' ' + str(event['seq']) if event else ''}")
		answer = asked.device.ask(asked.op, asked.data)
		self.ops += 1
		have = CODES.get(answer["code"], answer["code"])
		if have != code:
			raise Wrong(f"{asked}: answered {have} {answer['message']!r}, should be {code}")
		if code != "ok":
			return
		self.commit(asked, event)
		self.check_answer(asked, event, answer["data"])

	def commit(self, asked, event):
		name = self.reference.conversation_of(asked.user, asked.data)
		before = self.cursors(name, asked.user)
		self.reference.commit(asked.user, asked.op, asked.data, event)
		if asked.op in ("message.read", "message.confirm"):
			after = self.cursors(name, asked.user)
			for device in self.devices:
				if after != before and device.cursor and self.reference.logs[name].member(device.user):
					device.must[name, asked.user] = after
		elif event and event["event"] == "group" and event["kind"] in ("left", "removed", "dissolved"):
			self.forget_marks(name)

	def cursors(self, name, user):
		member = self.reference.log(name).members.get(user)
		return (member.delivered, member.read) if member else None

	def forget_marks(self, name):
		"""Cursors of who leaves are told no more, nor those of others to them; what comes then must be heard again."""
		log = self.reference.logs[name]
		for device in self.devices:
			for key in [key for key in device.must if key[0] == name]:
				if not log.member(key[1]) or not log.member(device.user):
					del device.must[key]

	def check_answer(self, asked, event, data):
		name = self.reference.conversation_of(asked.user, asked.data)
		if asked.op == "message.send":
			first = self.reference.logs[name].once[asked.user, asked.data["client_id"]]
			good = (data["conversation"], data["seq"], data["duplicate"]) == (name, first, event is None)
		elif asked.op in CHANGES:
			message = self.reference.logs[name].events[asked.data["seq"] - 1]
			good = data.get("seq") == (event and event["seq"]) and plain(data["message"]) == message
		elif asked.op == "conversation.update":
			good = data["settings"] == self.reference.settings[asked.user, name]
		else:
			return
		if not good:
			raise Wrong(f"{asked}: answered {json.dumps(data)}, which is not as the model has it")

	# ---- many at once: the log tells in which order they came

	def several(self):
		weights = self.dice.choice((TOGETHER, WITH_MARKS, WITH_MEMBERS))
		batch, edited = [], set()
		for _ in range(self.dice.randint(2, 12)):
			asked = self.some_op(weights)
			place = asked.data.get("conversation"), asked.data.get("seq")
			if asked.op == "message.edit" and place in edited:
				continue  # which of two edits was the first, the log does not tell
			edited.add(place if asked.op == "message.edit" else None)
			batch.append(asked)
			twins = [device for device in self.online(asked.user) if device is not asked.device]
			if asked.op == "message.send" and twins and self.dice.random() < 0.3:
				batch.append(Asked(twins[0], asked.op, asked.data))
		for asked in batch:
			self.say(f"{asked}: together")
			asked.seq = asked.device.send(asked.op, asked.data)
		self.ops += len(batch)
		return batch

	def step_burst(self):
		batch = self.several()
		for asked in batch:
			asked.packet = asked.device.answer(asked.seq)
		self.absorb(batch)

	def readers(self, batch):
		"""conversation -> one who may read its end, whatever the batch does to the others."""
		out = {}
		for asked in batch:
			name = self.reference.conversation_of(asked.user, asked.data)
			log = self.reference.log(name)
			owner = [user for user in log.present() if log.members[user].role == OWNER]
			if log.kind == "direct":
				out[name] = self.reference.pair(name)[0]
			elif owner:
				out[name] = owner[0]
		return out

	def absorb(self, batch):
		"""Takes the ends of the logs into the model: each event there must be one that was asked for, and allowed."""
		readers = self.readers(batch)
		for name, user in sorted(readers.items()):
			look = Device(self.server, user, "look", self.faults)
			look.client = self.server.client(user, device="look")
			for event in look.history(name, 100, self.reference.log(name).last):
				self.absorb_event(name, event, batch)
			look.drop(True)
		for asked in batch:
			self.check_together(asked)

	def absorb_event(self, name, event, batch):
		want = plain(event)
		keys = [key for key in ("event", "seq", "from", "kind", "target", "client_id") if key in want]
		for asked in batch:
			if asked.is_stored or self.reference.conversation_of(asked.user, asked.data) != name:
				continue
			if not asked.could_be(want["seq"]):
				continue
			code, mine = self.reference.predict(asked.user, asked.op, asked.data)
			mine = mine and asked.op == "group.add" and want["event"] == "group" and added(asked, mine, want) or mine
			if not mine or any(mine.get(key) != want[key] for key in keys):
				continue
			if mine["event"] in ("react", "group") and mine["body"] != want["body"]:
				continue
			asked.is_stored = True
			self.commit(asked, mine)
			self.say(f"{asked}: was {code} {mine['seq']}")
			return
		raise Wrong(f"{name}: nobody could have made this event here: {json.dumps(event)}")

	def check_together(self, asked):
		if not asked.packet:
			return
		code, data = asked.packet["code"], asked.packet.get("data") or {}
		if code >= 5000:
			raise Wrong(f"{asked}: answered {json.dumps(asked.packet)}")
		if code != 0 or asked.is_stored:
			return
		if asked.op in ("message.read", "message.confirm"):
			self.commit(asked, None)
			return
		did_nothing = data.get("duplicate") is True or (asked.op in CHANGES and "seq" not in data) or \
			(asked.op == "group.add" and all(row["result"] == "already" for row in data["users"]))
		name = self.reference.conversation_of(asked.user, asked.data)
		is_known = asked.op != "message.send" or \
			self.reference.logs[name].once.get((asked.user, asked.data["client_id"])) == data["seq"]
		if not (did_nothing and is_known):
			raise Wrong(f"{asked}: answered {json.dumps(asked.packet)}, and the log does not have it")

	# ---- kill -9

	def step_kill(self):
		batch = self.several() if self.dice.random() < 0.8 else []
		time.sleep(self.dice.choice((0, 0, 0.001, 0.003, 0.01)))
		self.say("kill -9")
		self.server.kill()
		self.kills += 1
		for asked in batch:
			try:
				while asked.seq not in asked.device.client.responses:
					asked.device.client.pump(2)
			except ENDS:
				pass
			asked.packet = asked.device.client.responses.get(asked.seq)
		for device in self.online():
			try:
				device.drain()
				while True:
					device.client.pump(2)
			except ENDS:
				device.drain()
			device.drop(False)
		self.server.start()
		self.absorb(batch)
		words = ["mysql"] if os.environ.get("NUNCIO_TEST_STORE", "").startswith("store_mysql") else []
		whole = control.ctl(self.server, *words, "fsck")
		if whole.status != 0:
			raise Wrong(f"nuncioctl fsck: {whole}")
		again = [asked for asked in batch if not asked.packet]
		users = {asked.user for asked in again}
		for device in self.devices:
			if device.user in users or self.dice.random() < 0.6 or device is self.devices[-1]:
				self.connect(device)
		for asked in again:
			if asked.op.startswith(("message.send", "message.read", "message.confirm")):
				asked.device = self.online(asked.user)[0]
				self.play(asked)

	# ---- do all agree

	def agree(self):
		for device in self.online():
			self.settle(device)
		for user in USERS:
			self.check_user(user)
		if self.faults:
			raise Wrong("; ".join(self.faults[:5]))

	def settle(self, device):
		"""What is on its way may still come; what is missing then never will."""
		deadline = time.monotonic() + 4 * wire.SLOW
		device.drain()
		device.read_past(100)
		while True:
			wrong = device.differences(self.reference)
			if not wrong:
				return
			if time.monotonic() > deadline:
				raise Wrong(f"{len(wrong)} differences; " + "; ".join(wrong[:4]))
			device.pump(0.1)
			device.read_past(100)

	def check_user(self, user):
		look = Device(self.server, user, "look", self.faults)
		look.client = self.server.client(user, device="look")
		for name, log in self.reference.logs.items():
			if self.reference.window(user, name) is not None and log.last:
				self.check_history(look, name)
			if log.kind == "group":
				self.check_group(look, log)
		self.check_list(look)
		look.drop(True)

	def check_history(self, look, name):
		want = self.reference.history(look.user, name)
		limit = self.dice.choice((7, 100, 100))
		have = [plain(event) for event in look.history(name, limit)]
		if self.dice.random() < 0.2:
			have = self.backwards(look, name, limit)
		for mine, theirs in zip(want, have):
			if mine != theirs:
				raise Wrong(f"{look.user}: {name} has in history {json.dumps(theirs)}, should be {json.dumps(mine)}")
		if len(want) != len(have):
			raise Wrong(f"{look.user}: {name} has {len(have)} events in history, should be {len(want)}")
		log = self.reference.logs[name]
		if want and log.member(look.user):
			seq = want[self.dice.randrange(len(want))]["seq"]
			have = look.data("message.receipts", {"conversation": name, "seq": seq})
			if have != self.reference.receipts(name, seq):
				raise Wrong(f"{look.user}: {name} {seq} has receipts {have}, should be "
					f"{self.reference.receipts(name, seq)}")

	@staticmethod
	def backwards(look, name, limit):
		events, before = [], {}
		while True:
			page = look.data("history.query", {"conversation": name, "limit": limit, **before})
			events = [plain(event) for event in page["events"]] + events
			if not page["more"]:
				return events
			before = {"before": events[0]["seq"]}

	def check_group(self, look, log):
		member = log.member(look.user)
		packet = look.client.call("group.members", {"group": log.name[2:], "limit": 2})
		code = CODES[packet["code"]]
		want = "not_found" if log.record["dissolved"] else "ok" if member else "not_member"
		if code != want:
			raise Wrong(f"{look.user}: group.members of {log.name} answers {code}, should be {want}")
		if code != "ok":
			return
		rows = packet["data"]["members"]
		while packet["data"]["next"]:
			packet = look.client.call("group.members", {"group": log.name[2:], "limit": 2,
				"after": packet["data"]["next"]})
			rows += packet["data"]["members"]
		have = [(row["user"], row["role"], row["muted_until"] is not None) for row in rows]
		words = ("member", "admin", "owner")
		want = [(name, words[log.members[name].role], log.members[name].is_muted) for name in log.present()]
		info = look.data("group.info", {"group": log.name[2:]})
		mine = {key: log.record[key] for key in ("name", "join", "history", "muted", "owner")}
		theirs = {key: info[key] for key in mine}
		if have != want or mine != theirs or info["members"] != len(want):
			raise Wrong(f"{look.user}: {log.name} has {have} {theirs}, should be {want} {mine}")

	def check_list(self, look):
		rows, after = [], {}
		while True:
			page = look.data("conversation.list", {"limit": self.dice.choice((2, 100)), **after})
			rows += page["conversations"]
			if not page["next"]:
				break
			after = {"after": page["next"]}
		have = {}
		for row in rows:
			row["last"] = row["last"] and plain(row["last"])
			have[row["conversation"]] = row
		want = {name: self.reference.row(look.user, name) for name in self.reference.logs}
		want = {name: row for name, row in want.items() if row}
		if len(have) != len(rows) or have.keys() != want.keys():
			raise Wrong(f"{look.user}: the list has {[row['conversation'] for row in rows]}, should be {list(want)}")
		for name, row in want.items():
			if have[name] != row:
				keys = [key for key in {*row, *have[name]} if row.get(key) != have[name].get(key)]
				raise Wrong(f"{look.user}: the list has for {name} {[(k, have[name].get(k)) for k in keys]}, should be "
					f"{[(k, row.get(k)) for k in keys]}")

	# ---- all of it

	def go(self, steps, every):
		for number in range(1, steps + 1):
			getattr(self, "step_" + self.pick(self.weights))()
			if not self.online():
				self.step_connect()
			if number % every == 0:
				self.agree()
		for device in self.devices:
			if not device.client:
				self.connect(device)
		self.agree()

	def end(self):
		for device in self.devices:
			device.drop(True)
		self.server.stop()
		return self.server.verdict()


def play(build, seed, args):
	begin = time.monotonic()
	run = Run(build, seed, args.store, args.trace, args.store != "store_memory")
	troubles = []
	try:
		run.go(args.steps, args.every)
	except (Wrong, AssertionError, *ENDS) as error:
		troubles.append(f"{type(error).__name__}: {error}")
	troubles += run.end()
	events = sum(log.last for log in run.reference.logs.values())
	print(f"{'FAIL' if troubles else 'ok  '} seed {seed}: {args.steps} steps, {run.ops} ops, {events} events in "
		f"{len(run.reference.logs)} conversations, {run.kills} kills ({time.monotonic() - begin:.1f} s)", flush=True)
	for trouble in troubles:
		print(f"    {trouble[:3000]}")
	if troubles:
		trace = os.path.join(run.server.folder, "trace.txt")
		with open(trace, "w", encoding="utf-8") as file:
			file.write("\n".join(run.trace + troubles) + "\n")
		print("".join(f"    | {line[:200]}\n" for line in run.trace[-12:]), end="")
		print(f"model: play it again with --seed {seed} --steps {args.steps} --every {args.every}; "
			f"what was done: {trace}; log: {run.server.log_path}")
	else:
		run.server.remove()
	return not troubles


def main():
	parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
	parser.add_argument("--build", required=True)
	parser.add_argument("--seed", type=int, default=None)
	parser.add_argument("--seeds", type=int, default=1, help="so many, from --seed on")
	parser.add_argument("--steps", type=int, default=400)
	parser.add_argument("--every", type=int, default=20, help="all must agree after so many steps")
	parser.add_argument("--store", default="store_sqlite")
	parser.add_argument("--trace", action="store_true", help="say everything that is done")
	args = parser.parse_args()
	seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(3), "big")
	print(f"model: seed {seed}, {args.seeds} of {args.steps} steps", flush=True)
	build = Build(args.build)
	good = sum(play(build, seed + i, args) for i in range(args.seeds))
	build.close()
	print(f"{good} passed, {args.seeds - good} failed, 0 skipped")
	return 0 if good == args.seeds else 1


if __name__ == "__main__":
	sys.exit(main())
