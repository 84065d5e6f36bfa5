#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Loads the modules of this folder into a real nunciod: the good ones must work, each bad one must be
refused with one clear line and the right exit status. Run by `make check`, or by hand:

	run_api.py --build DIR [NAME ...]
"""
import argparse
import glob
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../scenario"))
from lib import wire  # noqa: E402

CONFIG, CANNOT = 78, 1
ABORTED = -signal.SIGABRT
SECONDS = 20
CASES = []


class Wrong(Exception):
	pass


def case(function):
	CASES.append((function.__name__, function))
	return function


class Server:
	"""A nunciod with some modules, from its first line to its exit status."""

	def __init__(self, build, plugs, modules, core="", sections=""):
		self.build = build
		self.folder = tempfile.mkdtemp(prefix="nuncio-api-")
		os.chmod(self.folder, 0o777)
		self.config = os.path.join(self.folder, "nuncio.ini")
		self.core = (f"[core]\nlisten = 127.0.0.1:0\nio_threads = 1\ndata_dir = {self.folder}\n"
			f"module_path = {plugs}\n")
		if "node = " not in core:
			self.core += "node = here\n"
		if "metrics = " not in core:
			self.core += "metrics = on\n"
		if "slow_callback = " not in core: # a busy machine makes slow ones of any
			self.core += "slow_callback = 0\n"
		if os.geteuid() == 0:
			self.core += "user = nobody\n"
		self.core += core + "\n"
		self.switches = "[modules]\n" + "".join(f"{name} = on\n" for name in modules)
		self.write(sections)
		self.log = open(os.path.join(self.folder, "log"), "w+b")

	def write(self, sections=""):
		with open(self.config, "w") as file:
			file.write(self.core + self.switches + sections)
		os.chmod(self.config, 0o644)

	def start(self, *options, **environment):
		self.process = subprocess.Popen([os.path.join(self.build, "nunciod"), "--config",
			self.config, *options], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
			env=dict(os.environ, **environment))
		return self

	def lines(self):
		with open(self.log.name, "rb") as file:
			return file.read().decode("utf-8", "replace").splitlines()

	def troubles(self):
		"""What is worse than information: plain lines, and log lines from warn on."""
		found = []
		for line in self.lines():
			entry = json.loads(line) if line.startswith("{") else {"level": "plain"}
			if entry["level"].lower() not in ("debug", "info"):
				found.append(line)
		return found

	def wait_for(self, pattern):
		deadline = time.monotonic() + SECONDS
		while time.monotonic() < deadline:
			for line in self.lines():
				match = re.search(pattern, line)
				if match:
					return match
			if self.process.poll() is not None:
				break
			time.sleep(0.01)
		raise Wrong(f"no line like {pattern!r}")

	def exit_status(self):
		try:
			return self.process.wait(SECONDS)
		except subprocess.TimeoutExpired:
			raise Wrong("does not end")

	def stop(self):
		self.process.send_signal(signal.SIGTERM)
		return self.exit_status()

	def port(self):
		return int(self.wait_for(r"listening on 127\.0\.0\.1:(\d+)").group(1))

	def client(self, user, device=None):
		"""A session, with auth_api: the token is the user."""
		return wire.Client(self.port(), token=user, device=device)

	def get(self, path, token=None):
		port = self.port()
		request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
		if token:
			request.add_header("Authorization", f"Bearer {token}")
		try:
			answer = urllib.request.urlopen(request, timeout=SECONDS)
		except urllib.error.HTTPError as error:
			answer = error
		return answer.status, answer.headers, answer.read().decode()

	def end(self):
		if hasattr(self, "process") and self.process.poll() is None:
			self.process.kill()
			self.process.wait()
		self.log.close()
		shutil.rmtree(self.folder, ignore_errors=True)


class Bench:
	def __init__(self, build):
		self.build = build
		self.folder = tempfile.mkdtemp(prefix="nuncio-plugs-")
		os.chmod(self.folder, 0o755)
		found = glob.glob(os.path.join(build, "tests/api/.libs/*.so"))
		for name in ("contacts", "conversations", "direct", "group", "history", "messages", "presence", "receipts", "store_memory",
				"typing"):
			found += glob.glob(os.path.join(build, f"modules/{name}/.libs/*.so"))
		for path in found:
			shutil.copy(path, self.folder)
		with open(os.path.join(self.folder, "bad_file.so"), "w") as file:
			file.write("this is no shared object\n")
		for name in os.listdir(self.folder):
			os.chmod(os.path.join(self.folder, name), 0o755)
		self.server, self.servers = None, []

	def load(self, *modules, core="", sections=""):
		self.server = Server(self.build, self.folder, modules, core, sections)
		self.servers.append(self.server)
		return self.server

	def end(self):
		for server in self.servers:
			server.end()
		self.servers = []

	def has(self, name):
		return os.path.exists(os.path.join(self.folder, name + ".so"))


def expect(what, is_so):
	if not is_so:
		raise Wrong(what)


def one_line(server, pattern):
	found = server.troubles()
	expect(f"expected one line, got {len(found)}", len(found) == 1)
	expect(f"expected {pattern!r}", re.search(pattern, found[0]))


def refused(bench, modules, status, pattern, core="", sections="", options=("--check",)):
	server = bench.load(*modules, core=core, sections=sections).start(*options)
	expect(f"exit status {server.process.returncode}", server.exit_status() == status)
	one_line(server, pattern)


# ---- Wrong in one way

@case
def no_descriptor(bench):
	refused(bench, ["bad_no_descriptor"], CONFIG, r"bad_no_descriptor\.so: is no nuncio module")


@case
def no_file(bench):
	refused(bench, ["gone"], CONFIG, r"nuncio\.ini:\d+: .*/gone\.so: there is no such module")


@case
def no_shared_object(bench):
	refused(bench, ["bad_file"], CONFIG, r"bad_file\.so: ")


@case
def other_major(bench):
	refused(bench, ["bad_major"], CONFIG, r"built for module ABI 2\.0, this server has 1\.\d+; build it")


@case
def newer_minor(bench):
	refused(bench, ["bad_minor"], CONFIG, r"needs module ABI 1\.\d+.*needs a newer server")


@case
def short_descriptor(bench):
	refused(bench, ["bad_size"], CONFIG, r"bad_size\.so: its descriptor has 16 bytes")


@case
def other_name(bench):
	refused(bench, ["bad_name"], CONFIG, r'bad_name\.so: calls itself "good_name"')


@case
def unresolved_symbol(bench):
	refused(bench, ["bad_symbol"], CONFIG, r"bad_symbol\.so: undefined symbol: nuncio_does_not_exist")


@case
def wrong_option_table(bench):
	refused(bench, ["bad_options"], CONFIG, r'option table of \[bad_options\]: the fallback of size: "11"')


@case
def unknown_option(bench):
	refused(bench, ["api_conf"], CONFIG, r"nuncio\.ini:\d+: \[api_conf\] color: unknown key; allowed: text, ",
		sections="[api_conf]\ncolor = red\n")


@case
def wrong_value(bench):
	refused(bench, ["api_conf"], CONFIG, r'\[api_conf\] count: "100" is out of range; allowed: a whole number, 1 to 99',
		sections="[api_conf]\ncount = 100\n")


@case
def unknown_section(bench):
	refused(bench, ["api_conf"], CONFIG, r"nuncio\.ini:\d+: \[api_cnof\]: unknown section; allowed: ",
		sections="[api_cnof]\ncount = 1\n")


@case
def unknown_core_key(bench):
	refused(bench, [], CONFIG, r"nuncio\.ini:\d+: \[core\] lisen: unknown key; allowed: listen, ", core="lisen = 1")


@case
def wrong_switch(bench):
	refused(bench, [], CONFIG, r'\[modules\] api_conf: "maybe" cannot be read; allowed: on or off',
		sections="api_conf = maybe\n")


@case
def missing_module(bench):
	refused(bench, ["bad_need"], CONFIG, r"module bad_need needs the module api_conf; switch it on in \[modules\]: api_conf = on")


@case
def missing_store(bench):
	refused(bench, ["bad_need_store"], CONFIG, r"module bad_need_store needs store, which no module .*; installed: .*store_bad_a")


@case
def missing_service(bench):
	refused(bench, ["bad_need_service"], CONFIG, r"module bad_need_service needs the service nothing\.v1")


@case
def need_circle(bench):
	refused(bench, ["bad_cycle_a", "bad_cycle_b"], CONFIG,
		r"in a circle: bad_cycle_a needs bad_cycle_b needs bad_cycle_a")


@case
def init_fails(bench):
	refused(bench, ["api_conf", "bad_init"], CONFIG, r"module bad_init: init: the moon is not full")


@case
def start_fails(bench):
	refused(bench, ["api_timer", "bad_start"], CANNOT, r"module bad_start: start: E_BUSY", options=())


@case
def start_fails_late(bench):
	"""Everything that it registered and began is undone; the ones before it are stopped."""
	refused(bench, ["api_timer", "bad_start_busy"], CANNOT,
		r"module bad_start_busy: start: no room for 3 elephants", options=())


@case
def reload_refused(bench):
	"""Named, with its old values, and nobody else is touched."""
	server = bench.load("bad_reload", "api_conf").start()

	def reload(word, text):
		server.write(f"[bad_reload]\nword = {word}\n[api_conf]\ntext = {text}\n")
		return control(server, "reload")["data"]["report"], json.loads(server.get("/m/bad_reload")[2])["data"]

	server.wait_for("ready: ")
	report, word = reload("bad", "two")
	expect(report, "[bad_reload] the module refuses the change: there is nothing good in bad" in report)
	expect(word, word == "good")
	server.wait_for("api: two 3")
	report, word = reload("worse", "three")
	expect(report, any("[bad_reload] the module refuses the change: E_CONFLICT" in line for line in report))
	expect(word, word == "good")
	server.wait_for("api: three 3")
	report, word = reload("fine", "four")
	expect(f"{report} {word}", word == "fine" and not any("refuses" in line for line in report))
	rows = control(server, "modules", module="bad_reload")["data"]["modules"]
	expect(rows, rows[0]["errors"] == 2)
	expect("exit status", server.stop() == 0)


@case
def doubled_op(bench):
	refused(bench, ["bad_op_a", "bad_op_b"], CONFIG, r"module bad_op_b: init: .*bad\.op.*bad_op_a")


@case
def unsized(bench):
	server = bench.load("bad_unsized").start("--check")
	expect("exit status", server.exit_status() == CONFIG)
	said = "\n".join(server.lines())
	for words in ("route GET /m/bad_unsized of module bad_unsized: no function, or its size is not given",
			"route GET /m/bad_unsized of module bad_unsized: field_size is not that of a field",
			"op bad.unsized of module bad_unsized: field_size is not that of a field"):
		expect(f"{words!r} in {said}", words in said)


@case
def doubled_service(bench):
	refused(bench, ["api_service", "bad_service"], CONFIG,
		r"module bad_service: init: the service api_test\.v1 is offered by the module api_service already")


@case
def doubled_store(bench):
	refused(bench, ["store_bad_a", "store_bad_b"], CONFIG,
		r"\[core\] store: several modules provide it \(store_bad_a, store_bad_b\); choose one")


@case
def unknown_store(bench):
	refused(bench, ["store_bad_a"], CONFIG, r"\[core\] store = gone: no module .*; there is: store_bad_a",
		core="store = gone")


@case
def store_does_not_open(bench):
	refused(bench, ["store_bad_a", "store_bad_b"], CANNOT, r"module store_bad_b: open: store_bad_b has no disk",
		core="store = store_bad_b", options=())


@case
def registers_after_init(bench):
	refused(bench, ["bad_late"], CANNOT, r"module bad_late: start: nuncio_hook_add was called outside of init",
		options=())


@case
def ticket_forgotten(bench):
	server = bench.load("bad_forgets").start()
	status, _, body = server.get("/m/bad_forgets")
	expect(f"answer {status} {body}", status == 503 and json.loads(body)["code"] == 5003)
	server.wait_for("no answer within")
	one_line(server, r'"module":"bad_forgets".*may_call: no answer within 30 ms; refused')
	expect("exit status", server.stop() == 0)
	last = server.troubles()[-1]
	expect(last, re.search(r'"module":"bad_forgets".*a ticket of may_call was never given back', last))


@case
def ticket_forgotten_fails_open(bench):
	"""The operator would rather go on; only for what they name."""
	for names, passes in (("may_call", 1), ("bad_forgets", 1), ("bad_forgets.may_call", 1), ("*", 1),
			("may_send, bad_forgets.may_send, other.may_call", 0)):
		server = bench.load("bad_forgets", core=f"fail_open = {names}").start()
		status, _, body = server.get("/m/bad_forgets")
		expect(f"{names}: {status} {body}", status == (200 if passes else 503))
		server.wait_for("no answer within")
		word = "passed" if passes else "refused"
		one_line(server, rf'"module":"bad_forgets".*may_call: no answer within 30 ms; {word}')
		rows = control(server, "callbacks", module="bad_forgets")["data"]["callbacks"]
		rows = [row["timeouts"] for row in rows if row["callback"] == "may_call"]
		expect(f"counted: {rows}", rows == [1])
		server.stop()
		server.end()
	for names, why in (("may_sned", "no such may_. hook"), ("x.did_store", "no such may_. hook"), ("a b", "each must be")):
		refused(bench, ["bad_forgets"], CONFIG, rf"\[core\] fail_open: .*{why}", core=f"fail_open = {names}")
		bench.server.end()


@case
def ticket_has_a_limit(bench):
	server = bench.load("bad_forgets", core="answer_timeout = 10ms").start()
	server.get("/m/bad_forgets")
	server.wait_for("may_call: no answer within 10 ms; refused")
	expect("exit status", server.stop() == 0)


@case
def question_ends_before_its_request(bench):
	why = r"\[core\] answer_timeout: .*must be less than request_timeout"
	refused(bench, ["bad_forgets"], CONFIG, why, core="request_timeout = 1s\nanswer_timeout = 1s")
	server = bench.load("bad_forgets", core="request_timeout = 1s",
		sections="[bad_forgets]\npatience = 60s").start()
	server.get("/m/bad_forgets")
	server.wait_for("may_call: no answer within 800 ms; refused")
	expect("exit status", server.stop() == 0)


@case
def ticket_given_twice(bench):
	server = bench.load("bad_twice").start()
	try:
		server.get("/m/bad_twice")
	except (urllib.error.URLError, OSError):
		pass
	expect("exit status", server.exit_status() == ABORTED)
	one_line(server, r"bad_twice answered a ticket of may_call twice")


@case
def callback_blocks(bench):
	server = bench.load("bad_blocks", core="slow_callback = 5ms").start()
	for _ in range(3):
		expect("answer", server.get("/m/bad_blocks")[0] == 200)
	expect("exit status", server.stop() == 0)
	found = sorted(server.troubles())
	expect(f"expected two lines, got {len(found)}", len(found) == 2)
	for line, callback in zip(found, ("may_call", "GET /m/bad_blocks")):
		pattern = rf'"module":"bad_blocks".*slow callback.*"callback":"{callback}"'
		expect(f"expected {pattern!r}", re.search(pattern, line))


@case
def request_without_answer(bench):
	server = bench.load("bad_blocks", core="request_timeout = 1s").start()
	status, _, body = server.get("/m/bad_blocks/silence")
	expect(f"answer {status} {body}", status == 503 and json.loads(body)["code"] == 5003)
	server.wait_for("no answer to")
	one_line(server, r'"module":"bad_blocks".*no answer to /m/bad_blocks/silence within request_timeout')
	expect("exit status", server.stop() == 0)


# ---- What a supervisor hears

class Manager(threading.Thread):
	"""Plays systemd: the socket behind NOTIFY_SOCKET, and when each heartbeat came."""

	def __init__(self, folder):
		super().__init__(daemon=True)
		self.path = os.path.join(folder, "notify")
		self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		self.socket.bind(self.path)
		self.messages, self.beats = queue.Queue(), []
		self.start()

	def run(self):
		while True:
			lines = self.socket.recv(4096).decode().split("\n")
			if lines == ["WATCHDOG=1"]:
				self.beats.append(time.monotonic())
			else:
				self.messages.put(lines)

	def next(self):
		"""The next message that is no heartbeat."""
		try:
			return self.messages.get(timeout=SECONDS)
		except queue.Empty:
			raise Wrong("the supervisor hears nothing")

	def wait_beats(self, count):
		deadline, count = time.monotonic() + SECONDS, len(self.beats) + count
		while len(self.beats) < count:
			expect("heartbeats", time.monotonic() < deadline)
			time.sleep(0.01)


@case
def supervised(bench):
	server = bench.load("bad_blocks")
	manager = Manager(server.folder)
	server.start(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="200000")
	ready = manager.next()
	expect(f"ready: {ready}", ready[0] == "READY=1" and re.match("STATUS=1 modules, at most [0-9]+ ", ready[1]))
	expect("answers as soon as it says so", server.get("/m/bad_blocks")[0] == 200)
	manager.wait_beats(6)
	gaps = [after - before for before, after in zip(manager.beats, manager.beats[1:])]
	expect(f"a beat each 100 ms: {gaps}", 0.05 < sorted(gaps)[len(gaps) // 2] < 0.5)
	server.process.send_signal(signal.SIGHUP)
	expect("reload", manager.next()[0] == "RELOADING=1")
	expect("reloaded", manager.next() == ready)
	server.write("[no_such_section]\n")
	server.process.send_signal(signal.SIGHUP)
	expect("refused reload", manager.next()[0] == "RELOADING=1")
	expect("goes on", manager.next() == ready)
	expect("stop", server.stop() == 0)
	expect("stopping", manager.next()[0] == "STOPPING=1")


@case
def supervisor_hears_of_a_hang(bench):
	server = bench.load("bad_blocks")
	manager = Manager(server.folder)
	server.start(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="200000")
	manager.next()
	manager.wait_beats(1)
	begin = time.monotonic()
	expect("an answer after a second", server.get("/m/bad_blocks/hang")[0] == 200)
	end = time.monotonic()
	manager.wait_beats(2)
	heard = [beat - begin for beat in manager.beats if begin + 0.3 < beat < end - 0.1]
	expect(f"{end - begin} s", end - begin > 0.9)
	expect(f"silence while the logic thread hung, not {heard}", not heard)
	expect("exit status", server.stop() == 0)


# ---- Right

def says_ok(bench, *modules):
	"""The first module tells how it went."""
	server = bench.load(*modules).start()
	match = server.wait_for(rf'"module":"{modules[0]}".*api: ([^"]*)')
	expect(f"says {match.group(1)}", match.group(1) == "ok")
	expect("exit status", server.stop() == 0)
	return server


@case
def timers_and_work(bench):
	expect("troubles", not says_ok(bench, "api_timer").troubles())


@case
def watched_descriptors(bench):
	expect("troubles", not says_ok(bench, "api_watch").troubles())


@case
def services(bench):
	expect("troubles", not says_ok(bench, "api_service_user", "api_service", "api_conf").troubles())


@case
def records(bench):
	if not bench.has("store_memory"):
		raise Wrong("store_memory is not built")
	server = says_ok(bench, "api_store", "store_memory")
	one_line(server, r"records of the space .*api_stored")


@case
def appends(bench):
	if not bench.has("store_memory"):
		raise Wrong("store_memory is not built")
	server = says_ok(bench, "api_append", "store_memory")
	one_line(server, r"records of the space .*others")


@case
def options_and_reload(bench):
	first = "[api_conf]\ntext = abc\ncount = 4\nkey = hidden\nmode = fast\nfast = yes\n"
	server = bench.load("api_conf", sections=first).start()
	server.wait_for(r"api: abc 4 1 1 30000 65536 2a 6 fast")
	server.wait_for(r"api: node here")
	server.write("[api_conf]\ntext = xyz\ncount = 5\nfixed = 7\nkey = hidden\nmode = fast\nfast = yes\n")
	server.process.send_signal(signal.SIGHUP)
	server.wait_for(r"api: xyz 5 1 1 30000")
	server.wait_for(r"\[api_conf\] fixed: cannot change while the server runs")
	server.write("[api_conf]\ncount = 13\n")
	server.process.send_signal(signal.SIGHUP)
	server.wait_for(r"13 brings bad luck")
	server.write("[api_conf]\ncount = 0\n")
	server.process.send_signal(signal.SIGHUP)
	server.wait_for(r'count: \\"0\\" is out of range')
	server.core += "fail_open = may_sned\n"
	server.switches += "api_hook = onn\n"
	server.write("[api_conf]\ncount = 4\n")
	report = control(server, "reload")["data"]
	expect(report, not report["reloaded"] and any("[core] fail_open: there is no such may_* hook" in line
		for line in report["report"]) and any("[modules] api_hook" in line for line in report["report"]))
	expect("exit status", server.stop() == 0)
	expect("secret in the log", not any("hidden" in line for line in server.lines()))


@case
def shown_config(bench):
	server = bench.load("api_conf", sections="[api_conf]\nkey = hunter2\n").start("--show-config")
	expect("exit status", server.exit_status() == 0)
	text = "\n".join(server.lines())
	expect(text, re.search(r"key = \(hidden\)  # .*nuncio\.ini:\d+", text) and "hunter2" not in text)
	expect(text, "count = 3  # default" in text and "api_conf = on" in text)


@case
def shown_hooks(bench):
	server = bench.load("api_hook").start("--show-hooks")
	expect("exit status", server.exit_status() == 0)
	expect("order", server.lines()[-2:] == ["may_call        -500  api_hook", "may_call        1000  api_hook"])
	server = bench.load("api_notice").start("--show-hooks")
	expect("exit status", server.exit_status() == 0)
	shown = [line.split()[0] for line in server.lines()]
	expect(shown, shown == ["may_send", "may_join", "did_event", "did_miss", "did_presence", "did_request", "did_drain"])


@case
def hooks_and_routes(bench):
	server = bench.load("api_hook").start()
	for path in ("now", "later"):
		status, headers, body = server.get(f"/m/api_hook/{path}")
		expect(f"{path}: {status} {body}", status == 200 and json.loads(body)["data"] == {"hello": True})
		expect("the middleware's header", headers["X-Api"] == "seen")
	status, headers, body = server.get("/m/api_hook/no")
	expect(f"{status} {body}", status == 403 and json.loads(body)["message"] == "not this one")
	status, _, body = server.get("/metrics")
	expect("counter", 'nuncio_api_hook_calls_total{kind="get"} 2' in body)
	expect("exit status", server.stop() == 0)
	one_line(server, r"metric Bad name: its name or labels are not valid")


@case
def tokens(bench):
	server = bench.load("auth_api").start()
	for token, status, user in (("alice", 200, "alice"), ("slow-bob", 200, "bob"), ("expired", 401, None),
			("slow-expired", 401, None), ("x" * 65, 401, None), (None, 401, None)):
		answer = server.get("/m/auth_api/me", token)
		expect(f"{token}: {answer[0]} {answer[2]}", answer[0] == status)
		expect(f"{token}: {answer[2]}", json.loads(answer[2]).get("data") == user)
	expect("exit status", server.stop() == 0)
	expect("troubles", not server.troubles())


def data_of(answer):
	expect(f"answer {answer}", answer["code"] == 0)
	return answer["data"]


@case
def live_sides(bench):
	server = bench.load("auth_api", "store_memory", "api_live").start()
	ann, ben, phone = server.client("ann"), server.client("ben"), server.client("ben", "phone")
	seen = data_of(ben.call("live.ask"))
	expect(f"three logins, two users: {seen}", seen == {"count": 2, "has": 1, "logins": 3,
		"absent": -8, "set": "E_NOTFOUND", "count_of_none": 0})
	message = {"to": {"room": "lobby"}, "client_id": "1", "body": "hello"}
	data_of(ann.call("message.send", message))
	for client in (ben, phone):
		expect("a message", client.expect("message.new")["data"]["body"] == "hello")
	data_of(ben.call("live.leave"))
	data_of(ann.call("message.send", dict(message, client_id="2")))
	for client in (ben, phone):
		expect("nothing more", client.quiet(0.1) == [])
	phone.say_close()
	ann.say_close()
	deadline = time.monotonic() + SECONDS
	while data_of(ben.call("live.ask"))["count"] and time.monotonic() < deadline:
		time.sleep(0.01)
	seen = data_of(ben.call("live.ask"))
	expect(f"nobody, but what was kept: {seen}", (seen["count"], seen["has"], seen["logins"]) == (0, 0, 3))
	numbers = server.get("/metrics")[2]
	for line in ("nuncio_live_conversations 1", "nuncio_live_members 0", "nuncio_api_live_freed_total 0"):
		expect(line, line in numbers.splitlines())
	expect("exit status", server.stop() == 0)


@case
def refusal_to_read(bench):
	"""What a module says to a reader is what the reader hears, whichever module was asked."""
	server = bench.load("auth_api", "store_memory", "direct", "history", "messages", "conversations", "receipts",
		"api_query").start()
	ann = server.client("ann")
	where = data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "a"}))["conversation"]
	for op, data in (("history.query", {}), ("message.pinned", {}), ("message.hide", {"seq": 1}),
			("conversation.clear", {"seq": 1}), ("conversation.update", {"muted": True}),
			("message.receipts", {"seq": 1})):
		answer = ann.call(op, {"conversation": where, **data})
		expect(f"{op}: {answer}", (answer["code"], answer["message"]) == (4290, "read more slowly"))
	for op in ("message.confirm", "message.read"):
		expect(f"{op} reads nothing", ann.call(op, {"conversation": where, "seq": 1})["code"] == 0)
	expect("exit status", server.stop() == 0)


def control(server, command, **args):
	"""One question over the control socket; its answer."""
	with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
		line.settimeout(SECONDS)
		line.connect(os.path.join(server.folder, "nunciod.ctl"))
		line.sendall(json.dumps({"command": command, "args": args}).encode() + b"\n")
		return json.loads(line.makefile().readline())


@case
def control_commands(bench):
	server = bench.load("api_control", core="request_timeout = 1s").start()
	server.wait_for("ready: ")
	answer = control(server, "api_control.now", word="abc")
	expect(answer, answer["code"] == 0 and answer["data"] == {"word": "three letters"})
	answer = control(server, "api_control.now", word="abcd")
	expect(answer, answer["code"] == 4000 and answer["message"] == "word: has not three letters")
	answer = control(server, "api_control.now")
	expect(answer, answer["code"] == 1002 and answer["message"] == "word: is missing")
	answer = control(server, "api_control.later")
	expect(answer, answer["code"] == 5001)
	answer = control(server, "api_control.slow")
	expect(answer, answer["code"] == 0 and answer["data"] == {"took": "its time"})
	answer = control(server, "api_control.never")
	expect(answer, answer["code"] == 5003)
	names = [row["command"] for row in control(server, "commands")["data"]["commands"] if row["module"] == "api_control"]
	expect(names, names == ["api_control.later", "api_control.never", "api_control.now", "api_control.slow"])
	metrics = server.get("/metrics")[2]
	expect("metric", 'nuncio_control_calls_total{command="api_control.now"} 2' in metrics)
	expect("exit status", server.stop() == 0)
	server.wait_for(r'"module":"api_control".*control: api_control.now by uid \d+, pid')
	one_line(server, r'"module":"api_control".*no answer to api_control.never within request_timeout')


@case
def control_cut_off(bench):
	"""Who asks a slow command and leaves, and a server that stops meanwhile."""
	server = bench.load("api_control", core="log_level = debug").start()
	server.wait_for("ready: ")
	lines = []
	for _ in range(3):
		line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
		line.settimeout(SECONDS)
		line.connect(os.path.join(server.folder, "nunciod.ctl"))
		line.sendall(b'{"command":"api_control.slow"}\n')
		lines.append(line)
	while sum("control: api_control.slow by" in line for line in server.lines()) < 3:
		time.sleep(0.01)
	lines[0].close()
	expect("exit status", server.stop() == 0)
	for line in lines[1:]:
		answer = line.makefile().readline()
		expect(answer, json.loads(answer)["code"] == 5005)
		line.close()
	expect("troubles", not server.troubles())


@case
def undeclared_shape(bench):
	refused(bench, ["bad_answer"], CONFIG, r"route GET /m/bad_answer of module bad_answer: "
		r"no module that is switched on declares this shape: \"thing\"")


@case
def doubled_shape(bench):
	refused(bench, ["bad_shape"], CONFIG, r"module bad_shape: init: the shape thing is declared by two modules: "
		r"bad_shape and bad_shape")


@case
def doubled_control(bench):
	refused(bench, ["api_control", "bad_control"], CONFIG, r"module bad_control: init: control: op api_control\.now "
		r"is offered by two modules: api_control and bad_control")


def told(server, word, count=None):
	"""The lines of api_notice that begin with this word, once there are so many."""
	deadline = time.monotonic() + SECONDS
	while True:
		lines = json.loads(server.get("/m/api_notice")[2])["data"]
		found = [line for line in lines if line.split()[0] == word]
		if count is None or len(found) >= count or time.monotonic() > deadline:
			return found
		time.sleep(0.01)


@case
def notices(bench):
	server = bench.load("auth_api", "store_memory", "direct", "presence", "api_notice",
		core="drain_timeout = 3s", sections="[presence]\ndelay = 0\n").start()
	ann, ben = server.client("ann"), server.client("ben")
	data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "hello"}))
	data_of(ann.call("message.send", {"to": {"user": "carl"}, "client_id": "2", "body": "hello",
		"mentions": ["carl", "dora"]}))
	expect("an error", ann.call("no.such.op")["code"] == 1003)
	seen = told(server, "event", 2)
	expect(seen, seen == ["event message 0"] * 2)
	seen = told(server, "miss", 1)
	expect(seen, seen == ["miss carl 1"])  # ben is here, dora is no member
	seen = told(server, "request", 4)
	expect(seen, seen[:4] == ["request ann message.send 0 0 1"] * 2 + ["request ann  1003 0 1",
		"request  GET /m/api_notice 0 200 0"])
	ben.say_close()
	seen = told(server, "presence", 3)
	expect(seen, sorted(seen) == ["presence ann 0 1", "presence ben 0 1", "presence ben 1 0"])
	expect("exit status", server.stop() == 0)
	expect("drain", any("drain within 3000 ms" in line for line in server.lines()))


@case
def joining(bench):
	server = bench.load("auth_api", "api_notice").start()
	ann = server.client("ann")
	for user, answer in (("ben", (0, 0, "")), ("slow", (0, 0, "")), ("evil", (-5, 3001, "not this one"))):
		data = data_of(ann.call("notice.join", {"user": user}))
		expect(data, (data["status"], data["code"], data["text"]) == answer)
	seen = told(server, "join", 3)
	expect(seen, seen == [f"join {user} ann g:1 7" for user in ("ben", "slow", "evil")])
	expect("exit status", server.stop() == 0)


@case
def outbox(bench):
	server = bench.load("auth_api", "store_memory", "direct", "api_notice").start()
	ann = server.client("ann")
	message = {"to": {"user": "ben"}, "client_id": "1", "body": "now"}
	where = data_of(ann.call("message.send", message))["conversation"]
	expect("again", data_of(ann.call("message.send", message))["duplicate"] is True)
	data_of(ann.call("message.send", dict(message, client_id="2", body="later")))
	seen = data_of(ann.call("notice.outbox", {"conversation": where}))
	expect(seen, seen == ["1", "2", "l"])
	expect("exit status", server.stop() == 0)


def bus_told(client, line):
	"""Whether this node's modules were told this, soon."""
	deadline = time.monotonic() + SECONDS
	while True:
		seen = data_of(client.call("bus.told"))
		if line in seen:
			return True
		if time.monotonic() > deadline:
			print(seen)
			return False
		time.sleep(0.01)


