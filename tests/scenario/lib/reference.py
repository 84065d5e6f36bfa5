# SPDX-License-Identifier: MIT
"""A simple model of the chat: logs, members, cursors, settings of one server, as the documents say they are.

An op is (user, name, data). `predict` says what the server must answer, and which event it must append, without
changing anything; `commit` takes over what has happened. Events are what clients see, reduced to what does not
depend on the clock: `plain` makes such a one of a server's event.
"""
import copy

RECALL_DROPS = ("edited_at", "reactions", "pinned_at", "pinned_by")
MEMBER, ADMIN, OWNER = 0, 1, 2
ROLES = {"member": MEMBER, "admin": ADMIN, "owner": OWNER}


def plain(event):
	"""An event of the server without ids and times; what an event changed (`message`) likewise."""
	if event["event"] == "hidden":
		return {"event": "hidden", "seq": event["seq"]}
	out = {key: value for key, value in event.items() if key not in ("id", "sent_at", "conversation", "message")}
	for key in ("edited_at", "recalled_at", "pinned_at"):
		if key in out:
			out[key] = True
	if out["event"] == "group" and "until" in out["body"]:
		out["body"] = dict(out["body"], until=True)
	if "message" in event:
		out["message"] = plain(event["message"])
	return out


def direct_id(one, other):
	first, second = sorted((one, other), key=str.encode)
	return f"d:{len(first.encode())}:{first}:{second}"


class Member:
	def __init__(self):
		self.role = self.since = self.until = self.delivered = self.read = 0
		self.is_muted = False


class Log:
	def __init__(self, name, kind):
		self.name, self.kind = name, kind
		self.events = []
		self.members = {}
		self.once = {}  # (user, client_id) -> seq
		self.record = {}

	@property
	def last(self):
		return len(self.events)

	def present(self):
		return sorted(user for user, member in self.members.items() if not member.until)

	def member(self, user):
		"""Who is there now, or None."""
		member = self.members.get(user)
		return member if member and not member.until else None


