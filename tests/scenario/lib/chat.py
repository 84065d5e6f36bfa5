# SPDX-License-Identifier: MIT
"""The language of *.chat files: one statement a line, read from top to bottom.

  server [modules=a,b | with=a | without=b] [section.key=value ...]   start nunciod
  set section.key=value ...              change the configuration for the next reload or restart
  switch on=a,b off=c                    the same for modules
  reload | restart | kill | start | stop SIGHUP; TERM and start; kill -9; start again; TERM and wait
  drain                                  SIGTERM, without waiting
  newkey KID                             write a fresh HMAC key file
  file NAME "text"                       write a file into data_dir
  token NAME sub=U [alg= kid= key= exp= nbf= tamper= ...]             make a token; used as $NAME
  client NAME [user=U] [device=D] [via=header|query|open|none] [protocol=P] [token=T]
         [origin=O] [deflate=on] [expect STATUS ...]                  connect and await session.ready
  NAME opens token=T [device=D]          session.open
  NAME asks OP [key=value ... | {json}]  any op, then its response
  NAME sends to=USER|#GROUP body="text" ...   message.send; a client_id is made when none is given
  NAME syncs [key=value ...]             sync with the cursor of the last time
  NAME together OP {json} OP {json} ...  several frames in one message; awaits each answer to be ok
  NAME gets OP MATCH ... [within 2s]     the next notify of that op
  NAME gets nothing|no OP within 200ms
  NAME finds OP MATCH ...                the first notify of that op that matches; those before it are dropped
  NAME sees deflate|N frames|N pings     how the last bytes came
  NAME drops | closes | mutes            RST; the closing handshake; stop answering pings
  NAME is closed CODE [MATCH on session.closing] [within 3s]
  A,B,C does something                   the same for each of these clients
  http METHOD PATH [as=U] [token=T] [json={...}] [text="..."] [header="N: v"] [expect STATUS CODE ...]
  log expects "text"                     an ERROR line that must come; log has "text"; log lacks "text"
  wait 300ms

After `expect` stand matchers: a bare word is the code's name (or the HTTP status), then path=value,
path!=value, path~regex, path#length, path>=n, path<=n; value * means there, - means not there. Paths
start in `data`; ^path starts at the packet, @name is an HTTP header. `bodies` and `seqs` list those of
`events`. `keep x=path` remembers a value, used as $x. Values are JSON where they parse, else text.
"""
import json
import os
import re
import signal
import time

from . import nodes, wire
from .server import CHAT, CODES

MATCH = re.compile(r"^([@^]?[\w.-]+)(!=|>=|<=|=|~|#)(.*)$", re.S)
MISSING = object()


class Failed(Exception):
	pass


def split(line):
	"""Words; blanks inside quotes, braces and brackets do not part them; # begins a comment."""
	words, word, depth, quoted, escaped = [], "", 0, False, False
	for char in line:
		if not quoted and depth == 0 and char in " \t":
			if word:
				words.append(word)
			word = ""
			continue
		if not quoted and depth == 0 and char == "#" and not word:
			break
		word += char
		if quoted:
			quoted = escaped or char != '"'
			escaped = char == "\\" and not escaped
		elif char == '"':
			quoted = True
		elif char in "{[":
			depth += 1
		elif char in "}]":
			depth -= 1
	if quoted or depth:
		raise Failed("a quote or bracket is not closed")
	return words + [word] if word else words


def value_of(text):
	try:
		return json.loads(text)
	except ValueError:
		return text


def seconds(text):
	number, unit = re.fullmatch(r"([\d.]+)(ms|s)", text).groups()
	return float(number) / (1000 if unit == "ms" else 1)


def look(tree, path):
	for step in path.split("."):
		if isinstance(tree, list) and step.lstrip("-").isdigit():
			index = int(step)
			tree = tree[index] if -len(tree) <= index < len(tree) else MISSING
		elif isinstance(tree, dict):
			tree = tree.get(step, MISSING)
		else:
			return MISSING
		if tree is MISSING:
			return MISSING
	return tree