def ask_tickets(port, count):
	"""Many calls at once, each on a connection of its own; nobody reads yet."""
	pipes = []
	for n in range(count):
		pipe = wire.Pipe(port)
		pipe.send(f"GET /m/api_ticket/{n} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
		pipes.append(pipe)
	return pipes


@case
def tickets_under_stress(bench):
	"""Clients leave, deadlines pass, the server reloads and at last stops, all while tickets are out."""
	server = bench.load("api_ticket", core="drain_timeout = 300ms").start()
	port = server.port()
	pipes = ask_tickets(port, 240)
	for pipe in pipes[::7]:
		pipe.close()
	for _ in range(5):
		server.process.send_signal(signal.SIGHUP)
		time.sleep(0.02)
	for n, pipe in enumerate(pipes):
		if n % 7 == 0:
			continue
		answer = wire.read_response(pipe, timeout=SECONDS)
		code = answer.json()["code"]
		expect(f"call {n}: {answer.status} {code}",
			(answer.status, code) == ((200, 0), (403, 3100), (503, 5003))[n % 3])
	server.wait_for('"reloaded"')
	pipes = ask_tickets(port, 240)
	server.process.send_signal(signal.SIGTERM)
	expect("exit status", server.exit_status() == 0)
	for pipe in pipes:
		pipe.close()
	allowed = r"no answer within 30 ms; refused|drain_timeout: 0 sessions and [0-9]+ requests are cut off"
	for line in server.troubles():
		expect(f"expected no {line}", re.search(allowed, line))


@case
def groups_by_service(bench):
	server = bench.load("auth_api", "store_memory", "direct", "group", "api_group").start()
	ann, ben, zoe = (server.client(name) for name in ("ann", "ben", "zoe"))

	def standing(user, group="g"):
		return ann.call("groupapi.standing", {"conversation": f"g:{group}", "user": user})

	made = data_of(ann.call("group.create", {"group": "g", "name": "G", "members": ["ben", "carl", "zoe"]}))
	expect(f"zoe is refused: {made}", [u["result"] for u in made["users"]] == ["added", "added", "refused"])
	expect("the owner", data_of(standing("ann")) == {"is_member": 1, "role": 2, "may_write": 1, "since": 0, "until": 0})
	expect("a member here", data_of(standing("ben"))["may_write"] == 1)
	expect("a member elsewhere", data_of(standing("carl")) == {"is_member": 1, "role": 0, "may_write": 1, "since": 0,
		"until": 0})
	expect("no member", data_of(standing("zoe"))["is_member"] == 0)
	expect("no group", data_of(standing("ann", "none"))["is_member"] == 0)
	expect("no id", standing("ann", "a b")["code"] == 1000)
	for user in ("ben", "carl"):
		data_of(ann.call("group.mute", {"group": "g", "user": user, "seconds": 60}))
		expect("muted", data_of(standing(user))["may_write"] == 0)
	data_of(ann.call("group.remove", {"group": "g", "user": "ben"}))
	gone = data_of(standing("ben"))
	expect(f"gone: {gone}", gone["is_member"] == 0 and gone["until"] == 4)
	info = data_of(ann.call("groupapi.info", {"conversation": "g:g"}))
	expect(f"info: {info}", info == {"name": "G", "owner": "ann", "is_channel": 0, "is_muted": 0})
	expect("no info", ann.call("groupapi.info", {"conversation": "g:none"})["code"] == 1007)

	data_of(ann.call("group.update", {"group": "g", "join": "open"}))
	expect("zoe may not join", zoe.call("group.join", {"group": "g"})["message"] == "zoe stays out")
	expect("zoe may not be invited", data_of(ann.call("group.invite", {"group": "g", "users": ["zoe"]}))["users"][0]
		== {"user": "zoe", "result": "refused"})
	data_of(ann.call("group.update", {"group": "g", "join": "approval"}))
	data_of(zoe.call("group.join", {"group": "g"}))
	expect("zoe is not let in", ann.call("group.approve", {"group": "g", "user": "zoe"})["code"] == 3000)
	expect("zoe makes none", zoe.call("group.create", {"name": "Z"})["code"] == 3000)
	expect("exit status", server.stop() == 0)


@case
def groups_on_two_nodes(bench):
	"""Each node has a store of its own here, so b knows of the group only what the bus brings, and nothing any more when
	it looks."""
	folder = tempfile.mkdtemp(prefix="nuncio-bus-")
	os.chmod(folder, 0o777)
	modules = ("auth_api", "store_memory", "direct", "group", "receipts", "api_bus")
	a, b = (bench.load(*modules, core=f"node = {name}\nnode_number = {number}\nretry_after = 100ms",
		sections=f"[api_bus]\nfolder = {folder}\n[receipts]\ndelay = 10ms\n").start()
		for name, number in (("a", 1), ("b", 2)))
	ann, ben, phone, carl = a.client("ann"), b.client("ben"), a.client("ben", "phone"), b.client("carl")

	def send(text):
		data_of(ann.call("message.send", {"to": {"group": "g"}, "client_id": text, "body": text}))

	def hears(client, text, patience=SECONDS):
		return client.expect("message.new", patience)["data"]["body"] == text

	data_of(ann.call("group.create", {"group": "g", "name": "G", "members": ["ben", "carl"]}))
	for client in (ben, phone, carl):
		expect("created", client.expect("group.changed")["data"]["kind"] == "created")
	send("1")
	for client in (ben, phone, carl):
		expect("both nodes", hears(client, "1"))
	data_of(phone.call("message.read", {"conversation": "g:g", "seq": 2}))
	for client in (ann, phone, ben, carl):
		expect("a receipt", client.expect("receipt")["data"]["members"] == [{"user": "ben", "delivered": 2, "read": 2}])
	data_of(ann.call("group.invite", {"group": "g", "users": ["dora"]}))
	data_of(ann.call("group.remove", {"group": "g", "user": "ben"}))
	expect("removed", ben.expect("group.changed")["data"]["kind"] == "removed")
	send("2")
	expect("carl stays", hears(carl, "2"))
	expect("ben left on both", not ben.quiet(0.2, "message.new") and not phone.quiet(0.1, "message.new"))

	dora = b.client("dora")
	data_of(ann.call("group.add", {"group": "g", "users": ["ben", "dora"]}))
	for client in (ben, dora):
		expect("added", client.expect("group.changed")["data"]["kind"] == "joined")
	send("3")
	for client in (ben, dora, carl, phone):
		expect("added on b", hears(client, "3"))

	# what is lost is looked up: behind a hole, and when the bus says so
	data_of(carl.call("bus.deaf"))
	send("4")
	data_of(carl.call("bus.deaf"))
	send("5")
	expect("until it is seen", hears(carl, "5"))
	deadline = time.monotonic() + SECONDS
	while "nuncio_group_live_members 0" not in b.get("/metrics")[2].splitlines() and time.monotonic() < deadline:
		time.sleep(0.05)
	expect("looked up", "nuncio_group_live_members 0" in b.get("/metrics")[2].splitlines())
	send("6")
	expect("nobody on b", not carl.quiet(0.2, "message.new"))
	data_of(ann.call("group.add", {"group": "g", "users": ["erin"]}))
	erin = a.client("erin")
	send("7")
	expect("erin on a", hears(erin, "7"))
	data_of(ann.call("bus.recover"))
	send("8")
	expect("a's own store knows", hears(erin, "8"))
	expect("exit status", (a.stop(), b.stop()) == (0, 0))
	shutil.rmtree(folder, ignore_errors=True)


@case
def two_nodes(bench):
	folder = tempfile.mkdtemp(prefix="nuncio-bus-")
	os.chmod(folder, 0o777)
	modules = ("auth_api", "store_memory", "direct", "api_live", "api_bus")
	a, b = (bench.load(*modules, core=f"node = {name}\nnode_number = {number}\nretry_after = 100ms",
		sections=f"[api_bus]\nfolder = {folder}\n").start() for name, number in (("a", 1), ("b", 2)))
	ann, ben, phone = a.client("ann"), b.client("ben"), a.client("ben", "phone")
	watch = b.client("watch")
	expect("there is a bus", data_of(watch.call("bus.recover")) is True)
	for client in (ben, watch):
		client.expect("session.resync")
	expect("junk was counted", "nuncio_bus_malformed_total 1" in b.get("/metrics")[2].splitlines())

	where = data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": "1", "body": "hello"}))
	for client in (ben, phone):
		expect("a message", client.expect("message.new")["data"]["body"] == "hello")
	expect("b hears of it", bus_told(ben, 'event "hello" 1'))
	expect("a hears of it", bus_told(ann, 'event "hello" 0'))
	data_of(phone.call("message.confirm", {"conversation": where["conversation"], "seq": 1}))
	for client in (ann, ben):
		expect("a receipt", client.expect("receipt")["data"]["delivered"] == 1)
	expect("b hears of the cursor", bus_told(ben, "mark ben 1 1"))

	data_of(ann.call("message.send", {"to": {"room": "lobby"}, "client_id": "2", "body": "all"}))
	for client in (ben, phone, watch):
		expect("live on both nodes", client.expect("message.new")["data"]["body"] == "all")
	data_of(ann.call("bus.tell", {"to": "nobody"}))
	data_of(ann.call("bus.tell", {"to": "ben"}))
	expect("a module's message", bus_told(ben, "peer hello"))
	expect("once", data_of(ben.call("bus.told")).count("peer hello") == 1)

	data_of(ann.call("message.send", {"to": {"user": "carl"}, "client_id": "3", "body": "carl?"}))
	expect("carl is nowhere", bus_told(ann, "miss carl"))
	expect("ben is somewhere", "miss ben" not in data_of(ann.call("bus.told")))
	phone.say_close()
	ben.say_close()
	deadline = time.monotonic() + SECONDS
	number = 4
	while "miss ben" not in data_of(ann.call("bus.told")) and time.monotonic() < deadline:
		data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": f"{number}", "body": "ben?"}))
		number += 1
	expect("ben has gone from both", bus_told(ann, "miss ben"))
	expect("exit status", (a.stop(), b.stop()) == (0, 0))
	shutil.rmtree(folder, ignore_errors=True)


@case
def blocks_after_a_gap_of_the_bus(bench):
	"""What a node remembers of its users, it asks the store again when it may have missed a change."""
	folder = tempfile.mkdtemp(prefix="nuncio-bus-")
	os.chmod(folder, 0o777)
	server = bench.load("auth_api", "store_memory", "direct", "contacts", "api_bus", core="retry_after = 100ms",
		sections=f"[api_bus]\nfolder = {folder}\n").start()
	ann, ben = server.client("ann"), server.client("ben")

	def gets():
		data_of(ann.call("message.send", {"to": {"user": "ben"}, "client_id": f"{time.monotonic_ns()}", "body": "hi"}))
		ben.expect("message.new")
		return int(re.search(r'nuncio_store_job_seconds_count\{kind="get"\} (\d+)', server.get("/metrics")[2])[1])

	first, second = gets(), gets()
	expect(f"remembered: {first}, {second}", second == first)
	data_of(ann.call("bus.recover"))
	ben.expect("session.resync")
	expect("asked again", gets() > second)
	expect("exit status", server.stop() == 0)
	shutil.rmtree(folder, ignore_errors=True)


@case
def unknown_bus(bench):
	refused(bench, ["api_conf"], CONFIG, r"\[core\] bus = gone: no module .*; there is none", core="bus = gone")


@case
def readiness(bench):
	"""/readyz names who does what; reasons only for those who may read /metrics."""
	server = bench.load("api_ready", "auth_api").start()

	def ready():
		status, _, body = server.get("/readyz")
		return status, json.loads(body)

	auth = {"auth": {"module": "auth_api", "ready": True}}
	status, body = ready()
	expect(f"{status} {body}", status == 503 and body["code"] == 5002
		and body["message"] == "api_ready is not ready")
	expect(body, body["data"] == {"status": "not_ready", "providers": auth,
		"modules": {"api_ready": {"ready": False, "why": "still looking for the disk"}}})
	server.get("/m/api_ready/yes")
	status, body = ready()
	expect(f"{status} {body}", status == 200 and body["data"] == {"status": "ready", "providers": auth,
		"modules": {"api_ready": {"ready": True}}})
	server.get("/m/api_ready/no")
	server.get("/m/api_ready/no")
	expect(ready(), ready()[1]["data"]["modules"] == {"api_ready": {"ready": False, "why": "the disk is away"}})
	metrics = server.get("/metrics")[2]
	expect("metric", 'nuncio_module_ready{module="api_ready"} 0' in metrics
		and 'nuncio_module_ready{module="auth_api"} 1' in metrics)
	expect("exit status", server.stop() == 0)
	said = [json.loads(line)["message"] for line in server.lines() if '"module":"api_ready"' in line]
	expect(said, said == ["not ready: still looking for the disk", "ready", "not ready: the disk is away"])
	server.end()
	server = bench.load("api_ready", core="metrics = off").start()
	status, body = ready()
	expect(f"{status} {body}", status == 503 and body["data"]["modules"] == {"api_ready": {"ready": False}})
	expect("exit status", server.stop() == 0)


def main():
	parser = argparse.ArgumentParser()
	parser.add_argument("--build", default=os.environ.get("top_builddir", "."))
	parser.add_argument("names", nargs="*")
	arguments = parser.parse_args()
	failed = passed = 0
	bench = Bench(os.path.abspath(arguments.build))
	for name, function in CASES:
		if arguments.names and name not in arguments.names:
			continue
		try:
			function(bench)
			passed += 1
		except (Wrong, OSError, KeyError, ValueError, AssertionError, wire.Closed, wire.Silence,
				wire.Refused) as why:
			failed += 1
			print(f"not ok: {name}: {why!r}")
			for server in bench.servers:
				print("\n".join("\t" + line for line in server.lines()[:40]))
		finally:
			bench.end()
	shutil.rmtree(bench.folder, ignore_errors=True)
	print(f"{passed} passed, {failed} failed, 0 skipped")
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