class Reference:
	def __init__(self):
		self.logs = {}      # conversation -> Log
		self.hidden = {}    # (user, conversation) -> (upto, set of seqs)
		self.settings = {}  # (user, conversation) -> {}

	# ---- what is there

	def log(self, conversation):
		"""That of a conversation; a direct one is there for its two from the beginning."""
		if conversation not in self.logs:
			log = Log(conversation, "direct" if conversation.startswith("d:") else "group")
			if log.kind == "group":
				return log
			self.logs[conversation] = log
		return self.logs[conversation]

	def pair(self, conversation):
		_, size, rest = conversation.split(":", 2)
		return rest[:int(size)], rest[int(size) + 1:]

	def window(self, user, conversation):
		"""(since, until) of what a user may read, or None; until 0: no end."""
		log = self.logs.get(conversation)
		if log is None:
			return None
		if log.kind == "direct":
			return (0, 0) if user in self.pair(conversation) else None
		member = log.members.get(user)
		return (member.since, member.until) if member else None

	def is_hidden(self, user, conversation, seq):
		upto, seqs = self.hidden.get((user, conversation), (0, set()))
		return seq <= upto or seq in seqs

	def shown(self, user, conversation, seq, events=None):
		"""One event as a user sees it; `events` instead of the log's own: {seq: event}."""
		since, until = self.window(user, conversation)
		if self.is_hidden(user, conversation, seq):
			return {"event": "hidden", "seq": seq}
		find = events.get if events is not None else lambda at: self.logs[conversation].events[at - 1]
		event = copy.deepcopy(find(seq))
		target = event.get("target", 0)
		if target > since and not (until and target > until) and not self.is_hidden(user, conversation, target):
			event["message"] = copy.deepcopy(find(target) or {"missing": target})
		return event

	def seqs(self, user, conversation):
		since, until = self.window(user, conversation)
		last = self.logs[conversation].last
		return range(since + 1, (min(until, last) if until else last) + 1)

	def history(self, user, conversation):
		return [self.shown(user, conversation, seq) for seq in self.seqs(user, conversation)]

	def unread(self, user, conversation):
		"""(unread, of these calling the user)"""
		log = self.logs[conversation]
		member = log.member(user)
		count = mentions = 0
		for event in log.events[max(member.read, member.since):]:
			if event["event"] != "message" or "recalled_at" in event or event["from"] == user:
				continue
			if self.is_hidden(user, conversation, event["seq"]):
				continue
			count += 1
			mentions += event.get("mention_all", False) or user in event.get("mentions", [])
		return count, mentions

	def row(self, user, conversation):
		"""What conversation.list says of one's conversation; None: nothing."""
		log = self.logs[conversation]
		member = log.member(user)
		if not member or not log.last:
			return None
		unread, mentions = self.unread(user, conversation)
		others = [name for name in log.present() if name != user]
		peer = others[0] if len(others) == 1 else None
		row = {"conversation": conversation, "kind": log.kind, "peer": peer, "last_seq": log.last,
			"delivered": member.delivered, "read": member.read, "unread": unread, "mentions": mentions,
			"since": member.since, "role": member.role, "member_count": len(log.present()),
			"settings": self.settings.get((user, conversation), {}),
			"last": self.shown(user, conversation, log.last) if log.last > member.since else None}
		if peer:
			row["peer_delivered"] = log.members[peer].delivered
			row["peer_read"] = log.members[peer].read
		return row

	def receipts(self, conversation, seq):
		log = self.logs[conversation]
		rows = [(user, log.members[user]) for user in log.present()
			if user != log.events[seq - 1]["from"] and log.members[user].since < seq]
		return {"count": len(rows), "delivered": sum(m.delivered >= seq for _, m in rows),
			"read": sum(m.read >= seq for _, m in rows),
			"members": [{"user": user, "delivered": m.delivered >= seq, "read": m.read >= seq} for user, m in rows]}

	# ---- what the server must say

	def conversation_of(self, user, data):
		if "to" not in data:
			return data.get("conversation") or "g:" + data["group"]
		(way, value), = data["to"].items()
		return {"user": lambda: direct_id(user, value), "group": lambda: "g:" + value,
			"conversation": lambda: value}[way]()

	def predict(self, user, op, data):
		"""(name of the code, the event that it appends or None)"""
		log = self.log(self.conversation_of(user, data))
		decide = getattr(self, "on_" + op.replace(".", "_"))
		code, event = decide(user, log, data)
		if event:
			event = {**event, "seq": log.last + 1, "from": user}
		return code, event

	def may_read(self, user, log):
		if log.kind == "direct":
			return "ok" if user in self.pair(log.name) else "not_member"
		return "ok" if user in log.members else "not_member"

	def may_write(self, user, log):
		if log.kind == "direct":
			return self.may_read(user, log)
		member = log.member(user)
		if not member:
			return "not_member"
		if member.is_muted or (log.record["muted"] and member.role < ADMIN):
			return "muted"
		return "ok"

	def on_message_send(self, user, log, data):
		code = self.may_write(user, log)
		if code != "ok":
			return code, None
		event = {"event": "message", "kind": "text", **{key: value for key, value in data.items() if key != "to"}}
		first = log.once.get((user, data["client_id"]))
		if not first:
			return "ok", event
		old = log.events[first - 1]
		same = all(old.get(key) == event.get(key) for key in ("body", "reply_to", "mentions", "mention_all", "kind"))
		return ("ok" if same or "changed" in old else "client_id_conflict"), None

	def target(self, user, log, data, code):
		"""The message that is to be changed, or the refusal."""
		if code != "ok":
			return code, None
		member = log.member(user)
		if not member:
			return "not_member", None
		if not member.since < data["seq"] <= log.last:
			return "not_found", None
		event = log.events[data["seq"] - 1]
		if event["event"] != "message":
			return "invalid_field", None
		return ("conflict", None) if "recalled_at" in event else ("ok", event)

	@staticmethod
	def change(kind, data, body=None):
		return {"event": kind, "kind": "text", "body": body, "target": data["seq"]}

	def on_message_edit(self, user, log, data):
		code, event = self.target(user, log, data, self.may_write(user, log))
		if code == "ok" and event["from"] != user:
			code = "denied"
		is_new = code == "ok" and event["body"] != data["body"]
		return code, self.change("edit", data) if is_new else None

	def on_message_recall(self, user, log, data):
		code, event = self.target(user, log, data, self.may_read(user, log))
		if code == "ok" and event["from"] != user and log.member(user).role == MEMBER:
			code = "denied"
		return code, self.change("recall", data) if code == "ok" else None

	def on_message_react(self, user, log, data):
		code, event = self.target(user, log, data, self.may_write(user, log))
		if code != "ok":
			return code, None
		removes = data.get("remove", False)
		has = any(user in row["users"] for row in event.get("reactions", []) if row["emoji"] == data["emoji"])
		if has != removes:
			return "ok", None
		return "ok", self.change("react", data, {"emoji": data["emoji"], "removed": removes})

	def pin(self, user, log, data, kind):
		code, event = self.target(user, log, data, self.may_write(user, log))
		if code == "ok" and log.kind == "group" and log.member(user).role == MEMBER:
			code = "denied"
		is_new = code == "ok" and ("pinned_at" in event) != (kind == "pin")
		return code, self.change(kind, data) if is_new else None

	def on_message_pin(self, user, log, data):
		return self.pin(user, log, data, "pin")

	def on_message_unpin(self, user, log, data):
		return self.pin(user, log, data, "unpin")

	def on_message_read(self, user, log, data):
		code = self.may_read(user, log)
		if code == "ok" and not log.member(user):
			code = "not_found"
		return code, None

	on_message_confirm = on_message_read

	def on_conversation_clear(self, user, log, data):
		return self.may_read(user, log), None

	on_conversation_update = on_conversation_clear

	def on_message_hide(self, user, log, data):
		"""Nothing is hidden before it is there."""
		code = self.may_read(user, log)
		if code == "ok" and data["seq"] > (self.window(user, log.name)[1] or log.last):
			code = "not_found"
		return code, None

	# ---- groups

	@staticmethod
	def news(kind, body):
		return {"event": "group", "kind": kind, "body": body}

	def stands(self, user, log, role):
		"""Whether the user has at least this role in the group."""
		if not log.record or log.record["dissolved"]:
			return "not_found"
		member = log.member(user)
		if not member:
			return "not_member"
		return "ok" if member.role >= role else "denied"

	def above(self, user, log, data):
		code = self.stands(user, log, ADMIN)
		other = log.member(data["user"])
		if code == "ok" and not other:
			code = "not_found"
		elif code == "ok" and log.member(user).role <= other.role:
			code = "denied"
		return code, other

	def on_group_create(self, user, log, data):
		if log.record:
			return "exists", None
		return "ok", self.news("created", {"name": data["name"], "channel": False, "history": True,
			"users": [name for name in data["members"] if name != user]})

	def on_group_update(self, user, log, data):
		code = self.stands(user, log, ADMIN)
		new = {key: data[key] for key in ("name", "join", "history")
			if code == "ok" and key in data and data[key] != log.record[key]}
		return code, self.news("updated", new) if new else None

	def on_group_add(self, user, log, data):
		code = self.stands(user, log, MEMBER)
		if code == "ok" and log.record["join"] != "open":
			code = self.stands(user, log, ADMIN)
		users = [name for name in data["users"] if not log.member(name)]
		if code != "ok" or not users:
			return code, None
		return "ok", self.news("joined", {"users": users, "how": "add", "history": log.record["history"]})

	def on_group_join(self, user, log, data):
		if not log.record or log.record["dissolved"]:
			return "not_found", None
		if log.member(user):
			return "already_member", None
		if log.record["join"] != "open":
			return "invite_only", None
		return "ok", self.news("joined", {"users": [user], "how": "join", "history": log.record["history"]})

	def on_group_leave(self, user, log, data):
		code = self.stands(user, log, MEMBER)
		if code == "ok" and log.member(user).role == OWNER:
			code = "owner_stays"
		return code, self.news("left", {"users": [user]}) if code == "ok" else None

	def on_group_remove(self, user, log, data):
		if data["user"] == user:
			return self.on_group_leave(user, log, data)
		code, _ = self.above(user, log, data)
		return code, self.news("removed", {"users": [data["user"]]}) if code == "ok" else None

	def on_group_role(self, user, log, data):
		code = self.stands(user, log, OWNER)
		other = log.member(data["user"])
		if code == "ok":
			code = "not_found" if not other else "owner_stays" if other.role == OWNER else "ok"
		is_new = code == "ok" and other.role != ROLES[data["role"]]
		return code, self.news("role", {"users": [data["user"]], "role": data["role"]}) if is_new else None

	def on_group_mute(self, user, log, data):
		code, other = self.above(user, log, data)
		if code != "ok" or not (data["seconds"] or other.is_muted):
			return code, None
		if data["seconds"]:
			return "ok", self.news("muted", {"users": [data["user"]], "until": True})
		return "ok", self.news("unmuted", {"users": [data["user"]]})

	def on_group_mute_all(self, user, log, data):
		code = self.stands(user, log, ADMIN)
		is_new = code == "ok" and log.record["muted"] != data["on"]
		return code, self.news("all_muted" if data["on"] else "all_unmuted", {}) if is_new else None

	def on_group_transfer(self, user, log, data):
		code = self.stands(user, log, OWNER)
		other = log.member(data["user"])
		if code == "ok":
			code = "not_found" if not other else "owner_stays" if other.role == OWNER else "ok"
		return code, self.news("transferred", {"users": [data["user"]]}) if code == "ok" else None

	def on_group_dissolve(self, user, log, data):
		code = self.stands(user, log, OWNER)
		return code, self.news("dissolved", {}) if code == "ok" else None

	# ---- what has happened

	def commit(self, user, op, data, event):
		"""Takes over an op that the server has carried out, with its event if it has one."""
		name = self.conversation_of(user, data)
		if event:
			log = self.logs.setdefault(name, self.log(name))
			if log.kind == "direct" and not log.members:
				log.members = {who: Member() for who in self.pair(name)}
			log.events.append(event)
			getattr(self, "did_" + event["event"], self.did_change)(user, log, data, event)
		elif op in ("message.read", "message.confirm"):
			member, seq = self.logs[name].member(user), min(data["seq"], self.logs[name].last)
			member.delivered = max(member.delivered, seq)
			if op == "message.read":
				self.has_read(member, seq)
		elif op in ("message.hide", "conversation.clear"):
			log = self.logs[name]
			upto, seqs = self.hidden.get((user, name), (0, set()))
			if op == "message.hide":
				seqs = seqs | {data["seq"]}
			else:
				upto = max(upto, min(data["seq"], log.last))
				self.has_read(log.member(user), upto)
			self.hidden[user, name] = upto, {seq for seq in seqs if seq > upto}
		elif op == "conversation.update":
			wanted = {**self.settings.get((user, name), {}),
				**{key: value for key, value in data.items() if key != "conversation"}}
			self.settings[user, name] = {key: True for key, value in wanted.items() if value}

	@staticmethod
	def has_read(member, seq):
		"""What is cleared counts as read; who has left has no cursors."""
		if member:
			member.delivered = max(member.delivered, seq)
			member.read = max(member.read, seq)

	@staticmethod
	def did_message(user, log, data, event):
		log.once[user, data["client_id"]] = event["seq"]

	@staticmethod
	def did_change(user, log, data, event):
		message = log.events[event["target"] - 1]
		message["changed"] = event["seq"]
		kind = event["event"]
		if kind == "edit":
			message.update(body=data["body"], edited_at=True)
		elif kind == "recall":
			for key in RECALL_DROPS:
				message.pop(key, None)
			message.update(body=None, recalled_at=True, recalled_by=user)
		elif kind == "pin":
			message.update(pinned_at=True, pinned_by=user)
		elif kind == "unpin":
			del message["pinned_at"], message["pinned_by"]
		elif data.get("remove"):
			rows = [{"emoji": row["emoji"], "users": [who for who in row["users"]
				if row["emoji"] != data["emoji"] or who != user]} for row in message.pop("reactions")]
			rows = [row for row in rows if row["users"]]
			message.update({"reactions": rows} if rows else {})
		else:
			rows = message.setdefault("reactions", [])
			row = next((row for row in rows if row["emoji"] == data["emoji"]), None)
			if row is None:
				row = {"emoji": data["emoji"], "users": []}
				rows.append(row)
			row["users"].append(user)

	def did_group(self, user, log, data, event):
		kind, body, seq = event["kind"], event["body"], event["seq"]
		users = body.get("users", [])
		if kind == "created":
			log.record = {"name": data["name"], "join": data["join"], "history": data["history"], "muted": False,
				"dissolved": False, "owner": user}
		if kind in ("created", "joined"):
			for name in users + ([user] if kind == "created" else []):
				self.enters(log, name, 0 if body["history"] else seq - 1)
		if kind == "created":
			log.members[user].role = OWNER
		elif kind == "updated":
			log.record.update(body)
		elif kind in ("left", "removed", "dissolved"):
			for name in users if kind != "dissolved" else log.present():
				log.members[name].until = seq
			log.record["dissolved"] = kind == "dissolved"
		elif kind == "role":
			log.members[users[0]].role = ROLES[body["role"]]
		elif kind in ("muted", "unmuted"):
			log.members[users[0]].is_muted = kind == "muted"
		elif kind in ("all_muted", "all_unmuted"):
			log.record["muted"] = kind == "all_muted"
		elif kind == "transferred":
			log.members[user].role = ADMIN
			log.members[users[0]].role = OWNER
			log.members[users[0]].is_muted = False
			log.record["owner"] = users[0]

	@staticmethod
	def enters(log, name, since):
		member = log.members.setdefault(name, Member())
		member.role, member.until, member.is_muted, member.since = MEMBER, 0, False, since
		member.delivered, member.read = max(member.delivered, since), max(member.read, since)