class Subject:
	"""What matchers look at: a packet or an HTTP answer."""

	def __init__(self, packet, headers=None):
		self.packet = packet
		self.headers = headers or {}

	def get(self, path):
		if path[0] == "@":
			return self.headers.get(path[1:].lower(), MISSING)
		if path[0] == "^":
			return look(self.packet, path[1:])
		data = self.packet.get("data") if isinstance(self.packet, dict) else None
		if path in ("bodies", "seqs") and isinstance(data, dict) and "events" in data:
			return [event[path[:-1] if path == "seqs" else "body"] for event in data["events"]]
		return look(data, path)

	def check(self, word):
		path, operator, text = MATCH.match(word).groups()
		have = self.get(path)
		want = value_of(text)
		if operator == "=" and text in ("*", "-"):
			good = (have is MISSING) == (text == "-")
		elif operator == "!=":
			good = have != want
		elif have is MISSING:
			good = False
		elif operator == "=":
			good = have == want and isinstance(have, bool) == isinstance(want, bool)
		elif operator == "~":
			good = re.search(text, have if isinstance(have, str) else json.dumps(have)) is not None
		elif operator == "#":
			good = hasattr(have, "__len__") and len(have) == want
		elif operator == ">=":
			good = have >= want
		else:
			good = have <= want
		if not good:
			raise Failed(f"{word}: have " + ("nothing" if have is MISSING else
				json.dumps(have, ensure_ascii=False)) + "; all: "
				+ json.dumps(self.packet, ensure_ascii=False)[:700])


class Chat:
	def __init__(self, build, path, store="store_sqlite"):
		self.build = build
		self.path = path
		self.store = store
		self.server = None
		self.clients = {}
		self.cursors = {}
		self.users = {}
		self.kept = {}
		self.sent = 0

	# -- running

	def run(self):
		"""Returns (line number, line, what was wrong) or None."""
		with open(self.path) as file:
			lines = file.read().split("\n")
		joined, start = "", 0
		for number, line in enumerate(lines, 1):
			joined, start = (joined + " " + line.strip(), start) if joined else (line, number)
			if joined.endswith("\\"):
				joined = joined[:-1]
				continue
			try:
				words = split(joined)
				if words:
					self.statement(words)
					nodes.settle()
			except (Failed, wire.Closed, wire.Silence, wire.Refused, AssertionError,
					KeyError, ValueError, OSError) as error:
				return start, joined.strip(), f"{type(error).__name__}: {error}"
			except Exception as error:  # Trouble of the server, or a slip in a script
				return start, joined.strip(), f"{type(error).__name__}: {error}"
			joined = ""
		return None

	def finish(self):
		for client in self.clients.values():
			client.pipe.close()
		if self.server:
			self.server.stop()

	def fill(self, word):
		"""$name by itself in a value stands for the kept value."""
		def put(match):
			if match.group(1) not in self.kept:
				raise Failed(f"${match.group(1)} was never kept")
			kept = self.kept[match.group(1)]
			return kept if isinstance(kept, str) else json.dumps(kept)
		return re.sub(r"\$([A-Za-z_]\w*)", put, word)

	def pairs(self, words):
		out = {}
		for word in words:
			if word.startswith("{"):
				out.update(json.loads(self.fill(word)))
				continue
			key, equals, text = word.partition("=")
			if not equals:
				raise Failed(f"{word}: key=value is wanted here")
			text = self.fill(text) if not text.startswith("$") else text
			if text.startswith("$"):
				out[key] = self.kept[text[1:]]
			elif text == "-":
				out[key] = None
			else:
				out[key] = value_of(text)
		return out

	def cut(self, words, mark):
		return (words[:words.index(mark)], words[words.index(mark) + 1:]) if mark in words else (words, None)

	def within(self, words, fallback):
		if "within" in words:
			at = words.index("within")
			return words[:at] + words[at + 2:], seconds(words[at + 1])
		return words, fallback

	def match(self, words, subject):
		words, keeps = self.cut(words, "keep")
		for word in words:
			if MATCH.match(word):
				path, operator, text = MATCH.match(word).groups()
				if re.fullmatch(r"\$[A-Za-z_]\w*", text):
					text = json.dumps(self.kept[text[1:]])
				elif operator != "~":
					text = self.fill(text)
				subject.check(f"{path}{operator}{text}")
				continue
			if word.isdigit():
				have = subject.packet.get("status")
			else:
				code = subject.packet.get("code")
				have = CODES.get(code, code)
			if str(have) != word:
				raise Failed(f"expected {word}, have {have}: "
					+ json.dumps(subject.packet, ensure_ascii=False)[:700])
		for word in keeps or []:
			name, _, path = word.partition("=")
			value = subject.get(path)
			if value is MISSING:
				raise Failed(f"keep {word}: not there")
			self.kept[name] = value

	def statement(self, words):
		verb = getattr(self, "do_" + words[0], None)
		if verb:
			verb(words[1:])
			return
		verb = getattr(self, "client_" + words[1], None) if len(words) > 1 else None
		for name in words[0].split(","):
			if name not in self.clients:
				raise Failed(f"no client and no verb {name}")
			if not verb:
				raise Failed(f"clients do not know how to {' '.join(words[1:2])}")
			try:
				verb(name, self.clients[name], words[2:])
			except Exception as error:
				if name != words[0]:
					error.args = (f"{name}: {error}",)
				raise

	# -- the server

	def settings(self, words):
		sections = {}
		for word in words:
			path, _, text = word.partition("=")
			section, _, key = path.partition(".")
			text = self.fill(text)
			sections.setdefault(section, {})[key] = text.strip('"') if text != "-" else None
		return sections

	def do_server(self, words):
		if self.server:
			raise Failed("one server a script")
		modules, rest = [self.store if name == "store_sqlite" else name for name in CHAT], []
		for word in words:
			key, _, text = word.partition("=")
			if key == "modules":
				modules = [name for name in text.split(",") if name]
			elif key == "with":
				modules += [name for name in text.split(",") if name not in modules]
			elif key == "without":
				modules = [name for name in modules if name not in text.split(",")]
			else:
				rest.append(word)
		self.server = nodes.make(self.build, modules)
		self.kept["dir"] = self.server.folder
		self.kept["port"] = self.server.port
		for section, values in self.settings(rest).items():
			self.server.settings.setdefault(section, {}).update(values)
		self.server.start()

	def do_set(self, words):
		for section, values in self.settings(words).items():
			self.server.settings.setdefault(section, {}).update(values)

	def do_switch(self, words):
		for word in words:
			state, _, names = word.partition("=")
			self.server.modules = [name for name in self.server.modules if name not in names.split(",")]
			if state == "on":
				self.server.modules += names.split(",")

	def do_reload(self, words):
		self.server.reload()

	def do_restart(self, words):
		self.server.restart()

	def do_kill(self, words):
		self.server.kill()

	def do_start(self, words):
		self.server.start()

	def do_stop(self, words):
		self.server.stop()

	def do_drain(self, words):
		self.server.signal(signal.SIGTERM)

	def do_newkey(self, words):
		self.server.keys.new_hmac(words[0], int(words[1]) if len(words) > 1 else 32)

	def do_file(self, words):
		for server in getattr(self.server, "nodes", [self.server]):
			with open(os.path.join(server.data_dir, words[0]), "w") as file:
				file.write(value_of(self.fill(words[1])))
			os.chmod(file.name, 0o644)

	def do_log(self, words):
		text = value_of(self.fill(words[1]))
		if words[0] == "expects":
			self.server.announce(text)
		elif words[0] == "has" and not self.server.log_has(text):
			raise Failed(f"the log does not have: {text}")
		elif words[0] == "lacks" and text in self.server.log_text():
			raise Failed(f"the log has: {text}")

	def do_wait(self, words):
		time.sleep(seconds(words[0]))

	def do_token(self, words):
		how = self.pairs(words[1:])
		self.kept[words[0]] = self.server.keys.token(how.pop("sub", None), **how)

	# -- clients

	def do_client(self, words):
		words, expected = self.cut(words, "expect")
		name, how = words[0], self.pairs(words[1:])
		via = how.pop("via", "header")
		user = how.pop("user", name)
		token = how.pop("token", None) or (self.server.token(user) if via != "none" else None)
		headers = {"Origin": how.pop("origin")} if "origin" in how else {}
		if how.get("deflate") == "on":
			how["deflate"] = True
		if via in ("header", "query"):
			how["token" if via == "header" else "query"] = token
		try:
			client = wire.Client(self.server.port, headers=headers, **how)
		except wire.Refused as refused:
			if not expected:
				raise
			self.match(expected, self.answer(refused.response))
			return
		self.clients[name] = client
		self.users[name] = user
		if via == "open":
			client.call("session.open", {"token": token})
			client.ready = client.expect("session.ready")["data"]
		if expected:
			self.match(expected, Subject({"status": 101, "data": client.ready or {},
				"protocol": client.protocol}, client.response.headers))

	def call(self, client, op, data):
		"""The answer, which is as the API document says."""
		packet = client.call(op, data)
		promised = self.server.promises()
		if promised:
			promised.check_op(op, packet)
		return packet

	def client_opens(self, name, client, words):
		words, expected = self.cut(words, "expect")
		packet = self.call(client, "session.open", self.pairs(words))
		self.match(expected or ["ok"], Subject(packet))
		if packet["code"] == 0:
			client.ready = client.expect("session.ready")["data"]

	def client_asks(self, name, client, words):
		words, expected = self.cut(words, "expect")
		data = self.pairs(words[1:]) if len(words) > 1 else None
		self.match(expected or ["ok"], Subject(self.call(client, words[0], data)))

	def client_sends(self, name, client, words):
		words, expected = self.cut(words, "expect")
		data = self.pairs(words)
		if isinstance(data.get("to"), str):
			to = data["to"]
			data["to"] = {"group": to[1:]} if to.startswith("#") else {"user": to}
		if "client_id" not in data:
			self.sent += 1
			data["client_id"] = f"{name}-{self.sent}"
		if data["client_id"] is None:
			del data["client_id"]
		self.match(expected or ["ok"], Subject(self.call(client, "message.send", data)))

	def client_syncs(self, name, client, words):
		words, expected = self.cut(words, "expect")
		data = self.pairs(words)
		if "cursor" not in data and name in self.cursors:
			data["cursor"] = self.cursors[name]
		data = {key: value for key, value in data.items() if value is not None}
		packet = self.call(client, "sync", data)
		self.match(expected or ["ok"], Subject(packet))
		if packet["code"] == 0:
			self.cursors[name] = packet["data"]["cursor"]

	def client_together(self, name, client, words):
		calls = [(words[i], json.loads(self.fill(words[i + 1]))) for i in range(0, len(words), 2)]
		for seq in client.send_several(calls):
			self.match(["ok"], Subject(client.answer(seq)))

	def client_gets(self, name, client, words):
		words, patience = self.within(words, None)
		if words[0] in ("nothing", "no"):
			op = words[1] if words[0] == "no" else None
			came = client.quiet(patience or 0.2, op)
			if came:
				raise Failed(f"{name} got {json.dumps(came, ensure_ascii=False)[:700]}")
			return
		packet = client.expect(words[0], patience or 5.0)
		self.match(words[1:], Subject(packet))

	def client_finds(self, name, client, words):
		words, patience = self.within(words, 5.0)
		deadline, last = time.monotonic() + patience * wire.SLOW, None
		while True:
			try:
				packet = client.expect(words[0], max(deadline - time.monotonic(), 0.01) / wire.SLOW)
			except wire.Silence:
				raise last or Failed(f"{name} got no {words[0]}") from None
			try:
				return self.match(words[1:], Subject(packet))
			except Failed as error:
				last = error

	def client_sees(self, name, client, words):
		if words[0] == "deflate":
			good = client.compressed_seen > 0
		elif words[1] == "frames":
			good = client.frames_in_message >= int(words[0])
		else:
			good = client.pings >= int(words[0])
		if not good:
			raise Failed(f"deflated {client.compressed_seen}, frames in a message "
				f"{client.frames_in_message}, pings {client.pings}")

	def client_drops(self, name, client, words):
		client.drop()

	def client_mutes(self, name, client, words):
		client.auto_pong = False

	def client_closes(self, name, client, words):
		code = client.say_close(int(words[0]) if words else 1000)
		if code not in (1000, int(words[0]) if words else 1000):
			raise Failed(f"the close was answered with {code}")

	def client_is(self, name, client, words):
		words, patience = self.within(words[1:], 5.0)
		end = client.wait_closed(patience)
		if str(end.code) != words[0]:
			raise Failed(f"closed with {end.code} {end.reason}")
		if len(words) > 1:
			self.match(words[1:], Subject(client.expect("session.closing")))

	# -- REST

	def answer(self, response):
		try:
			packet = response.json() if response.body else {}
		except ValueError:
			packet = {"data": response.body.decode("utf-8", "replace")}
		if not isinstance(packet, dict):
			packet = {"data": packet}
		return Subject({**packet, "status": response.status}, response.headers)

	def do_http(self, words):
		words, expected = self.cut(words, "expect")
		method, target = words[0], self.fill(words[1].strip('"'))
		headers, body, token = {}, None, None
		for word in words[2:]:
			key, _, text = word.partition("=")
			text = self.kept[text[1:]] if re.fullmatch(r"\$\w+", text) else self.fill(text)
			if key == "as":
				token = self.server.token(text)
			elif key == "token":
				token = text
			elif key == "json":
				body = json.loads(text)
			elif key == "text":
				body = value_of(text)
			elif key == "header":
				header, _, content = value_of(text).partition(": ")
				headers[header] = content
			else:
				raise Failed(f"http does not know {key}")
		response = self.server.http(method, target, body, token=token, headers=headers)
		if self.server.promises():
			self.server.promises().check_http(method, target, response)
		self.match(expected or ["200"], self.answer(response))
